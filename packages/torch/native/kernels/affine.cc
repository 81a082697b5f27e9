// y = x · weight + bias, alone and with what follows it in a transformer block: gelu(y), or residual + y. The weight is
// (K, M) as in GPT-2's Conv1D (affine) or (M, K) as everywhere else (linear); its gradient is made in the same layout.
// Weight, bias and residual may be float32 while x is bfloat16 or float16: the weight is rounded for the product, sums
// are float32, and the gradients of weight and bias come out in their own dtype.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "block-parts.h"
#include "few-rows.h"
#include "gelu.h"
#include "make-again.h"
#include "product.h"
#include "rows.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor flat(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

std::vector<int64_t> withLast(at::IntArrayRef shape, int64_t last) {
  std::vector<int64_t> out = shape.vec();
  out.back() = last;
  return out;
}

// How the weight lies in memory.
enum class Layout : bool { inOut, outIn };  // (K, M) or (M, K)

// The weight as (K, M), without a copy.
at::Tensor inOut(const at::Tensor& weight, Layout layout) { return layout == Layout::inOut ? weight : weight.t(); }

void checkAffine(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias, Layout layout,
                 const char* operation) {
  const int64_t in = layout == Layout::inOut ? 0 : 1;
  TORCH_CHECK(x.dim() >= 1 && weight.dim() == 2 && x.size(-1) == weight.size(in), operation,
              " expects x (…, K) and weight ", in == 0 ? "(K, M)" : "(M, K)", ", got ", x.sizes(), " and ",
              weight.sizes());
  TORCH_CHECK(x.device() == weight.device(), operation, ": x and weight must be on one device");
  TORCH_CHECK(at::isFloatingType(x.scalar_type()) && at::isFloatingType(weight.scalar_type()), operation,
              " expects floating-point numbers, got ", x.scalar_type(), " and ", weight.scalar_type());
  if (!bias.has_value()) return;
  TORCH_CHECK(bias->device() == x.device(), operation, ": x and bias must be on one device");
  TORCH_CHECK(bias->dim() == 1 && bias->size(0) == weight.size(1 - in), operation, " expects a bias of ",
              weight.size(1 - in), " elements, got ", bias->sizes());
}

// --- gelu, the tanh approximation

