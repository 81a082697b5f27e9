// Layer normalisation over the last dimension (Ba et al. 2016), from a residual stream in one dtype to activations in
// another: the float32 stream comes out as bfloat16 in the same pass. The mean and the inverse deviation of each row
// are kept for backward.
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

struct NormRow {
  template <typename In, typename Out>
  static TUNAN_INLINE void run(const In* __restrict__ x, const WideOf<In>* __restrict__ weight,
                               const WideOf<In>* __restrict__ bias, Out* __restrict__ y, int64_t C, WideOf<In> epsilon,
                               WideOf<In>* mean, WideOf<In>* inverse) {
    using Real = WideOf<In>;
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < C; j++) sum += load(x[j]);
    const Real average = sum / Real(C);
    Real square = 0;
#pragma omp simd reduction(+ : square)
    for (int64_t j = 0; j < C; j++) square += (load(x[j]) - average) * (load(x[j]) - average);
    const Real scale = Real(1) / std::sqrt(square / Real(C) + epsilon);
    for (int64_t j = 0; j < C; j++) store(y[j], WideOf<Out>((load(x[j]) - average) * scale * weight[j] + bias[j]));
    *mean = average;
    *inverse = scale;
  }
};

// dx of one row, and `through` added where it is given; adds the row's share to the gradients of weight and bias.
struct NormBackwardRow {
  template <typename In, typename Out>
  static TUNAN_INLINE void run(const In* __restrict__ x, const WideOf<In>* __restrict__ weight,
                               const Out* __restrict__ dy, const In* __restrict__ through, In* __restrict__ dx,
                               int64_t C, WideOf<In> mean, WideOf<In> inverse, WideOf<In>* __restrict__ dw,
                               WideOf<In>* __restrict__ db) {
    using Real = WideOf<In>;
    Real sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (int64_t j = 0; j < C; j++) {
      const Real g = Real(load(dy[j])) * weight[j];
      sum += g;
      product += g * (load(x[j]) - mean) * inverse;
    }
    const Real meanGradient = sum / Real(C), meanProduct = product / Real(C);
    for (int64_t j = 0; j < C; j++) {
      const Real normal = (load(x[j]) - mean) * inverse;
      const Real g = Real(load(dy[j]));
      const Real base = through == nullptr ? Real(0) : Real(load(through[j]));
      store(dx[j], base + inverse * (g * weight[j] - meanGradient - normal * meanProduct));
      dw[j] += g * normal;
      db[j] += g;
    }
  }
};

struct Normed {
  at::Tensor y, mean, inverse;  // mean and inverse deviation of each row
};

Normed normRows(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, double epsilon, at::ScalarType dtype) {
  const int64_t C = x.size(-1), rows = x.numel() / C;
  const Normed out{at::empty(x.sizes(), x.options().dtype(dtype)), at::empty({rows}, w.options()),
                   at::empty({rows}, w.options())};
  dispatchPair(x.scalar_type(), dtype, "layer_norm", [&](auto storedIn, auto storedOut) {
    using In = decltype(storedIn);
    using Out = decltype(storedOut);
    using Real = WideOf<In>;
    at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        vectorised<NormRow>((const In*)dataOf<In>(x) + i * C, (const Real*)dataOf<Real>(w),
                            (const Real*)dataOf<Real>(b), dataOf<Out>(out.y) + i * C, C, Real(epsilon),
                            dataOf<Real>(out.mean) + i, dataOf<Real>(out.inverse) + i);
      }
    });
  });
  return out;
}

