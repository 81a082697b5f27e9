// Rotary positions (Su et al. 2021): each head's first half is turned against its second half by its position times a
// frequency of each pair. Qwen3 norms the head before by the root of its mean square (rms-norm.cc), in the same pass.
// Sines and cosines are computed once a call, not once a head, and kept for backward.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

#include "block-parts.h"
#include "norms.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Sine and cosine in float32: reduction by multiples of pi / 2 in double, for angles up to 3e9, and Cephes'
// polynomials; error below 1e-7.
TUNAN_INLINE void turn(float angle, float* sine, float* cosine) {
  const double quarters = std::nearbyint(double(angle) * 0.63661977236758134);
  const float r = float(double(angle) - quarters * 1.5707963267948966);
  const float z = r * r;
  const float s = r + r * z * (-1.6666654611e-1f + z * (8.3321608736e-3f + z * -1.9515295891e-4f));
  const float c =
      1.0f - 0.5f * z + z * z * (4.166664568298827e-2f + z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
  const int32_t quarter = int32_t(quarters);
  const float first = quarter & 1 ? c : s, second = quarter & 1 ? s : c;
  *sine = quarter & 2 ? -first : first;
  *cosine = (quarter + 1) & 2 ? -second : second;
}
TUNAN_INLINE void turn(double angle, double* sine, double* cosine) {
  *sine = std::sin(angle);
  *cosine = std::cos(angle);
}

// Rows [begin, end) of the table (P, 2, half): the cosines, then the sines of a position.
struct TurnRows {
  template <typename Real>
  static TUNAN_INLINE void run(const int64_t* __restrict__ positions, const Real* __restrict__ frequencies,
                               Real* __restrict__ table, int64_t begin, int64_t end, int64_t half) {
    for (int64_t i = begin; i < end; i++) {
      const Real position = Real(positions[i]);
      Real* __restrict__ cosines = table + i * 2 * half;
      Real* __restrict__ sines = cosines + half;
      for (int64_t j = 0; j < half; j++) turn(position * frequencies[j], sines + j, cosines + j);
    }
  }
};

// Heads (rows, H, D) with strides of their own; the result is contiguous.
struct HeadsView {
  int64_t H, D, row, head;
};

// 1 / sqrt(mean of squares + epsilon) of one head.
template <typename Stored, typename Real>
TUNAN_INLINE Real inverseRoot(const Stored* __restrict__ x, int64_t D, Real epsilon) {
  Real square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t j = 0; j < D; j++) square += load(x[j]) * load(x[j]);
  return Real(1) / std::sqrt(square / Real(D) + epsilon);
}

// weight: (D), or null where heads are not normed. Row i stands at row i % P of the table.
struct RotaryRows {
  template <typename Stored>
  static TUNAN_INLINE void run(const Stored* x, HeadsView view, const WideOf<Stored>* __restrict__ weight,
                               WideOf<Stored> epsilon, const WideOf<Stored>* table, int64_t P, Stored* y, int64_t first,
                               int64_t last) {
    using Real = WideOf<Stored>;
    const int64_t D = view.D, half = D / 2;
    for (int64_t i = first; i < last; i++) {
      const Real* __restrict__ cosines = table + i % P * D;
      const Real* __restrict__ sines = cosines + half;
      for (int64_t h = 0; h < view.H; h++) {
        const Stored* __restrict__ from = x + i * view.row + h * view.head;
        Stored* __restrict__ to = y + (i * view.H + h) * D;
        if (weight == nullptr) {
          for (int64_t j = 0; j < half; j++) {
            const Real a = load(from[j]), b = load(from[half + j]);
            store(to[j], a * cosines[j] - b * sines[j]);
            store(to[half + j], b * cosines[j] + a * sines[j]);
          }
          continue;
        }
        const Real scale = inverseRoot(from, D, epsilon);
        for (int64_t j = 0; j < half; j++) {
          const Real a = load(from[j]) * scale * weight[j], b = load(from[half + j]) * scale * weight[half + j];
          store(to[j], a * cosines[j] - b * sines[j]);
          store(to[half + j], b * cosines[j] + a * sines[j]);
        }
      }
    }
  }
};

