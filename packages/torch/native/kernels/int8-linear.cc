// x · weight with weights of eight bits: each column of a (K, N) weight has one scale, its largest magnitude over 127.
// The arithmetic is that of x, exact but for the rounding of the weights: what is saved is reading them. Without
// gradients.
#include <torch/library.h>

#include "block-parts.h"
#include "few-rows.h"

namespace tunan {
namespace {

// A weight (K, N), or (N, K) where `outIn` says so → int8 (K, N) and scales (N), float32.
std::tuple<at::Tensor, at::Tensor> quantizeColumns(const at::Tensor& weight, bool outIn) {
  TORCH_CHECK(weight.dim() == 2 && at::isFloatingType(weight.scalar_type()),
              "quantize_columns expects a matrix of floating-point numbers, got ", weight.scalar_type(), " ",
              weight.sizes());
  const at::Tensor wide = (outIn ? weight.t() : weight).detach().to(at::kFloat);
  const at::Tensor scale = wide.abs().amax({0}).div_(127.0).contiguous();
  TORCH_CHECK(scale.isfinite().all().item<bool>(), "quantize_columns: the weight has elements that are no numbers");
  // A column of zeros has the scale 0 and stays zeros.
  const at::Tensor divisor = at::where(scale.gt(0), scale, at::ones_like(scale));
  return {(wide / divisor).round_().clamp_(-127, 127).to(at::kChar).contiguous(), scale};
}

}  // namespace

// [residual +] [gelu of] (x · (scale weight) + bias): x (…, K), weight int8 (K, N) → (…, N).
at::Tensor linearInt8(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scale,
                      const OptionalTensor& bias, bool gelu, const OptionalTensor& residual) {
  const auto isNarrow = [](at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; };
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 2 && weight.scalar_type() == at::kChar && weight.is_contiguous() &&
                  x.size(-1) == weight.size(0) && isNarrow(x.scalar_type()),
              "linear_int8 expects x (…, K), float32 or bfloat16, and weight (K, N) int8, got ", x.scalar_type(), " ",
              x.sizes(), " and ", weight.scalar_type(), " ", weight.sizes());
  const int64_t N = weight.size(1);
  TORCH_CHECK(scale.scalar_type() == at::kFloat && scale.dim() == 1 && scale.size(0) == N && scale.is_contiguous(),
              "linear_int8 expects ", N, " float32 scales, got ", scale.scalar_type(), " ", scale.sizes());
  TORCH_CHECK(!bias.has_value() || (bias->dim() == 1 && bias->size(0) == N && isNarrow(bias->scalar_type())),
              "linear_int8 expects a bias of ", N, " elements, float32 or bfloat16");
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = N;
  TORCH_CHECK(
      !residual.has_value() || (residual->sizes() == at::IntArrayRef(shape) && isNarrow(residual->scalar_type())),
      "linear_int8 expects a residual of shape ", shape, ", float32 or bfloat16");
  at::NoGradGuard noGradient;
  const at::Tensor rows = x.detach().reshape({-1, x.size(-1)});
  if (x.is_cpu()) {
    FewRows after;
    after.scale = scale;
    if (bias.has_value()) after.bias = bias->detach();
    after.gelu = gelu;
    if (residual.has_value()) after.residual = residual->detach().reshape({-1, N});
    if (rows.numel() == 0 || N == 0) return at::zeros(shape, x.options());
    return productOfFewRows(rows, weight, false, after).view(shape);
  }
  at::Tensor y = at::mm(rows, weight.to(x.scalar_type()) * scale.to(x.scalar_type()));
  if (bias.has_value()) y = y + bias->to(y.scalar_type());
  if (gelu) y = at::gelu(y, "tanh");
  y = y.view(shape);
  return residual.has_value() ? *residual + y.to(residual->scalar_type()) : y;
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("quantize_columns(Tensor weight, bool out_in) -> (Tensor, Tensor)");
  library.def(
      "linear_int8(Tensor x, Tensor weight, Tensor scale, Tensor? bias=None, bool gelu=False, Tensor? residual=None) "
      "-> "
      "Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("quantize_columns", quantizeColumns);
  library.impl("linear_int8", linearInt8);
}

}  // namespace
}  // namespace tunan
