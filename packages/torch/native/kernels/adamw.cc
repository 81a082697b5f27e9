// AdamW (Loshchilov & Hutter 2019) over many tensors in one call, in the order of operations of torch.optim.AdamW, so
// that the results agree with PyTorch's to rounding. CPU, float32 and float64; one pass over parameter, gradient and
// both moments.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>

#include "vectorise.h"

namespace tunan {
namespace {

struct Coefficients {
  double decay;  // 1 - learning rate * weight decay
  double beta1, beta2;
  double stepSize;         // learning rate / (1 - beta1^step)
  double rootCorrection2;  // sqrt(1 - beta2^step)
  double epsilon;
  bool cautious;  // decayed only where the update, too, goes towards zero (Chen et al. 2025, arXiv 2510.12402)
};

struct UpdateRange {
  template <typename Real>
  static TUNAN_INLINE void run(Real* __restrict__ parameter, const Real* __restrict__ gradient, Real* __restrict__ mean,
                               Real* __restrict__ square, int64_t begin, int64_t end, Coefficients c) {
    const Real decay = Real(c.decay), weight1 = Real(1 - c.beta1), beta2 = Real(c.beta2), weight2 = Real(1 - c.beta2);
    const Real against = c.cautious ? Real(1) : decay;
    const Real stepSize = Real(-c.stepSize), inverseRoot = Real(c.rootCorrection2), epsilon = Real(c.epsilon);
    for (int64_t i = begin; i < end; i++) {
      const Real g = gradient[i];
      const Real m = mean[i] + weight1 * (g - mean[i]);
      const Real v = square[i] * beta2 + weight2 * g * g;
      mean[i] = m;
      square[i] = v;
      const Real p = parameter[i];
      parameter[i] = p * (m * p < Real(0) ? against : decay) + stepSize * (m / (std::sqrt(v) / inverseRoot + epsilon));
    }
  }
};

void adamw_(at::TensorList parameters, at::TensorList gradients, at::TensorList means, at::TensorList squares,
            double learningRate, double beta1, double beta2, double epsilon, double weightDecay, int64_t step,
            bool cautious) {
  TORCH_CHECK(
      parameters.size() == gradients.size() && parameters.size() == means.size() && parameters.size() == squares.size(),
      "the four lists must have one length");
  TORCH_CHECK(step >= 1, "step counts from 1");
  const Coefficients c{1 - learningRate * weightDecay,
                       beta1,
                       beta2,
                       learningRate / (1 - std::pow(beta1, double(step))),
                       std::sqrt(1 - std::pow(beta2, double(step))),
                       epsilon,
                       cautious};
  for (size_t i = 0; i < parameters.size(); i++) {
    const at::Tensor& p = parameters[i];
    const at::Tensor g = gradients[i].contiguous();
    TORCH_CHECK(p.is_cpu() && p.is_contiguous() && means[i].is_contiguous() && squares[i].is_contiguous(),
                "parameters and moments must be contiguous CPU tensors");
    TORCH_CHECK(p.sizes() == g.sizes() && p.scalar_type() == g.scalar_type() && p.sizes() == means[i].sizes() &&
                    p.sizes() == squares[i].sizes() && p.scalar_type() == means[i].scalar_type() &&
                    p.scalar_type() == squares[i].scalar_type(),
                "parameter ", i, ": gradient and moments must have its shape and dtype");
    AT_DISPATCH_FLOATING_TYPES(p.scalar_type(), "adamw_", [&] {
      scalar_t* pp = p.data_ptr<scalar_t>();
      const scalar_t* gp = g.data_ptr<scalar_t>();
      scalar_t* mp = means[i].data_ptr<scalar_t>();
      scalar_t* sp = squares[i].data_ptr<scalar_t>();
      at::parallel_for(0, p.numel(), 1 << 14,
                       [&](int64_t begin, int64_t end) { vectorised<UpdateRange>(pp, gp, mp, sp, begin, end, c); });
    });
  }
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def(
      "adamw_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] means, Tensor(c!)[] squares, float "
      "learning_rate, float beta1, "
      "float beta2, float epsilon, float weight_decay, int step, bool cautious) -> ()");
}

TORCH_LIBRARY_IMPL(tunan, CPU, library) { library.impl("adamw_", adamw_); }

}  // namespace
}  // namespace tunan
