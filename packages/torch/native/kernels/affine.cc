// y = x · weight + bias with weight (K, M), the layout of GPT-2's Conv1D. The weight and bias may be float32 masters while x is
// bfloat16: they are rounded for the product, and their gradients come out in their own dtype.
// Beside it two kernels that take a bias along: gelu(x + bias) and residual + (x + bias).
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "rows.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kGeluScale = 1.5957691216057308;  // 2 sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715;

template <typename Stored>
TUNAN_CLONES void sumRows(const Stored* x, int64_t first, int64_t last, int64_t C, WideOf<Stored>* sums) {
  for (int64_t i = first; i < last; i++) {
    for (int64_t j = 0; j < C; j++) sums[j] += load(x[i * C + j]);
  }
}

// The sum over all rows of x (…, C).
at::Tensor sumOverRows(const at::Tensor& x, at::ScalarType dtype) {
  if (!x.is_cpu()) return x.reshape({-1, x.size(-1)}).sum(0).to(dtype);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  at::Tensor out;
  dispatchStored(x.scalar_type(), "bias gradient", [&](auto stored) {
    using Stored = decltype(stored);
    const Stored* data = dataOf<Stored>(x);
    out = columnSums<WideOf<Stored>>(rows, C, dtype, [&](int64_t first, int64_t last, WideOf<Stored>* sums) { sumRows(data, first, last, C, sums); });
  });
  return out;
}

at::Tensor flat(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

void checkBias(const at::Tensor& x, const at::Tensor& bias, const char* operation) {
  TORCH_CHECK(x.device() == bias.device(), operation, ": x and bias must be on one device");
  TORCH_CHECK(x.dim() >= 1 && bias.dim() == 1 && bias.size(0) == x.size(-1), operation, " expects x (…, C) and bias (C), got ", x.sizes(), " and ", bias.sizes());
}

// --- affine

class Affine : public torch::autograd::Function<Affine> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    TORCH_CHECK(x.dim() >= 1 && weight.dim() == 2 && x.size(-1) == weight.size(0), "affine expects x (…, K) and weight (K, M), got ", x.sizes(), " and ", weight.sizes());
    const at::Tensor rounded = weight.to(x.scalar_type());
    const at::Tensor rows = flat(x);
    context->save_for_backward({rows, rounded});
    context->saved_data["weight"] = int64_t(weight.scalar_type());
    context->saved_data["bias"] = bias.has_value() ? int64_t(bias->scalar_type()) : int64_t(-1);
    context->saved_data["shape"] = x.sizes().vec();
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(1);
    const at::Tensor y = bias.has_value() ? at::addmm(bias->to(x.scalar_type()), rows, rounded) : at::mm(rows, rounded);
    return y.view(shape);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor& rows = saved[0];
    const at::Tensor& rounded = saved[1];
    const at::Tensor dy = flat(gradients[0]).contiguous();
    const int64_t biasType = context->saved_data["bias"].toInt();
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) dx = at::mm(dy, rounded.t()).view(context->saved_data["shape"].toIntVector());
    if (context->needs_input_grad(1)) dw = at::mm(rows.t(), dy).to(at::ScalarType(context->saved_data["weight"].toInt()));
    if (biasType >= 0 && context->needs_input_grad(2)) db = sumOverRows(dy, at::ScalarType(biasType));
    return {dx, dw, db};
  }
};

at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) { return Affine::apply(x, weight, bias); }

// --- gelu(x + bias), the tanh approximation

template <typename Stored, typename Bias>
TUNAN_CLONES void geluRows(const Stored* __restrict__ x, const Bias* __restrict__ bias, Stored* __restrict__ y, int64_t begin, int64_t end, int64_t C) {
  using Real = WideOf<Stored>;
  for (int64_t i = begin; i < end; i++) {
    for (int64_t j = 0; j < C; j++) {
      const Real u = load(x[i * C + j]) + Real(load(bias[j]));
      Real z = Real(-kGeluScale) * (u + Real(kGeluCubic) * u * u * u);
      z = z > Real(80) ? Real(80) : z;
      store(y[i * C + j], u / (Real(1) + exponential(z)));
    }
  }
}

// dx for rows [first, last) and their sums, which are the bias' gradient.
template <typename Stored, typename Bias>
TUNAN_CLONES void geluBackwardRows(const Stored* __restrict__ x, const Bias* __restrict__ bias, const Stored* __restrict__ dy, Stored* __restrict__ dx,
                                   int64_t first, int64_t last, int64_t C, WideOf<Stored>* __restrict__ sums) {
  using Real = WideOf<Stored>;
  for (int64_t i = first; i < last; i++) {
    for (int64_t j = 0; j < C; j++) {
      const Real u = load(x[i * C + j]) + Real(load(bias[j]));
      Real z = Real(-kGeluScale) * (u + Real(kGeluCubic) * u * u * u);
      z = z > Real(80) ? Real(80) : z;
      const Real sigmoid = Real(1) / (Real(1) + exponential(z));
      const Real slope = Real(kGeluScale) * (Real(1) + Real(3 * kGeluCubic) * u * u);
      const Real d = load(dy[i * C + j]) * (sigmoid + u * slope * sigmoid * (Real(1) - sigmoid));
      store(dx[i * C + j], d);
      sums[j] += d;
    }
  }
}