// The gradient of the heads is turned back. Where they are normed, x is needed again, and the rows' share of the
// weight's gradient is added to dw.
struct RotaryBackwardRows {
  template <typename Stored>
  static TUNAN_INLINE void run(const Stored* x, HeadsView view, const WideOf<Stored>* __restrict__ weight,
                               WideOf<Stored> epsilon, const WideOf<Stored>* table, int64_t P, const Stored* dy,
                               HeadsView from, Stored* dx, int64_t first, int64_t last,
                               WideOf<Stored>* __restrict__ dw) {
    using Real = WideOf<Stored>;
    const int64_t D = view.D, half = D / 2;
    for (int64_t i = first; i < last; i++) {
      const Real* __restrict__ cosines = table + i % P * D;
      const Real* __restrict__ sines = cosines + half;
      for (int64_t h = 0; h < view.H; h++) {
        const Stored* __restrict__ gradient = dy + i * from.row + h * from.head;
        Stored* __restrict__ to = dx + (i * view.H + h) * D;
        if (weight == nullptr) {
          for (int64_t j = 0; j < half; j++) {
            const Real a = load(gradient[j]), b = load(gradient[half + j]);
            store(to[j], a * cosines[j] + b * sines[j]);
            store(to[half + j], b * cosines[j] - a * sines[j]);
          }
          continue;
        }
        const Stored* __restrict__ value = x + i * view.row + h * view.head;
        const Real scale = inverseRoot(value, D, epsilon);
        Real product = 0;
#pragma omp simd reduction(+ : product)
        for (int64_t j = 0; j < half; j++) {
          const Real a = load(gradient[j]), b = load(gradient[half + j]);
          product += (a * cosines[j] + b * sines[j]) * weight[j] * load(value[j]) +
                     (b * cosines[j] - a * sines[j]) * weight[half + j] * load(value[half + j]);
        }
        const Real share = product * scale * scale / Real(D);
        for (int64_t j = 0; j < half; j++) {
          const Real a = load(gradient[j]), b = load(gradient[half + j]);
          const Real back = a * cosines[j] + b * sines[j], backSecond = b * cosines[j] - a * sines[j];
          const Real one = load(value[j]), second = load(value[half + j]);
          store(to[j], scale * (back * weight[j] - one * share));
          store(to[half + j], scale * (backSecond * weight[half + j] - second * share));
          dw[j] += back * one * scale;
          dw[half + j] += backSecond * second * scale;
        }
      }
    }
  }
};

// (…, H, D) → (rows, H, D), rows of D in one piece.
at::Tensor rowsOfHeads(const at::Tensor& x) {
  const int64_t count = c10::multiply_integers(x.sizes().slice(0, x.dim() - 2));
  const at::Tensor rows = x.reshape({count, x.size(-2), x.size(-1)});
  return rows.stride(2) == 1 ? rows : rows.contiguous();
}

HeadsView viewOf(const at::Tensor& rows) { return {rows.size(1), rows.size(2), rows.stride(0), rows.stride(1)}; }

at::Tensor frequencyTensor(at::ArrayRef<double> frequencies, at::ScalarType dtype) {
  return at::tensor(frequencies, at::TensorOptions().dtype(at::kDouble)).to(dtype);
}

at::Tensor turnTable(const at::Tensor& positions, at::ArrayRef<double> frequencies, at::ScalarType dtype) {
  const at::Tensor places = positions.contiguous(), speeds = frequencyTensor(frequencies, dtype);
  const int64_t P = places.numel(), half = speeds.numel();
  const at::Tensor table = at::empty({P, 2, half}, speeds.options());
  dispatchStored(dtype, "rotary", [&](auto stored) {
    using Real = WideOf<decltype(stored)>;
    at::parallel_for(0, P, 64, [&](int64_t begin, int64_t end) {
      vectorised<TurnRows>((const int64_t*)dataOf<int64_t>(places), (const Real*)dataOf<Real>(speeds),
                           dataOf<Real>(table), begin, end, half);
    });
  });
  return table;
}