// The norm, and x itself once more: what goes on along the residual stream. Its gradient is added in the norm's own
// pass.
class LayerNorm : public torch::autograd::Function<LayerNorm> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                               const at::Tensor& bias, double epsilon, int64_t dtype) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor x = input.contiguous();
    const auto wide = wideType(x.scalar_type());
    const at::Tensor w = weight.to(wide).contiguous(), b = bias.to(wide).contiguous();
    const Normed normed = normRows(x, w, b, epsilon, at::ScalarType(dtype));
    context->save_for_backward({x, w, normed.mean, normed.inverse, b});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["dtype"] = dtype;
    context->saved_data["weight"] = int64_t(weight.scalar_type());
    context->set_materialize_grads(false);
    return {input, normed.y};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &w = saved[1], &mean = saved[2], &inverse = saved[3];
    const auto weightType = at::ScalarType(context->saved_data["weight"].toInt());
    if (!gradients[1].defined()) return {gradients[0], at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    const at::Tensor through = gradients[0].defined() ? gradients[0].contiguous() : at::Tensor();
    const at::Tensor dy = gradients[1].contiguous();
    const at::Tensor dx = at::empty_like(x);
    const int64_t C = x.size(-1), rows = x.numel() / C;
    at::Tensor both;  // (2 C): the gradients of weight, then of bias
    dispatchPair(x.scalar_type(), dy.scalar_type(), "layer_norm", [&](auto storedIn, auto storedOut) {
      using In = decltype(storedIn);
      using Out = decltype(storedOut);
      using Real = WideOf<In>;
      const In* added = through.defined() ? dataOf<In>(through) : nullptr;
      both = columnSums<Real>(rows, 2 * C, weightType, [&](int64_t first, int64_t last, Real* sums) {
        for (int64_t i = first; i < last; i++) {
          vectorised<NormBackwardRow>((const In*)dataOf<In>(x) + i * C, (const Real*)dataOf<Real>(w),
                                      (const Out*)dataOf<Out>(dy) + i * C, added == nullptr ? added : added + i * C,
                                      dataOf<In>(dx) + i * C, C, dataOf<Real>(mean)[i], dataOf<Real>(inverse)[i], sums,
                                      sums + C);
        }
      });
    });
    return {dx, both.narrow(0, 0, C), both.narrow(0, C, C), at::Tensor(), at::Tensor()};
  }
};

at::Tensor normedAgain(AutogradContext& context) {
  const auto saved = context.get_saved_variables();
  return normRows(saved[0], saved[1], saved[4], context.saved_data["epsilon"].toDouble(),
                  at::ScalarType(context.saved_data["dtype"].toInt()))
      .y;
}

std::tuple<at::Tensor, at::Tensor> residualLayerNorm(const at::Tensor& x, const at::Tensor& weight,
                                                     const at::Tensor& bias, double epsilon,
                                                     c10::optional<int64_t> dtype) {
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 1 && weight.sizes() == bias.sizes() && x.size(-1) == weight.size(0) &&
                  x.size(-1) > 0,
              "layer_norm expects x (…, C), weight (C) and bias (C), got ", x.sizes(), ", ", weight.sizes(), " and ",
              bias.sizes());
  TORCH_CHECK(x.device() == weight.device() && x.device() == bias.device(),
              "layer_norm: x, weight and bias must be on one device");
  const auto target = dtype.has_value() ? at::ScalarType(*dtype) : x.scalar_type();
  if (!x.is_cpu())
    return {
        x, at::layer_norm(x, weight.sizes(), weight.to(x.scalar_type()), bias.to(x.scalar_type()), epsilon).to(target)};
  if (!at::GradMode::is_enabled()) {
    const auto wide = wideType(x.scalar_type());
    return {x, normRows(x.contiguous(), weight.to(wide).contiguous(), bias.to(wide).contiguous(), epsilon, target).y};
  }
  const variable_list both = LayerNorm::apply(x, weight, bias, epsilon, int64_t(target));
  return {both[0], both[1]};
}

}  // namespace

Maker layerNormMaker(const std::shared_ptr<torch::autograd::Node>& node) {
  return makerOf<LayerNorm>(node, normedAgain);
}

at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                     c10::optional<int64_t> dtype) {
  return std::get<1>(residualLayerNorm(x, weight, bias, epsilon, dtype));
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float epsilon=1e-05, int? dtype=None) -> Tensor");
  library.def(
      "residual_layer_norm(Tensor x, Tensor weight, Tensor bias, float epsilon=1e-05, int? dtype=None) -> (Tensor, "
      "Tensor)");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("layer_norm", layerNorm);
  library.impl("residual_layer_norm", residualLayerNorm);
}

}  // namespace
}  // namespace tunan