struct Gelu {
  template <typename Stored, typename Bias>
  static TUNAN_INLINE void run(const Stored* __restrict__ x, const Bias* __restrict__ bias, Stored* __restrict__ y,
                               int64_t begin, int64_t end, int64_t C) {
    using Real = WideOf<Stored>;
    for (int64_t i = begin; i < end; i++) {
      for (int64_t j = 0; j < C; j++) {
        store(y[i * C + j], geluOf(load(x[i * C + j]) + Real(load(bias[j]))));
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
at::Tensor geluOfSum(const at::Tensor& x, const at::Tensor& bias) {
  const at::Tensor y = at::empty_like(x);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  dispatchPair(x.scalar_type(), bias.scalar_type(), "affine_gelu", [&](auto stored, auto storedBias) {
    using Stored = decltype(stored);
    using Bias = decltype(storedBias);
    at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
      vectorised<Gelu>((const Stored*)dataOf<Stored>(x), (const Bias*)dataOf<Bias>(bias), dataOf<Stored>(y), begin, end,
                       C);
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
  dispatchPair(x.scalar_type(), bias.scalar_type(), "affine_gelu", [&](auto stored, auto storedBias) {
    using Stored = decltype(stored);
    using Bias = decltype(storedBias);
    db = columnSums<WideOf<Stored>>(rows, C, biasType, [&](int64_t first, int64_t last, WideOf<Stored>* sums) {
      vectorised<GeluBackward>((const Stored*)dataOf<Stored>(x), (const Bias*)dataOf<Bias>(bias),
                               (const Stored*)dataOf<Stored>(dy), dataOf<Stored>(dx), first, last, C, sums);
    });
  });
  return {dx, db};
}

at::Tensor noShift(const at::Tensor& x) { return at::zeros({x.size(-1)}, x.options()); }

// --- residual + (x + bias)

// Without a bias `bias` is null.
struct AddRows {
  template <typename Stored, typename Residual>
  static TUNAN_INLINE void run(const Residual* __restrict__ residual, const Stored* __restrict__ x,
                               const Residual* __restrict__ bias, Residual* __restrict__ y, int64_t begin, int64_t end,
                               int64_t C) {
    using Real = WideOf<Residual>;
    for (int64_t i = begin; i < end; i++) {
      for (int64_t j = 0; j < C; j++) {
        const Real shift = bias == nullptr ? Real(0) : Real(load(bias[j]));
        store(y[i * C + j], load(residual[i * C + j]) + (Real(load(x[i * C + j])) + shift));
      }
    }
  }
};

at::Tensor residualOf(const at::Tensor& residual, const at::Tensor& input, const c10::optional<at::Tensor>& bias) {
  const auto type = residual.scalar_type();
  const at::Tensor shift = bias.has_value() ? bias->to(type).contiguous() : at::Tensor();
  if (!residual.is_cpu()) return residual + (shift.defined() ? input.to(type) + shift : input.to(type));
  const at::Tensor base = residual.contiguous(), x = input.contiguous(), y = at::empty_like(base);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  dispatchPair(x.scalar_type(), type, "affine_residual", [&](auto stored, auto storedResidual) {
    using Stored = decltype(stored);
    using Residual = decltype(storedResidual);
    const Residual* shiftData = shift.defined() ? dataOf<Residual>(shift) : nullptr;
    at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
      vectorised<AddRows>((const Residual*)dataOf<Residual>(base), (const Stored*)dataOf<Stored>(x), shiftData,
                          dataOf<Residual>(y), begin, end, C);
    });
  });
  return y;
}

// --- affine and linear, and what may follow

// What backward needs of a call, beside its tensors.
struct Call {
  std::vector<int64_t> shape;  // of x
  Layout layout;
  c10::optional<at::ScalarType> biasType;

  void save(AutogradContext* context) const {
    context->saved_data["shape"] = shape;
    context->saved_data["layout"] = layout == Layout::outIn;
    if (biasType.has_value()) context->saved_data["bias"] = int64_t(*biasType);
  }

  static Call saved(AutogradContext* context) {
    auto& data = context->saved_data;
    return {data["shape"].toIntVector(), Layout(data["layout"].toBool()),
            data.count("bias") ? c10::optional<at::ScalarType>(at::ScalarType(data["bias"].toInt())) : c10::nullopt};
  }
};

Call callOf(const at::Tensor& x, Layout layout, const c10::optional<at::Tensor>& bias) {
  return {x.sizes().vec(), layout,
          bias.has_value() ? c10::optional<at::ScalarType>(bias->scalar_type()) : c10::nullopt};
}

struct AffineGradients {
  at::Tensor x, weight;
};

// dy (N, M) may be float32 where x is narrower: it is rounded on its way into the products.
AffineGradients affineBackward(const Call& call, const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& dy,
                               bool wantX, bool wantWeight) {
  AffineGradients out;
  if (wantX) out.x = product(dy, inOut(weight, call.layout).t(), rows.scalar_type()).view(call.shape);
  if (!wantWeight) return out;
  out.weight = call.layout == Layout::inOut ? product(rows.t(), dy, weight.scalar_type())
                                            : product(dy.t(), rows, weight.scalar_type());
  return out;
}

bool areFewRows(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
  const auto isNarrow = [](at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; };
  return isFewRows(x, weight) && (!bias.has_value() || isNarrow(bias->scalar_type()));
}

// A step of generation, without gradients.
at::Tensor ofFewRows(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                     Layout layout, FewRows after) {
  if (bias.has_value()) after.bias = *bias;
  if (after.residual.defined()) after.residual = flat(after.residual);
  const bool outIn = layout == Layout::outIn;
  return productOfFewRows(flat(x), weight, outIn, after).view(withLast(x.sizes(), weight.size(outIn ? 0 : 1)));
}

class Affine : public torch::autograd::Function<Affine> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& bias, Layout layout) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor rows = flat(x), map = inOut(weight, layout);
    context->save_for_backward({rows, weight});
    callOf(x, layout, bias).save(context);
    const std::vector<int64_t> shape = withLast(x.sizes(), map.size(1));
    if (hasFusedProducts(rows)) {
      Fusion fusion;
      if (bias.has_value()) fusion.bias = bias->to(at::kFloat).contiguous();
      return product(rows, map, rows.scalar_type(), fusion).view(shape);
    }
    const at::Tensor y = product(rows, map, rows.scalar_type());
    return (bias.has_value() ? y.add_(bias->to(y.scalar_type())) : y).view(shape);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const Call call = Call::saved(context);
    const at::Tensor dy = flat(gradients[0]).contiguous();
    const AffineGradients d =
        affineBackward(call, saved[0], saved[1], dy, context->needs_input_grad(0), context->needs_input_grad(1));
    at::Tensor db;
    if (call.biasType.has_value() && context->needs_input_grad(2)) db = sumOverRows(dy, *call.biasType);
    return {d.x, d.weight, db, at::Tensor()};
  }
};

at::Tensor affineOf(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                    Layout layout) {
  checkAffine(x, weight, bias, layout, layout == Layout::inOut ? "affine" : "linear");
  if (areFewRows(x, weight, bias)) return ofFewRows(x, weight, bias, layout, {});
  return Affine::apply(x, weight, bias, layout);
}

}  // namespace

