// Causal attention (Vaswani et al. 2017): softmax(q kᵀ / sqrt(D)) v, each query seeing the positions up to its own. On the CPU the
// two products are batched GEMMs and scale, mask and softmax one pass over the scores; the probabilities are kept for backward.
// On other devices libtorch's scaled_dot_product_attention does all of it.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <limits>

#include "rows.h"

#if __has_include(<ATen/ops/scaled_dot_product_attention.h>)
#define TUNAN_HAS_SDPA 1
#include <ATen/ops/scaled_dot_product_attention.h>
#endif

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Row of scores (S) → probabilities over the first `visible`, zeros after.
template <typename Stored>
TUNAN_CLONES void softmaxRow(Stored* row, int64_t S, int64_t visible, WideOf<Stored> scale) {
  using Real = WideOf<Stored>;
  Real largest = -std::numeric_limits<Real>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < visible; j++) largest = load(row[j]) > largest ? load(row[j]) : largest;
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < visible; j++) sum += exponential((load(row[j]) - largest) * scale);
  const Real inverse = Real(1) / sum;
  for (int64_t j = 0; j < visible; j++) store(row[j], exponential((load(row[j]) - largest) * scale) * inverse);
  for (int64_t j = visible; j < S; j++) store(row[j], Real(0));
}

// In place: gradient by the probabilities → gradient by the raw scores.
template <typename Stored>
TUNAN_CLONES void softmaxBackwardRow(const Stored* __restrict__ probabilities, Stored* __restrict__ gradient, int64_t S, int64_t visible, WideOf<Stored> scale) {
  using Real = WideOf<Stored>;
  Real dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int64_t j = 0; j < visible; j++) dot += load(probabilities[j]) * load(gradient[j]);
  for (int64_t j = 0; j < visible; j++) store(gradient[j], load(probabilities[j]) * (load(gradient[j]) - dot) * scale);
  for (int64_t j = visible; j < S; j++) store(gradient[j], Real(0));
}

at::Tensor joinHeads(const at::Tensor& x) { return x.reshape({x.size(0) * x.size(1), x.size(2), x.size(3)}).contiguous(); }

// The products and the softmax on heads laid out for batched GEMMs: q (B H, T, D), k and v (B H, S, D).
struct Forward {
  at::Tensor output, probabilities;  // (B H, T, D), (B H, T, S)
};

Forward attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const int64_t T = q.size(1), S = k.size(1), rows = q.size(0) * T;
  const double scale = 1.0 / std::sqrt(double(q.size(2)));
  const at::Tensor scores = at::bmm(q, k.transpose(1, 2)).contiguous();  // (B H, T, S)
  dispatchStored(scores.scalar_type(), "causal_attention", [&](auto stored) {
    using Stored = decltype(stored);
    Stored* data = dataOf<Stored>(scores);
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) softmaxRow(data + i * S, S, S - T + i % T + 1, WideOf<Stored>(scale));
    });
  });
  return {at::bmm(scores, v), scores};
}

struct Backward {
  at::Tensor dq, dk, dv;  // as q, k, v
};

Backward attendBackward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& probabilities, const at::Tensor& dy) {
  const int64_t T = q.size(1), S = k.size(1), rows = q.size(0) * T;
  const double scale = 1.0 / std::sqrt(double(q.size(2)));
  const at::Tensor dv = at::bmm(probabilities.transpose(1, 2), dy);
  const at::Tensor ds = at::bmm(dy, v.transpose(1, 2)).contiguous();
  dispatchStored(ds.scalar_type(), "causal_attention", [&](auto stored) {
    using Stored = decltype(stored);
    const Stored* p = dataOf<Stored>(probabilities);
    Stored* d = dataOf<Stored>(ds);
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) softmaxBackwardRow(p + i * S, d + i * S, S, S - T + i % T + 1, WideOf<Stored>(scale));
    });
  });
  return {at::bmm(ds, k), at::bmm(ds.transpose(1, 2), q), dv};
}

class CausalAttention : public torch::autograd::Function<CausalAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor q = joinHeads(query), k = joinHeads(key), v = joinHeads(value);
    const Forward result = attend(q, k, v);
    context->save_for_backward({q, k, v, result.probabilities});
    return result.output.view({query.size(0), query.size(1), query.size(2), value.size(3)});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const int64_t B = gradients[0].size(0), H = gradients[0].size(1);
    const Backward result = attendBackward(saved[0], saved[1], saved[2], saved[3], joinHeads(gradients[0].to(saved[0].scalar_type())));
    const auto heads = [&](const at::Tensor& x) { return x.view({B, H, x.size(1), x.size(2)}); };
    return {heads(result.dq), heads(result.dk), heads(result.dv)};
  }
};

// --- the same on joint projections (B, T, 3 C): queries, keys and values of all heads side by side

