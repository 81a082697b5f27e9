// Layer normalisation over the last dimension (Ba et al. 2016), from a residual stream in one dtype to activations in another: the
// float32 stream comes out as bfloat16 in the same pass. The mean and the inverse deviation of each row are kept for backward.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

#include "rows.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <typename In, typename Out>
TUNAN_CLONES void normRow(const In* __restrict__ x, const WideOf<In>* __restrict__ weight, const WideOf<In>* __restrict__ bias, Out* __restrict__ y, int64_t C,
                          WideOf<In> epsilon, WideOf<In>* mean, WideOf<In>* inverse) {
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

// dx of one row; adds the row's share to the gradients of weight and bias.
template <typename In, typename Out>
TUNAN_CLONES void normBackwardRow(const In* __restrict__ x, const WideOf<In>* __restrict__ weight, const Out* __restrict__ dy, In* __restrict__ dx, int64_t C,
                                  WideOf<In> mean, WideOf<In> inverse, WideOf<In>* __restrict__ dw, WideOf<In>* __restrict__ db) {
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
    store(dx[j], inverse * (g * weight[j] - meanGradient - normal * meanProduct));
    dw[j] += g * normal;
    db[j] += g;
  }
}

template <typename Body>
void dispatchPair(at::ScalarType in, at::ScalarType out, Body&& body) {
  dispatchStored(in, "layer_norm", [&](auto storedIn) { dispatchStored(out, "layer_norm", [&](auto storedOut) { body(storedIn, storedOut); }); });
}

at::ScalarType wideType(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

class LayerNorm : public torch::autograd::Function<LayerNorm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, double epsilon, int64_t dtype) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor x = input.contiguous();
    const auto wide = wideType(x.scalar_type());
    const at::Tensor w = weight.to(wide).contiguous(), b = bias.to(wide).contiguous();
    const int64_t C = x.size(-1), rows = x.numel() / C;
    const at::Tensor y = at::empty(x.sizes(), x.options().dtype(at::ScalarType(dtype)));
    const at::Tensor mean = at::empty({rows}, x.options().dtype(wide)), inverse = at::empty({rows}, x.options().dtype(wide));
    dispatchPair(x.scalar_type(), y.scalar_type(), [&](auto storedIn, auto storedOut) {
      using In = decltype(storedIn);
      using Out = decltype(storedOut);
      using Real = WideOf<In>;
      at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
          normRow(dataOf<In>(x) + i * C, dataOf<Real>(w), dataOf<Real>(b), dataOf<Out>(y) + i * C, C, Real(epsilon), dataOf<Real>(mean) + i, dataOf<Real>(inverse) + i);
        }
      });
    });
    context->save_for_backward({x, w, mean, inverse});
    context->saved_data["weight"] = int64_t(weight.scalar_type());
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &w = saved[1], &mean = saved[2], &inverse = saved[3];
    const auto weightType = at::ScalarType(context->saved_data["weight"].toInt());
    const at::Tensor dy = gradients[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    const int64_t C = x.size(-1), rows = x.numel() / C;
    at::Tensor both;  // (2 C): the gradients of weight, then of bias
    dispatchPair(x.scalar_type(), dy.scalar_type(), [&](auto storedIn, auto storedOut) {
      using In = decltype(storedIn);
      using Out = decltype(storedOut);
      using Real = WideOf<In>;
      both = columnSums<Real>(rows, 2 * C, weightType, [&](int64_t first, int64_t last, Real* sums) {
        for (int64_t i = first; i < last; i++) {
          normBackwardRow(dataOf<In>(x) + i * C, dataOf<Real>(w), dataOf<Out>(dy) + i * C, dataOf<In>(dx) + i * C, C, dataOf<Real>(mean)[i], dataOf<Real>(inverse)[i], sums, sums + C);
        }
      });
    });
    return {dx, both.narrow(0, 0, C), both.narrow(0, C, C), at::Tensor(), at::Tensor()};
  }
};

at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon, c10::optional<int64_t> dtype) {
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 1 && weight.sizes() == bias.sizes() && x.size(-1) == weight.size(0) && x.size(-1) > 0,
              "layer_norm expects x (…, C), weight (C) and bias (C), got ", x.sizes(), ", ", weight.sizes(), " and ", bias.sizes());
  TORCH_CHECK(x.device() == weight.device() && x.device() == bias.device(), "layer_norm: x, weight and bias must be on one device");
  const auto target = dtype.has_value() ? at::ScalarType(*dtype) : x.scalar_type();
  if (x.is_cpu()) return LayerNorm::apply(x, weight, bias, epsilon, int64_t(target));
  return at::layer_norm(x, weight.sizes(), weight.to(x.scalar_type()), bias.to(x.scalar_type()), epsilon).to(target);
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float epsilon=1e-05, int? dtype=None) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("layer_norm", layerNorm); }

}  // namespace
}  // namespace tunan
