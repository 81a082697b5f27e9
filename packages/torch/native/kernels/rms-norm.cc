// Normalisation over the last dimension by the root of the mean square (Zhang and Sennrich 2019), from a residual
// stream in one dtype to activations in another, as layer-norm.cc. The inverse root of each row is kept for backward.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

#include "block-parts.h"
#include "make-again.h"
#include "norms.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsNormRows {
  template <typename In, typename Out>
  static TUNAN_INLINE void run(const In* __restrict__ x, const WideOf<In>* __restrict__ weight, Out* __restrict__ y,
                               int64_t begin, int64_t end, int64_t C, WideOf<In> epsilon,
                               WideOf<In>* __restrict__ inverse) {
    using Real = WideOf<In>;
    for (int64_t i = begin; i < end; i++) {
      const In* row = x + i * C;
      Real square = 0;
#pragma omp simd reduction(+ : square)
      for (int64_t j = 0; j < C; j++) square += load(row[j]) * load(row[j]);
      const Real scale = Real(1) / std::sqrt(square / Real(C) + epsilon);
      for (int64_t j = 0; j < C; j++) store(y[i * C + j], WideOf<Out>(load(row[j]) * scale * weight[j]));
      inverse[i] = scale;
    }
  }
};

// dx of rows [first, last), and `through` added where it is given; adds their share to the gradient of the weight.
struct RmsNormBackwardRows {
  template <typename In, typename Out>
  static TUNAN_INLINE void run(const In* __restrict__ x, const WideOf<In>* __restrict__ weight,
                               const Out* __restrict__ dy, const In* __restrict__ through, In* __restrict__ dx,
                               int64_t first, int64_t last, int64_t C, const WideOf<In>* __restrict__ inverse,
                               WideOf<In>* __restrict__ dw) {
    using Real = WideOf<In>;
    for (int64_t i = first; i < last; i++) {
      const In* row = x + i * C;
      const Out* gradient = dy + i * C;
      const Real scale = inverse[i];
      Real product = 0;
#pragma omp simd reduction(+ : product)
      for (int64_t j = 0; j < C; j++) product += Real(load(gradient[j])) * weight[j] * load(row[j]);
      const Real share = product * scale * scale / Real(C);
      if (through == nullptr) {
        for (int64_t j = 0; j < C; j++) {
          const Real g = Real(load(gradient[j])), value = load(row[j]);
          store(dx[i * C + j], scale * (g * weight[j] - value * share));
          dw[j] += g * value * scale;
        }
      } else {
        for (int64_t j = 0; j < C; j++) {
          const Real g = Real(load(gradient[j])), value = load(row[j]);
          store(dx[i * C + j], load(through[i * C + j]) + scale * (g * weight[j] - value * share));
          dw[j] += g * value * scale;
        }
      }
    }
  }
};

struct Normed {
  at::Tensor y, inverse;  // inverse: of the root mean square of each row
};

Normed normRows(const at::Tensor& x, const at::Tensor& w, double epsilon, at::ScalarType dtype) {
  const int64_t C = x.size(-1), rows = x.numel() / C;
  const Normed out{at::empty(x.sizes(), x.options().dtype(dtype)), at::empty({rows}, w.options())};
  dispatchPair(x.scalar_type(), dtype, "rms_norm", [&](auto storedIn, auto storedOut) {
    using In = decltype(storedIn);
    using Out = decltype(storedOut);
    using Real = WideOf<In>;
    at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
      vectorised<RmsNormRows>((const In*)dataOf<In>(x), (const Real*)dataOf<Real>(w), dataOf<Out>(out.y), begin, end, C,
                              Real(epsilon), dataOf<Real>(out.inverse));
    });
  });
  return out;
}