class Rotary : public torch::autograd::Function<Rotary> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& heads, const at::Tensor& positions,
                            const std::vector<double>& frequencies, const c10::optional<at::Tensor>& weight,
                            double epsilon) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto wide = wideType(heads.scalar_type());
    const at::Tensor x = rowsOfHeads(heads), table = turnTable(positions, frequencies, wide);
    const at::Tensor w = weight.has_value() ? weight->to(wide).contiguous() : at::Tensor();
    const at::Tensor y = at::empty(heads.sizes(), heads.options());
    dispatchStored(x.scalar_type(), "rotary", [&](auto stored) {
      using Stored = decltype(stored);
      using Real = WideOf<Stored>;
      const Real* norm = w.defined() ? dataOf<Real>(w) : nullptr;
      at::parallel_for(0, x.size(0), 8, [&](int64_t begin, int64_t end) {
        vectorised<RotaryRows>((const Stored*)dataOf<Stored>(x), viewOf(x), norm, Real(epsilon),
                               (const Real*)dataOf<Real>(table), table.size(0), dataOf<Stored>(y), begin, end);
      });
    });
    context->save_for_backward(w.defined() ? variable_list{table, x, w} : variable_list{table});
    context->saved_data["weight"] = weight.has_value() ? int64_t(weight->scalar_type()) : int64_t(-1);
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["dtype"] = int64_t(heads.scalar_type());
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const auto dtype = at::ScalarType(context->saved_data["dtype"].toInt());
    const int64_t weightType = context->saved_data["weight"].toInt();
    const bool normed = weightType >= 0;
    const at::Tensor& table = saved[0];
    const at::Tensor dy = rowsOfHeads(gradients[0].to(dtype));
    const at::Tensor dx = at::empty(gradients[0].sizes(), dy.options()), &x = normed ? saved[1] : dy;
    const double epsilon = context->saved_data["epsilon"].toDouble();
    at::Tensor dw;
    dispatchStored(dtype, "rotary", [&](auto stored) {
      using Stored = decltype(stored);
      using Real = WideOf<Stored>;
      const Real* norm = normed ? dataOf<Real>(saved[2]) : nullptr;
      const auto rows = [&](int64_t first, int64_t last, Real* sums) {
        vectorised<RotaryBackwardRows>(
            (const Stored*)dataOf<Stored>(x), viewOf(x), norm, Real(epsilon), (const Real*)dataOf<Real>(table),
            table.size(0), (const Stored*)dataOf<Stored>(dy), viewOf(dy), dataOf<Stored>(dx), first, last, sums);
      };
      if (normed) {
        dw = columnSums<Real>(dy.size(0), dy.size(2), at::ScalarType(weightType), rows);
      } else {
        at::parallel_for(0, dy.size(0), 8, [&](int64_t begin, int64_t end) { rows(begin, end, nullptr); });
      }
    });
    return {dx, at::Tensor(), at::Tensor(), dw, at::Tensor()};
  }
};

// The same on another device, by libtorch.
at::Tensor rotaryElsewhere(const at::Tensor& x, const at::Tensor& positions, at::ArrayRef<double> frequencies,
                           const c10::optional<at::Tensor>& weight, double epsilon) {
  const auto wide = wideType(x.scalar_type());
  at::Tensor heads = x.to(wide);
  if (weight.has_value()) heads = heads * heads.square().mean(-1, true).add(epsilon).rsqrt() * weight->to(wide);
  const at::Tensor angles =
      positions.to(wide).unsqueeze(-1) * frequencyTensor(frequencies, wide).to(x.device());  // (…, D / 2)
  const at::Tensor cosines = angles.cos().unsqueeze(-2), sines = angles.sin().unsqueeze(-2);
  const std::vector<at::Tensor> halves = heads.chunk(2, -1);
  return at::cat({halves[0] * cosines - halves[1] * sines, halves[1] * cosines + halves[0] * sines}, -1)
      .to(x.scalar_type());
}

}  // namespace

at::Tensor rotary(const at::Tensor& x, const at::Tensor& positions, at::ArrayRef<double> frequencies,
                  const c10::optional<at::Tensor>& weight, double epsilon) {
  TORCH_CHECK(x.dim() >= 2 && x.size(-1) % 2 == 0 && x.size(-1) > 0, "rotary expects x (…, H, D) with an even D, got ",
              x.sizes());
  TORCH_CHECK(int64_t(frequencies.size()) * 2 == x.size(-1), "rotary: ", frequencies.size(),
              " frequencies do not fit heads of ", x.size(-1), "; there is one for each pair");
  const at::IntArrayRef lead = x.sizes().slice(0, x.dim() - 2);
  TORCH_CHECK(positions.scalar_type() == at::kLong && positions.dim() <= int64_t(lead.size()) &&
                  positions.sizes() == lead.slice(lead.size() - positions.dim()),
              "rotary expects int64 positions of shape ", lead, " or its last dimensions, got ",
              positions.scalar_type(), " ", positions.sizes());
  TORCH_CHECK(at::isFloatingType(x.scalar_type()), "rotary expects floating-point numbers, got ", x.scalar_type());
  TORCH_CHECK(positions.device() == x.device(), "rotary: x and positions must be on one device");
  if (weight.has_value()) {
    TORCH_CHECK(weight->dim() == 1 && weight->size(0) == x.size(-1), "rotary expects a norm of ", x.size(-1),
                " weights, got ", weight->sizes());
    TORCH_CHECK(weight->device() == x.device(), "rotary: x and the norm's weight must be on one device");
  }
  if (!x.is_cpu()) return rotaryElsewhere(x, positions, frequencies, weight, epsilon);
  return Rotary::apply(x, positions, frequencies.vec(), weight, epsilon);
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def(
      "rotary(Tensor x, Tensor positions, float[] frequencies, Tensor? norm_weight=None, float epsilon=1e-06) -> "
      "Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("rotary", rotary); }

}  // namespace
}  // namespace tunan