at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
  return affineOf(x, weight, bias, Layout::inOut);
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
  return affineOf(x, weight, bias, Layout::outIn);
}

namespace {

class AffineGelu : public torch::autograd::Function<AffineGelu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor rows = flat(x);
    const std::vector<int64_t> shape = withLast(x.sizes(), weight.size(1));
    callOf(x, Layout::inOut, bias).save(context);
    at::Tensor before, y;  // (N, M): gelu is of before + shift
    at::Tensor shift = bias.contiguous();
    if (hasFusedProducts(rows)) {
      Fusion fusion;
      fusion.bias = bias.to(at::kFloat).contiguous();
      fusion.before = before = at::empty({rows.size(0), weight.size(1)}, rows.options());
      y = product(rows, weight, rows.scalar_type(), fusion);
      shift = noShift(before);
    } else if (rows.is_cpu()) {
      before = product(rows, weight, rows.scalar_type());
      y = geluOfSum(before, shift);
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
    const Call call = Call::saved(context);
    const at::Tensor dy = flat(gradients[0]).to(before.scalar_type()).contiguous();
    at::Tensor dBefore, db;
    if (before.is_cpu()) {
      std::tie(dBefore, db) = geluBackward(before, saved[3], dy, *call.biasType);
    } else {
      dBefore = at::gelu_backward(dy, before, "tanh");
      db = sumOverRows(dBefore, *call.biasType);
    }
    const AffineGradients d =
        affineBackward(call, rows, weight, dBefore, context->needs_input_grad(0), context->needs_input_grad(1));
    return {d.x, d.weight, db};
  }
};

// --- gelu alone, behind what is more than one product

class GeluAlone : public torch::autograd::Function<GeluAlone> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor x = input.contiguous();
    context->save_for_backward({x});
    return geluOfSum(x, noShift(x));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor dy = gradients[0].to(x.scalar_type()).contiguous();
    return {geluBackward(x, noShift(x), dy, at::kFloat).first};
  }
};

at::Tensor geluAgain(AutogradContext& context) {
  const at::Tensor x = context.get_saved_variables()[0];
  return geluOfSum(x, noShift(x));
}

at::Tensor affineGeluAgain(AutogradContext& context) {
  const auto saved = context.get_saved_variables();
  const at::Tensor &before = saved[2], &shift = saved[3];
  return before.is_cpu() ? geluOfSum(before, shift) : at::gelu(before, "tanh");
}

at::Tensor gelu(const at::Tensor& x) {
  TORCH_CHECK(x.dim() >= 1 && at::isFloatingType(x.scalar_type()), "gelu expects floating-point numbers (…, C), got ",
              x.scalar_type(), " ", x.sizes());
  return x.is_cpu() ? GeluAlone::apply(x) : at::gelu(x, "tanh");
}

}  // namespace

