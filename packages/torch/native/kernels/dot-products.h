// Dot products of rows with rows, several of each at a time. To be run through vectorisedByWidth<>.
#pragma once
#include "small-products.h"

namespace tunan {

// c (Rows) = a (Rows, K) · b (K). b comes from memory: one after the other its rows are one stream.
template <int Bytes, int Rows, typename Stored>
TUNAN_INLINE void dotRows(int64_t K, const float* a, int64_t aRow, const Stored* b, float* c, int64_t cRow) {
  using Vector = typename Lanes<float, Bytes>::type;
  constexpr int64_t kLanes = Lanes<float, Bytes>::count;
  constexpr int kDeep = 4;  // sums side by side: one alone would wait for its last addition
  constexpr int64_t kAhead = 2048 / int64_t(sizeof(Stored));
  Vector sum[Rows][kDeep];
  for (int r = 0; r < Rows; r++) {
    for (int j = 0; j < kDeep; j++) sum[r][j] = Vector{};
  }
  const int64_t whole = K / (kDeep * kLanes) * (kDeep * kLanes);
  for (int64_t k = 0; k < whole; k += kDeep * kLanes) {
    prefetchLines(b + k + kAhead, kDeep * kLanes);
    for (int j = 0; j < kDeep; j++) {
      Vector right;
      loadLanes<Bytes, float>(b + k + j * kLanes, right);
      for (int r = 0; r < Rows; r++) {
        Vector left;
        std::memcpy(&left, a + r * aRow + k + j * kLanes, sizeof left);
        sum[r][j] += left * right;
      }
    }
  }
  for (int r = 0; r < Rows; r++) {
    float rest = 0;
    for (int64_t k = whole; k < K; k++) rest += a[r * aRow + k] * load(b[k]);
    Vector all = (sum[r][0] + sum[r][1]) + (sum[r][2] + sum[r][3]);
    float lanes[kLanes];
    std::memcpy(lanes, &all, sizeof all);
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      for (int64_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
    }
    c[r * cRow] = lanes[0] + rest;
  }
}

template <int Bytes, typename Stored>
TUNAN_INLINE void dotColumn(int64_t M, int64_t K, const float* a, int64_t aRow, const Stored* b, float* c,
                            int64_t cRow) {
  int64_t m = 0;
  for (; m + 2 <= M; m += 2) dotRows<Bytes, 2>(K, a + m * aRow, aRow, b, c + m * cRow, cRow);
  for (; m < M; m++) dotRows<Bytes, 1>(K, a + m * aRow, aRow, b, c + m * cRow, cRow);
}

// Rows from which on turning b pays: then its columns are read as those of a stored transposed are.
constexpr int64_t kTurnedFrom = 4;
// Of b at once: rows, and elements of each.
constexpr int64_t kTurnedRows = 32, kTurnedDepth = 128;

// c (M, N) = a (M, K) · b (N, K)ᵀ, of any sizes.
template <int Bytes, typename Stored>
TUNAN_INLINE void multiplyByRows(int64_t M, int64_t N, int64_t K, const float* a, int64_t aRow, const Stored* b,
                                 int64_t bRow, float* c, int64_t cRow) {
  int64_t n = 0;
  if (M >= kTurnedFrom) {
    alignas(64) float turned[kTurnedRows * kTurnedDepth];
    for (; n + kTurnedRows <= N; n += kTurnedRows) {
      for (int64_t k = 0; k < K; k += kTurnedDepth) {
        const int64_t depth = std::min(kTurnedDepth, K - k);
        copyTurned<Bytes, Source::memory>(b + n * bRow + k, bRow, kTurnedRows, depth, kTurnedRows, turned);
        multiplySmall<Bytes>(M, kTurnedRows, depth, a + k, aRow, int64_t(1), (const float*)turned, kTurnedRows, c + n,
                             cRow, k > 0);
      }
    }
  }
  for (; n < N; n++) dotColumn<Bytes>(M, K, a, aRow, b + n * bRow, c + n, cRow);
}

}  // namespace tunan
