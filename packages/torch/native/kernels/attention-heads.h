// Attention of heads that share keys and values (Ainslie et al. 2023; one head where each has its own), without the
// (T, S) matrix of probabilities (after Dao et al. 2022): a block of queries at a time forward, and backward again from
// the logarithm of each query's sum. What a query sees is a range of keys, which covers causal, prefix and
// packed-document masks alike.
#pragma once
#include <cstdint>

#include "cpu-path.h"

namespace tunan {

struct AttentionShape {
  int64_t T, S, D;
  double scale;  // of q · k
  const int32_t *first,
      *last;  // (T): query t sees the keys first[t] <= s < last[t]; a query that sees none gives zeros
};

// Rows of D elements, `stride` elements apart.
template <typename Stored>
struct HeadRows {
  Stored* data;
  int64_t stride;
};

// The same of several heads, `head` elements apart.
template <typename Stored>
struct HeadStack {
  Stored* data;
  int64_t head, stride;

  TUNAN_INLINE HeadRows<Stored> operator[](int64_t h) const { return {data + h * head, stride}; }
};

template <typename Stored, typename Real>
struct AttentionHeads {
  int64_t count;                // heads of queries
  HeadStack<const Stored> q;    // (count, T, D)
  HeadRows<const Stored> k, v;  // (S, D)
  HeadStack<Stored> out;        // (count, T, D)
  Real* logSums;                // (count, T): log Σ exp(scale q · k); +∞ where nothing is seen
};

// dk and dv are sums over the heads, added in their order.
template <typename Stored, typename Real>
struct AttentionHeadsBackward {
  int64_t count;
  HeadStack<const Stored> q;
  HeadRows<const Stored> k, v;
  HeadStack<const Stored> out, dOut;
  const Real* logSums;
  HeadStack<Stored> dq;
  HeadRows<Stored> dk, dv;
};

// bfloat16 by the product instructions that multiply() of gemm.h uses. `scratch` is aligned to 64 bytes.
int64_t tileScratchBytes(const AttentionShape& shape);
void attendTiles(const AttentionShape& shape, const AttentionHeads<uint16_t, float>& heads, char* scratch);
int64_t tileBackwardScratchBytes(const AttentionShape& shape, int64_t heads);
void attendTilesBackward(const AttentionShape& shape, const AttentionHeadsBackward<uint16_t, float>& heads,
                         char* scratch);

}  // namespace tunan
