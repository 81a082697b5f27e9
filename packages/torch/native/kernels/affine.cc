// y = x · weight + bias with weight (K, M), the layout of GPT-2's Conv1D, alone and with what follows it in a
// transformer block: gelu(y), or residual + y. Weight, bias and residual may be float32 while x is bfloat16: the weight
// is rounded for the product, sums are float32, and the gradients of weight and bias come out in their own dtype.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "product.h"
#include "rows.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kGeluScale = 1.5957691216057308;  // 2 sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715;

at::Tensor flat(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

std::vector<int64_t> withLast(at::IntArrayRef shape, int64_t last) {
  std::vector<int64_t> out = shape.vec();
  out.back() = last;
  return out;
}

void checkAffine(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                 const char* operation) {
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 2 && x.size(-1) == weight.size(0), operation,
              " expects x (…, K) and weight (K, M), got ", x.sizes(), " and ", weight.sizes());
  TORCH_CHECK(x.device() == weight.device(), operation, ": x and weight must be on one device");
  TORCH_CHECK(at::isFloatingType(x.scalar_type()) && at::isFloatingType(weight.scalar_type()), operation,
              " expects floating-point numbers, got ", x.scalar_type(), " and ", weight.scalar_type());
  if (!bias.has_value()) return;
  TORCH_CHECK(bias->device() == x.device(), operation, ": x and bias must be on one device");
  TORCH_CHECK(bias->dim() == 1 && bias->size(0) == weight.size(1), operation, " expects a bias of ", weight.size(1),
              " elements, got ", bias->sizes());
}

// --- gelu, the tanh approximation

struct Gelu {
  template <typename Stored, typename Bias>
  static TUNAN_INLINE void run(const Stored* __restrict__ x, const Bias* __restrict__ bias, Stored* __restrict__ y,
                               int64_t begin, int64_t end, int64_t C) {
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
};

// dx for rows [first, last) and their sums, which are the bias' gradient. Without a bias x is what gelu was taken of.
struct GeluBackward {
  template <typename Stored, typename Bias>
  static TUNAN_INLINE void run(const Stored* __restrict__ x, const Bias* __restrict__ bias,
                               const Stored* __restrict__ dy, Stored* __restrict__ dx, int64_t first, int64_t last,
                               int64_t C, WideOf<Stored>* __restrict__ sums) {
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
};

// gelu(x + bias), all contiguous.
at::Tensor geluOf(const at::Tensor& x, const at::Tensor& bias) {
  const at::Tensor y = at::empty_like(x);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  dispatchStored(x.scalar_type(), "affine_gelu", [&](auto stored) {
    dispatchStored(bias.scalar_type(), "affine_gelu", [&](auto storedBias) {
      using Stored = decltype(stored);
      using Bias = decltype(storedBias);
      at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
        vectorised<Gelu>((const Stored*)dataOf<Stored>(x), (const Bias*)dataOf<Bias>(bias), dataOf<Stored>(y), begin,
                         end, C);
      });
    });
  });
  return y;
}

// → the gradients of x and of the bias, in biasType.
std::pair<at::Tensor, at::Tensor> geluBackward(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& dy,
                                               at::ScalarType biasType) {
  const at::Tensor dx = at::empty_like(x);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  at::Tensor db;
  dispatchStored(x.scalar_type(), "affine_gelu", [&](auto stored) {
    dispatchStored(bias.scalar_type(), "affine_gelu", [&](auto storedBias) {
      using Stored = decltype(stored);
      using Bias = decltype(storedBias);
      db = columnSums<WideOf<Stored>>(rows, C, biasType, [&](int64_t first, int64_t last, WideOf<Stored>* sums) {
        vectorised<GeluBackward>((const Stored*)dataOf<Stored>(x), (const Bias*)dataOf<Bias>(bias),
                                 (const Stored*)dataOf<Stored>(dy), dataOf<Stored>(dx), first, last, C, sums);
      });
    });
  });
  return {dx, db};
}