// Copies the heads of one part (0 queries, 1 keys, 2 values) of `parts` between (B, T, parts C) and (B H, T, D).
void copyHeads(const at::Tensor& joint, const at::Tensor& heads, int64_t parts, int64_t part, bool toHeads) {
  const int64_t B = joint.size(0), T = joint.size(1), D = heads.size(2), H = B == 0 ? 0 : heads.size(0) / B;
  const size_t bytes = size_t(D) * joint.element_size();
  char* jointData = static_cast<char*>(joint.data_ptr());
  char* headData = static_cast<char*>(heads.data_ptr());
  at::parallel_for(0, B * T, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t b = row / T, t = row % T;
      for (int64_t h = 0; h < H; h++) {
        char* inJoint = jointData + size_t((row * parts + part) * H + h) * bytes;
        char* inHeads = headData + size_t((b * H + h) * T + t) * bytes;
        std::memcpy(toHeads ? inHeads : inJoint, toHeads ? inJoint : inHeads, bytes);
      }
    }
  });
}

class SelfAttention : public torch::autograd::Function<SelfAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, int64_t H) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor joint = input.contiguous();
    const int64_t B = joint.size(0), T = joint.size(1), C = joint.size(2) / 3;
    at::Tensor part[3];
    for (int64_t i = 0; i < 3; i++) {
      part[i] = at::empty({B * H, T, C / H}, joint.options());
      copyHeads(joint, part[i], 3, i, true);
    }
    const Forward result = attend(part[0], part[1], part[2]);
    context->save_for_backward({part[0], part[1], part[2], result.probabilities});
    const at::Tensor output = at::empty({B, T, C}, joint.options());
    copyHeads(output, result.output.contiguous(), 1, 0, false);
    return output;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor& q = saved[0];
    const at::Tensor dy = gradients[0].to(q.scalar_type()).contiguous();  // (B, T, C)
    const at::Tensor dyHeads = at::empty_like(q);
    copyHeads(dy, dyHeads, 1, 0, true);
    const Backward result = attendBackward(q, saved[1], saved[2], saved[3], dyHeads);
    const at::Tensor joint = at::empty({dy.size(0), dy.size(1), 3 * dy.size(2)}, dy.options());
    copyHeads(joint, result.dq.contiguous(), 3, 0, false);
    copyHeads(joint, result.dk.contiguous(), 3, 1, false);
    copyHeads(joint, result.dv.contiguous(), 3, 2, false);
    return {joint, at::Tensor()};
  }
};

at::Tensor causalAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.dim() == 4, "causal_attention expects q (B, H, T, D), k and v (B, H, S, D)");
  TORCH_CHECK(q.size(0) == k.size(0) && q.size(1) == k.size(1) && q.size(3) == k.size(3) && k.sizes().slice(0, 3) == v.sizes().slice(0, 3),
              "causal_attention: q ", q.sizes(), ", k ", k.sizes(), " and v ", v.sizes(), " do not fit");
  TORCH_CHECK(q.size(2) <= k.size(2), "causal_attention: more queries (", q.size(2), ") than keys (", k.size(2), ")");
  TORCH_CHECK(q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type(), "causal_attention: q, k and v must have one dtype");
  if (q.is_cpu()) return CausalAttention::apply(q, k, v);
#ifdef TUNAN_HAS_SDPA
  if (q.size(2) == k.size(2)) return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true);
  if (q.size(2) == 1) return at::scaled_dot_product_attention(q, k, v, {}, 0.0, false);
  const at::Tensor mask = at::ones({q.size(2), k.size(2)}, q.options().dtype(at::kBool)).tril(k.size(2) - q.size(2));
  return at::scaled_dot_product_attention(q, k, v, mask, 0.0, false);
#else
  const at::Tensor mask = at::ones({q.size(2), k.size(2)}, q.options().dtype(at::kBool)).tril(k.size(2) - q.size(2));
  const at::Tensor scores = at::matmul(q, k.transpose(2, 3)) * (1.0 / std::sqrt(double(q.size(3))));
  return at::matmul(scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity()).softmax(-1), v);
#endif
}

at::Tensor selfAttention(const at::Tensor& joint, int64_t heads) {
  TORCH_CHECK(joint.dim() == 3 && heads > 0 && joint.size(2) % (3 * heads) == 0, "self_attention expects (B, T, 3 C) with C a multiple of the ", heads,
              " heads, got ", joint.sizes());
  if (joint.is_cpu()) return SelfAttention::apply(joint, heads);
  const int64_t B = joint.size(0), T = joint.size(1), C = joint.size(2) / 3;
  const at::Tensor parts = joint.view({B, T, 3, heads, C / heads}).permute({2, 0, 3, 1, 4});
  return causalAttention(parts[0], parts[1], parts[2]).transpose(1, 2).reshape({B, T, C});
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("causal_attention(Tensor q, Tensor k, Tensor v) -> Tensor");
  library.def("self_attention(Tensor joint, int heads) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("causal_attention", causalAttention);
  library.impl("self_attention", selfAttention);
}

}  // namespace
}  // namespace tunan
