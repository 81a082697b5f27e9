// silu(gate) · up (Shazeer 2020), the inside of a gated MLP. Backward computes the sigmoid again rather than keep it.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

#include "block-parts.h"
#include "make-again.h"
#include "rows.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Elements of a piece of work.
constexpr int64_t kPiece = 1 << 14;

// 1 / (1 + e^-x) by the exponential of -|x|, which does not overflow.
template <typename Real>
TUNAN_INLINE Real sigmoid(Real x) {
  const Real power = exponential(-std::abs(x));
  return (x < Real(0) ? power : Real(1)) / (Real(1) + power);
}

struct SwiGluPiece {
  template <typename Stored>
  static TUNAN_INLINE void run(const Stored* __restrict__ gate, const Stored* __restrict__ up, Stored* __restrict__ y,
                               int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      const auto g = load(gate[i]);
      store(y[i], g * sigmoid(g) * load(up[i]));
    }
  }
};

struct SwiGluBackwardPiece {
  template <typename Stored>
  static TUNAN_INLINE void run(const Stored* __restrict__ gate, const Stored* __restrict__ up,
                               const Stored* __restrict__ dy, Stored* __restrict__ dGate, Stored* __restrict__ dUp,
                               int64_t count) {
    using Real = WideOf<Stored>;
    for (int64_t i = 0; i < count; i++) {
      const Real g = load(gate[i]), d = load(dy[i]), share = sigmoid(g);
      store(dGate[i], d * load(up[i]) * share * (Real(1) + g * (Real(1) - share)));
      store(dUp[i], d * g * share);
    }
  }
};

// Calls body(first element, count) for pieces of all elements, in parallel.
template <typename Body>
void forPieces(int64_t elements, Body&& body) {
  at::parallel_for(0, elements, kPiece, [&](int64_t begin, int64_t end) { body(begin, end - begin); });
}

// Both contiguous.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor y = at::empty(gate.sizes(), gate.options());
  dispatchStored(gate.scalar_type(), "swiglu", [&](auto stored) {
    using Stored = decltype(stored);
    forPieces(gate.numel(), [&](int64_t at, int64_t count) {
      vectorised<SwiGluPiece>((const Stored*)dataOf<Stored>(gate) + at, (const Stored*)dataOf<Stored>(up) + at,
                              dataOf<Stored>(y) + at, count);
    });
  });
  return y;
}

class SwiGlu : public torch::autograd::Function<SwiGlu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates, const at::Tensor& ups) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor gate = gates.contiguous(), up = ups.contiguous();
    context->save_for_backward({gate, up});
    return gated(gate, up);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &gate = saved[0], &up = saved[1];
    const at::Tensor dy = gradients[0].to(gate.scalar_type()).contiguous();
    const at::Tensor dGate = at::empty_like(gate), dUp = at::empty_like(gate);
    dispatchStored(gate.scalar_type(), "swiglu", [&](auto stored) {
      using Stored = decltype(stored);
      forPieces(gate.numel(), [&](int64_t at, int64_t count) {
        vectorised<SwiGluBackwardPiece>((const Stored*)dataOf<Stored>(gate) + at,
                                        (const Stored*)dataOf<Stored>(up) + at, (const Stored*)dataOf<Stored>(dy) + at,
                                        dataOf<Stored>(dGate) + at, dataOf<Stored>(dUp) + at, count);
      });
    });
    return {dGate, dUp};
  }
};

at::Tensor gatedAgain(AutogradContext& context) {
  const auto saved = context.get_saved_variables();
  return gated(saved[0], saved[1]);
}

}  // namespace

Maker swigluMaker(const std::shared_ptr<torch::autograd::Node>& node) { return makerOf<SwiGlu>(node, gatedAgain); }

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  TORCH_CHECK(gate.sizes() == up.sizes(), "swiglu expects gate and up of one shape, got ", gate.sizes(), " and ",
              up.sizes());
  TORCH_CHECK(gate.scalar_type() == up.scalar_type(), "swiglu: gate and up must have one dtype");
  TORCH_CHECK(gate.device() == up.device(), "swiglu: gate and up must be on one device");
  return gate.is_cpu() ? SwiGlu::apply(gate, up) : at::silu(gate) * up;
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) { library.def("swiglu(Tensor gate, Tensor up) -> Tensor"); }

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("swiglu", swiglu); }

}  // namespace
}  // namespace tunan
