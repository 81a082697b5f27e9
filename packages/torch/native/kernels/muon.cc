// Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) over many matrices in one call: momentum with
// Nesterov's look ahead, orthogonalised by five steps of a quintic Newton-Schulz iteration. CPU, float32 and float64.
//
// Each matrix is one piece of work, whose sums and products are cut at places that its size alone decides: the result
// does not depend on the number of threads.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>
#include <vector>

#include "product.h"
#include "vectorise.h"

namespace tunan {
namespace {

// Jordan's coefficients: they make the slope at zero as large as it can be while singular values end between about 0.7
// and 1.2.
constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
constexpr int kSteps = 5;
// Keeps a gradient of zeros at zeros.
constexpr double kSmallestNorm = 1e-7;

struct Coefficients {
  double momentum;
  double decay;  // 1 - learning rate * weight decay
  bool cautious;
  bool half;  // products of the iteration in bfloat16
};

// A row of momentum <- its mean with the gradient; of ahead <- the gradient's mean with the new momentum. The sum of
// squares of ahead.
struct LookAheadRow {
  template <typename Real>
  static TUNAN_INLINE double run(Real* __restrict__ ahead, Real* __restrict__ momentum,
                                 const Real* __restrict__ gradient, int64_t count, Coefficients c) {
    const Real beta = Real(c.momentum), rest = Real(1 - c.momentum);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) {
      const Real g = gradient[i];
      const Real m = momentum[i] + rest * (g - momentum[i]);
      momentum[i] = m;
      const Real a = g + beta * (m - g);
      ahead[i] = a;
      sum += double(a) * double(a);
    }
    return sum;
  }
};

// A row of parameter <- the decayed parameter - rate * update. Cautious: decayed only where the update, too, goes
// towards zero (Chen et al. 2025, arXiv 2510.12402).
struct UpdateRow {
  template <typename Real>
  static TUNAN_INLINE void run(Real* __restrict__ parameter, const Real* __restrict__ update, int64_t count, double rate,
                               Coefficients c) {
    const Real decay = Real(c.decay), against = c.cautious ? Real(1) : decay, step = Real(-rate);
    for (int64_t i = 0; i < count; i++) {
      const Real p = parameter[i], u = update[i];
      parameter[i] = p * (u * p < Real(0) ? against : decay) + step * u;
    }
  }
};

// One step for X (M, N), M <= N: a X + (b A + c A A) X with A = X X^T.
at::Tensor newtonSchulzStep(const at::Tensor& x) {
  const auto dtype = x.scalar_type();
  const at::Tensor a = product(x, x.t(), dtype);
  const at::Tensor b = product(a, a, dtype).mul_(kC).add_(a, kB);
  return product(b, x, dtype).add_(x, kA);
}

// X (M, N), of Frobenius norm 1 at most, to the nearest matrix whose singular values are all about 1.
at::Tensor orthogonalized(const at::Tensor& matrix, bool half) {
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = tall ? matrix.t().contiguous() : matrix;
  if (half) x = x.to(at::kBFloat16);
  for (int step = 0; step < kSteps; step++) x = newtonSchulzStep(x);
  return (tall ? x.t() : x).to(matrix.scalar_type()).contiguous();
}

// One matrix, any row stride. rate: the learning rate times the scale of the update.
template <typename Real>
void updateMatrix(const at::Tensor& parameter, const at::Tensor& gradient, const at::Tensor& momentum, double rate,
                  Coefficients c) {
  const int64_t rows = parameter.size(0), columns = parameter.size(1);
  at::Tensor ahead = at::empty({rows, columns}, parameter.options());
  double squares = 0;
  for (int64_t row = 0; row < rows; row++) {
    squares += vectorised<LookAheadRow>(ahead.data_ptr<Real>() + row * columns,
                                        momentum.data_ptr<Real>() + row * momentum.stride(0),
                                        gradient.data_ptr<Real>() + row * gradient.stride(0), columns, c);
  }
  ahead.mul_(1 / (std::sqrt(squares) + kSmallestNorm));
  const at::Tensor update = orthogonalized(ahead, c.half);
  for (int64_t row = 0; row < rows; row++) {
    vectorised<UpdateRow>(parameter.data_ptr<Real>() + row * parameter.stride(0),
                          static_cast<const Real*>(update.data_ptr<Real>() + row * columns), columns, rate, c);
  }
}

bool hasWholeRows(const at::Tensor& matrix) { return matrix.is_cpu() && matrix.dim() == 2 && matrix.stride(1) == 1; }

void muon_(at::TensorList parameters, at::TensorList gradients, at::TensorList momenta, at::ArrayRef<double> rates,
           double momentum, double decay, bool cautious, bool half) {
  const size_t count = parameters.size();
  TORCH_CHECK(count == gradients.size() && count == momenta.size() && count == rates.size(),
              "the four lists must have one length");
  std::vector<at::Tensor> readable;
  for (size_t i = 0; i < count; i++) {
    const at::Tensor &p = parameters[i], &g = gradients[i], &m = momenta[i];
    TORCH_CHECK(hasWholeRows(p) && hasWholeRows(m), "parameters and momenta must be CPU matrices of contiguous rows");
    TORCH_CHECK(g.is_cpu() && p.sizes() == g.sizes() && p.sizes() == m.sizes() &&
                    p.scalar_type() == g.scalar_type() && p.scalar_type() == m.scalar_type(),
                "parameter ", i, ": gradient and momentum must have its shape and dtype");
    TORCH_CHECK(p.scalar_type() == at::kFloat || p.scalar_type() == at::kDouble, "muon_ takes float32 or float64");
    readable.push_back(hasWholeRows(g) ? g : g.contiguous());
  }
  const Coefficients c{momentum, decay, cautious, half};
  at::parallel_for(0, int64_t(count), 1, [&](int64_t begin, int64_t end) {
    const at::AutoDispatchBelowAutograd noGradient;  // the guard of the caller holds for its thread only
    for (int64_t i = begin; i < end; i++) {
      if (parameters[i].numel() == 0) continue;
      AT_DISPATCH_FLOATING_TYPES(parameters[i].scalar_type(), "muon_", [&] {
        updateMatrix<scalar_t>(parameters[i], readable[i], momenta[i], rates[i], c);
      });
    }
  });
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def(
      "muon_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] momenta, float[] rates, float momentum, "
      "float decay, bool cautious, bool half) -> ()");
}

TORCH_LIBRARY_IMPL(tunan, CPU, library) { library.impl("muon_", muon_); }

}  // namespace
}  // namespace tunan
