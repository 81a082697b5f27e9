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

class CausalAttention : public torch::autograd::Function<CausalAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor q = joinHeads(query), k = joinHeads(key), v = joinHeads(value);  // (B H, T or S, D)
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
    context->save_for_backward({q, k, v, scores});
    return at::bmm(scores, v).view({query.size(0), query.size(1), T, value.size(3)});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &probabilities = saved[3];
    const int64_t B = gradients[0].size(0), H = gradients[0].size(1), T = q.size(1), S = k.size(1), rows = q.size(0) * T;
    const double scale = 1.0 / std::sqrt(double(q.size(2)));
    const at::Tensor dy = joinHeads(gradients[0].to(q.scalar_type()));
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
    const at::Tensor dq = at::bmm(ds, k), dk = at::bmm(ds.transpose(1, 2), q);
    const auto heads = [&](const at::Tensor& x) { return x.view({B, H, x.size(1), x.size(2)}); };
    return {heads(dq), heads(dk), heads(dv)};
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

TORCH_LIBRARY_FRAGMENT(tunan, library) { library.def("causal_attention(Tensor q, Tensor k, Tensor v) -> Tensor"); }

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("causal_attention", causalAttention); }

}  // namespace
}  // namespace tunan