Maker geluMaker(const std::shared_ptr<torch::autograd::Node>& node) {
  if (Maker maker = makerOf<AffineGelu>(node, affineGeluAgain)) return maker;
  return makerOf<GeluAlone>(node, geluAgain);
}

at::Tensor affineGelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  checkAffine(x, weight, bias, Layout::inOut, "affine_gelu");
  FewRows after;
  after.gelu = true;
  if (areFewRows(x, weight, bias)) return ofFewRows(x, weight, bias, Layout::inOut, after);
  return AffineGelu::apply(x, weight, bias);
}

namespace {

class AffineResidual : public torch::autograd::Function<AffineResidual> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& x,
                            const at::Tensor& weight, const c10::optional<at::Tensor>& bias, Layout layout) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor rows = flat(x), map = inOut(weight, layout);
    const std::vector<int64_t> shape = withLast(x.sizes(), map.size(1));
    context->save_for_backward({rows, weight});
    callOf(x, layout, bias).save(context);
    if (hasFusedProducts(rows) && residual.scalar_type() == at::kFloat) {
      Fusion fusion;
      if (bias.has_value()) fusion.bias = bias->to(at::kFloat).contiguous();
      fusion.residual = flat(residual).contiguous();
      return product(rows, map, at::kFloat, fusion).view(shape);
    }
    return residualOf(residual, product(rows, map, rows.scalar_type()).view(shape), bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const Call call = Call::saved(context);
    const at::Tensor dy = gradients[0].contiguous();
    const AffineGradients d =
        affineBackward(call, saved[0], saved[1], flat(dy), context->needs_input_grad(1), context->needs_input_grad(2));
    at::Tensor db;
    if (call.biasType.has_value() && context->needs_input_grad(3)) db = sumOverRows(dy, *call.biasType);
    return {dy, d.x, d.weight, db, at::Tensor()};
  }
};

at::Tensor affineResidualOf(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                            const c10::optional<at::Tensor>& bias, Layout layout) {
  const char* operation = layout == Layout::inOut ? "affine_residual" : "linear_residual";
  checkAffine(x, weight, bias, layout, operation);
  const std::vector<int64_t> shape = withLast(x.sizes(), inOut(weight, layout).size(1));
  TORCH_CHECK(residual.device() == x.device(), operation, ": residual and x must be on one device");
  TORCH_CHECK(residual.sizes() == at::IntArrayRef(shape), operation, " expects a residual of shape ", shape, ", got ",
              residual.sizes());
  FewRows after;
  after.residual = residual;
  const auto type = residual.scalar_type();
  if ((type == at::kFloat || type == at::kBFloat16) && areFewRows(x, weight, bias))
    return ofFewRows(x, weight, bias, layout, after);
  return AffineResidual::apply(residual, x, weight, bias, layout);
}

}  // namespace

at::Tensor affineResidual(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                          const c10::optional<at::Tensor>& bias) {
  return affineResidualOf(residual, x, weight, bias, Layout::inOut);
}

at::Tensor linearResidual(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                          const c10::optional<at::Tensor>& bias) {
  return affineResidualOf(residual, x, weight, bias, Layout::outIn);
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("affine(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor");
  library.def("affine_gelu(Tensor x, Tensor weight, Tensor bias) -> Tensor");
  library.def("gelu(Tensor x) -> Tensor");
  library.def("affine_residual(Tensor residual, Tensor x, Tensor weight, Tensor? bias=None) -> Tensor");
  library.def("linear(Tensor x, Tensor weight, Tensor? bias=None) -> Tensor");
  library.def("linear_residual(Tensor residual, Tensor x, Tensor weight, Tensor? bias=None) -> Tensor");
}

// One function for all devices and with or without autograd: below autograd nothing is recorded, as grad mode is off
// there.
TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("affine", affine);
  library.impl("affine_gelu", affineGelu);
  library.impl("gelu", gelu);
  library.impl("affine_residual", affineResidual);
  library.impl("linear", linear);
  library.impl("linear_residual", linearResidual);
}

}  // namespace
}  // namespace tunan