class BiasGelu : public torch::autograd::Function<BiasGelu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    checkBias(input, bias, "bias_gelu");
    const at::Tensor x = input.contiguous();
    context->save_for_backward({x, bias});
    if (!x.is_cpu()) return at::gelu(x + bias.to(x.scalar_type()), "tanh");
    const at::Tensor contiguousBias = bias.contiguous();
    const at::Tensor y = at::empty_like(x);
    const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
    dispatchStored(x.scalar_type(), "bias_gelu", [&](auto stored) {
      dispatchStored(bias.scalar_type(), "bias_gelu", [&](auto storedBias) {
        using Stored = decltype(stored);
        using Bias = decltype(storedBias);
        at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
          geluRows(dataOf<Stored>(x), dataOf<Bias>(contiguousBias), dataOf<Stored>(y), begin, end, C);
        });
      });
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor bias = saved[1].contiguous();
    const at::Tensor dy = gradients[0].to(x.scalar_type()).contiguous();
    if (!x.is_cpu()) {
      const at::Tensor dx = at::gelu_backward(dy, x + bias.to(x.scalar_type()), "tanh");
      return {dx, sumOverRows(dx, bias.scalar_type())};
    }
    const at::Tensor dx = at::empty_like(x);
    const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
    at::Tensor db;
    dispatchStored(x.scalar_type(), "bias_gelu", [&](auto stored) {
      dispatchStored(bias.scalar_type(), "bias_gelu", [&](auto storedBias) {
        using Stored = decltype(stored);
        using Bias = decltype(storedBias);
        db = columnSums<WideOf<Stored>>(rows, C, bias.scalar_type(), [&](int64_t first, int64_t last, WideOf<Stored>* sums) {
          geluBackwardRows(dataOf<Stored>(x), dataOf<Bias>(bias), dataOf<Stored>(dy), dataOf<Stored>(dx), first, last, C, sums);
        });
      });
    });
    return {dx, db};
  }
};

at::Tensor biasGelu(const at::Tensor& x, const at::Tensor& bias) { return BiasGelu::apply(x, bias); }

// --- residual + (x + bias)

template <typename Stored, typename Residual>
TUNAN_CLONES void residualRows(const Residual* __restrict__ residual, const Stored* __restrict__ x, const Residual* __restrict__ bias, Residual* __restrict__ y,
                               int64_t begin, int64_t end, int64_t C) {
  for (int64_t i = begin; i < end; i++) {
    for (int64_t j = 0; j < C; j++) {
      store(y[i * C + j], load(residual[i * C + j]) + (WideOf<Residual>(load(x[i * C + j])) + load(bias[j])));
    }
  }
}

class AddResidual : public torch::autograd::Function<AddResidual> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& input, const at::Tensor& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    checkBias(input, bias, "add_residual");
    TORCH_CHECK(residual.device() == input.device(), "add_residual: residual and x must be on one device");
    TORCH_CHECK(residual.sizes() == input.sizes(), "add_residual expects residual and x of one shape, got ", residual.sizes(), " and ", input.sizes());
    context->saved_data["x"] = int64_t(input.scalar_type());
    context->saved_data["bias"] = int64_t(bias.scalar_type());
    if (!residual.is_cpu()) return residual + (input.to(residual.scalar_type()) + bias.to(residual.scalar_type()));
    const at::Tensor base = residual.contiguous(), x = input.contiguous(), shift = bias.to(residual.scalar_type()).contiguous();
    const at::Tensor y = at::empty_like(base);
    const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
    dispatchStored(x.scalar_type(), "add_residual", [&](auto stored) {
      dispatchStored(base.scalar_type(), "add_residual", [&](auto storedResidual) {
        using Stored = decltype(stored);
        using Residual = decltype(storedResidual);
        at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
          residualRows(dataOf<Residual>(base), dataOf<Stored>(x), dataOf<Residual>(shift), dataOf<Residual>(y), begin, end, C);
        });
      });
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor dy = gradients[0].contiguous();
    return {dy, dy.to(at::ScalarType(context->saved_data["x"].toInt())), sumOverRows(dy, at::ScalarType(context->saved_data["bias"].toInt()))};
  }
};

at::Tensor addResidual(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& bias) { return AddResidual::apply(residual, x, bias); }

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("affine(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor");
  library.def("bias_gelu(Tensor x, Tensor bias) -> Tensor");
  library.def("add_residual(Tensor residual, Tensor x, Tensor bias) -> Tensor");
}

// One function for all devices and with or without autograd: below autograd nothing is recorded, as grad mode is off there.
TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("affine", affine);
  library.impl("bias_gelu", biasGelu);
  library.impl("add_residual", addResidual);
}

}  // namespace
}  // namespace tunan
