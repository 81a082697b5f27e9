// Attention of one head without the (T, S) matrix of probabilities (after Dao et al. 2022): a block of queries at a
// time forward, and backward again from the logarithm of each query's sum. What a query sees is a range of keys, which
// covers causal, prefix and packed-document masks alike.
#pragma once
#include <cstdint>

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

template <typename Stored, typename Real>
struct AttentionHead {
  HeadRows<const Stored> q, k, v;  // (T, D), (S, D), (S, D)
  HeadRows<Stored> out;            // (T, D)
  Real* logSums;                   // (T): log Σ exp(scale q · k); +∞ where nothing is seen
};

template <typename Stored, typename Real>
struct AttentionHeadBackward {
  HeadRows<const Stored> q, k, v, out, dOut;
  const Real* logSums;
  HeadRows<Stored> dq, dk, dv;
};

// bfloat16 by the product instructions that multiply() of gemm.h uses. `scratch` is aligned to 64 bytes.
int64_t tileScratchBytes(const AttentionShape& shape, bool backward);
void attendTiles(const AttentionShape& shape, const AttentionHead<uint16_t, float>& head, char* scratch);
void attendTilesBackward(const AttentionShape& shape, const AttentionHeadBackward<uint16_t, float>& head,
                         char* scratch);

}  // namespace tunan