// --- residual + (x + bias)

struct AddRows {
  template <typename Stored, typename Residual>
  static TUNAN_INLINE void run(const Residual* __restrict__ residual, const Stored* __restrict__ x,
                               const Residual* __restrict__ bias, Residual* __restrict__ y, int64_t begin, int64_t end,
                               int64_t C) {
    for (int64_t i = begin; i < end; i++) {
      for (int64_t j = 0; j < C; j++) {
        store(y[i * C + j], load(residual[i * C + j]) + (WideOf<Residual>(load(x[i * C + j])) + load(bias[j])));
      }
    }
  }
};

at::Tensor residualOf(const at::Tensor& residual, const at::Tensor& input, const at::Tensor& bias) {
  if (!residual.is_cpu()) return residual + (input.to(residual.scalar_type()) + bias.to(residual.scalar_type()));
  const at::Tensor base = residual.contiguous(), x = input.contiguous(),
                   shift = bias.to(residual.scalar_type()).contiguous();
  const at::Tensor y = at::empty_like(base);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  dispatchStored(x.scalar_type(), "affine_residual", [&](auto stored) {
    dispatchStored(base.scalar_type(), "affine_residual", [&](auto storedResidual) {
      using Stored = decltype(stored);
      using Residual = decltype(storedResidual);
      at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
        vectorised<AddRows>((const Residual*)dataOf<Residual>(base), (const Stored*)dataOf<Stored>(x),
                            (const Residual*)dataOf<Residual>(shift), dataOf<Residual>(y), begin, end, C);
      });
    });
  });
  return y;
}

// --- affine, and what may follow

struct AffineGradients {
  at::Tensor x, weight;
};

// dy (N, M) may be float32 where x is bfloat16: it is rounded on its way into the products.
AffineGradients affineBackward(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& dy, bool wantX,
                               bool wantWeight) {
  AffineGradients out;
  if (wantX) out.x = product(dy, weight.t(), rows.scalar_type());
  if (wantWeight) out.weight = product(rows.t(), dy, weight.scalar_type());
  return out;
}

class Affine : public torch::autograd::Function<Affine> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    checkAffine(x, weight, bias, "affine");
    const at::Tensor rows = flat(x);
    context->save_for_backward({rows, weight});
    context->saved_data["bias"] = bias.has_value() ? int64_t(bias->scalar_type()) : int64_t(-1);
    context->saved_data["shape"] = x.sizes().vec();
    const std::vector<int64_t> shape = withLast(x.sizes(), weight.size(1));
    if (hasFusedProducts(rows)) {
      Fusion fusion;
      if (bias.has_value()) fusion.bias = bias->to(at::kFloat).contiguous();
      return product(rows, weight, rows.scalar_type(), fusion).view(shape);
    }
    const at::Tensor y = product(rows, weight, rows.scalar_type());
    return (bias.has_value() ? y.add_(bias->to(y.scalar_type())) : y).view(shape);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = flat(gradients[0]).contiguous();
    const int64_t biasType = context->saved_data["bias"].toInt();
    const AffineGradients d =
        affineBackward(saved[0], saved[1], dy, context->needs_input_grad(0), context->needs_input_grad(1));
    at::Tensor db;
    if (biasType >= 0 && context->needs_input_grad(2)) db = sumOverRows(dy, at::ScalarType(biasType));
    return {d.x.defined() ? d.x.view(context->saved_data["shape"].toIntVector()) : d.x, d.weight, db};
  }
};

at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
  return Affine::apply(x, weight, bias);
}