// The norm, and x itself once more, as LayerNorm gives them.
class RmsNorm : public torch::autograd::Function<RmsNorm> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                               double epsilon, int64_t dtype) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor x = input.contiguous();
    const at::Tensor w = weight.to(wideType(x.scalar_type())).contiguous();
    const Normed normed = normRows(x, w, epsilon, at::ScalarType(dtype));
    context->save_for_backward({x, w, normed.inverse});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["dtype"] = dtype;
    context->saved_data["weight"] = int64_t(weight.scalar_type());
    context->set_materialize_grads(false);
    return {input, normed.y};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &w = saved[1], &inverse = saved[2];
    if (!gradients[1].defined()) return {gradients[0], at::Tensor(), at::Tensor(), at::Tensor()};
    const at::Tensor through = gradients[0].defined() ? gradients[0].contiguous() : at::Tensor();
    const at::Tensor dy = gradients[1].contiguous(), dx = at::empty_like(x);
    const auto weightType = at::ScalarType(context->saved_data["weight"].toInt());
    const int64_t C = x.size(-1), rows = x.numel() / C;
    at::Tensor dw;
    dispatchPair(x.scalar_type(), dy.scalar_type(), "rms_norm", [&](auto storedIn, auto storedOut) {
      using In = decltype(storedIn);
      using Out = decltype(storedOut);
      using Real = WideOf<In>;
      const In* added = through.defined() ? dataOf<In>(through) : nullptr;
      dw = columnSums<Real>(rows, C, weightType, [&](int64_t first, int64_t last, Real* sums) {
        vectorised<RmsNormBackwardRows>((const In*)dataOf<In>(x), (const Real*)dataOf<Real>(w),
                                        (const Out*)dataOf<Out>(dy), added, dataOf<In>(dx), first, last, C,
                                        (const Real*)dataOf<Real>(inverse), sums);
      });
    });
    return {dx, dw, at::Tensor(), at::Tensor()};
  }
};

at::Tensor normedAgain(AutogradContext& context) {
  const auto saved = context.get_saved_variables();
  return normRows(saved[0], saved[1], context.saved_data["epsilon"].toDouble(),
                  at::ScalarType(context.saved_data["dtype"].toInt()))
      .y;
}

std::tuple<at::Tensor, at::Tensor> residualRmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                                                   c10::optional<int64_t> dtype) {
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 1 && x.size(-1) == weight.size(0) && x.size(-1) > 0,
              "rms_norm expects x (…, C) and weight (C), got ", x.sizes(), " and ", weight.sizes());
  TORCH_CHECK(x.device() == weight.device(), "rms_norm: x and weight must be on one device");
  const auto target = dtype.has_value() ? at::ScalarType(*dtype) : x.scalar_type();
  if (!x.is_cpu()) {
    const at::Tensor wide = x.to(wideType(x.scalar_type()));
    const at::Tensor inverse = wide.square().mean(-1, true).add(epsilon).rsqrt();
    return {x, (wide * inverse * weight.to(wide.scalar_type())).to(target)};
  }
  if (!at::GradMode::is_enabled())
    return {x, normRows(x.contiguous(), weight.to(wideType(x.scalar_type())).contiguous(), epsilon, target).y};
  const variable_list both = RmsNorm::apply(x, weight, epsilon, int64_t(target));
  return {both[0], both[1]};
}

}  // namespace

Maker rmsNormMaker(const std::shared_ptr<torch::autograd::Node>& node) { return makerOf<RmsNorm>(node, normedAgain); }

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon, c10::optional<int64_t> dtype) {
  return std::get<1>(residualRmsNorm(x, weight, epsilon, dtype));
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("rms_norm(Tensor x, Tensor weight, float epsilon=1e-06, int? dtype=None) -> Tensor");
  library.def("residual_rms_norm(Tensor x, Tensor weight, float epsilon=1e-06, int? dtype=None) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("rms_norm", rmsNorm);
  library.impl("residual_rms_norm", residualRmsNorm);
}

}  // namespace
}  // namespace tunan