class AffineGelu : public torch::autograd::Function<AffineGelu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    checkAffine(x, weight, bias, "affine_gelu");
    const at::Tensor rows = flat(x);
    const std::vector<int64_t> shape = withLast(x.sizes(), weight.size(1));
    context->saved_data["bias"] = int64_t(bias.scalar_type());
    context->saved_data["shape"] = x.sizes().vec();
    at::Tensor before, y;  // (N, M): gelu is of before + shift
    at::Tensor shift = bias.contiguous();
    if (hasFusedProducts(rows)) {
      Fusion fusion;
      fusion.bias = bias.to(at::kFloat).contiguous();
      fusion.before = before = at::empty({rows.size(0), weight.size(1)}, rows.options());
      y = product(rows, weight, rows.scalar_type(), fusion);
      shift = at::zeros({weight.size(1)}, rows.options());
    } else if (rows.is_cpu()) {
      before = product(rows, weight, rows.scalar_type());
      y = geluOf(before, shift);
    } else {
      before = product(rows, weight, rows.scalar_type()).add_(bias);
      y = at::gelu(before, "tanh");
    }
    context->save_for_backward({rows, weight, before, shift});
    return y.view(shape);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &rows = saved[0], &weight = saved[1], &before = saved[2];
    const auto biasType = at::ScalarType(context->saved_data["bias"].toInt());
    const at::Tensor dy = flat(gradients[0]).to(before.scalar_type()).contiguous();
    at::Tensor dBefore, db;
    if (before.is_cpu()) {
      std::tie(dBefore, db) = geluBackward(before, saved[3], dy, biasType);
    } else {
      dBefore = at::gelu_backward(dy, before, "tanh");
      db = sumOverRows(dBefore, biasType);
    }
    const AffineGradients d =
        affineBackward(rows, weight, dBefore, context->needs_input_grad(0), context->needs_input_grad(1));
    return {d.x.defined() ? d.x.view(context->saved_data["shape"].toIntVector()) : d.x, d.weight, db};
  }
};

at::Tensor affineGelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return AffineGelu::apply(x, weight, bias);
}

class AffineResidual : public torch::autograd::Function<AffineResidual> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& x,
                            const at::Tensor& weight, const at::Tensor& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    checkAffine(x, weight, bias, "affine_residual");
    const std::vector<int64_t> shape = withLast(x.sizes(), weight.size(1));
    TORCH_CHECK(residual.device() == x.device(), "affine_residual: residual and x must be on one device");
    TORCH_CHECK(residual.sizes() == at::IntArrayRef(shape), "affine_residual expects a residual of shape ", shape,
                ", got ", residual.sizes());
    const at::Tensor rows = flat(x);
    context->save_for_backward({rows, weight});
    context->saved_data["bias"] = int64_t(bias.scalar_type());
    context->saved_data["shape"] = x.sizes().vec();
    if (hasFusedProducts(rows) && residual.scalar_type() == at::kFloat) {
      Fusion fusion;
      fusion.bias = bias.to(at::kFloat).contiguous();
      fusion.residual = flat(residual).contiguous();
      return product(rows, weight, at::kFloat, fusion).view(shape);
    }
    const at::Tensor y = product(rows, weight, rows.scalar_type());
    return residualOf(residual, y.view(shape), bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = gradients[0].contiguous();
    const AffineGradients d =
        affineBackward(saved[0], saved[1], flat(dy), context->needs_input_grad(1), context->needs_input_grad(2));
    at::Tensor db;
    if (context->needs_input_grad(3)) db = sumOverRows(dy, at::ScalarType(context->saved_data["bias"].toInt()));
    return {dy, d.x.defined() ? d.x.view(context->saved_data["shape"].toIntVector()) : d.x, d.weight, db};
  }
};

at::Tensor affineResidual(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& bias) {
  return AffineResidual::apply(residual, x, weight, bias);
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("affine(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor");
  library.def("affine_gelu(Tensor x, Tensor weight, Tensor bias) -> Tensor");
  library.def("affine_residual(Tensor residual, Tensor x, Tensor weight, Tensor bias) -> Tensor");
}

// One function for all devices and with or without autograd: below autograd nothing is recorded, as grad mode is off
// there.
TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("affine", affine);
  library.impl("affine_gelu", affineGelu);
  library.impl("affine_residual", affineResidual);
}

}  // namespace
}  // namespace tunan
