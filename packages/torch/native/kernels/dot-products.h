// Dot products of rows with rows, several of each at a time. To be run through vectorisedByWidth<>.
#pragma once
#include "small-products.h"

namespace tunan {

// The sum of a vector's lanes, halves first.
template <int Bytes>
TUNAN_INLINE float sumOfLanes(const typename Lanes<float, Bytes>::type& lanes) {
  if constexpr (Bytes <= 16) {
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  } else {
    typename Lanes<float, Bytes / 2>::type low, high;
    std::memcpy(&low, &lanes, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&lanes) + sizeof low, sizeof high);
    low += high;
    return sumOfLanes<Bytes / 2>(low);
  }
}

// c (Rows, Columns) = a (Rows, K) · b (Columns, K)ᵀ.
template <int Bytes, int Rows, int Columns, typename Stored>
TUNAN_INLINE void dotBlock(int64_t K, const float* a, int64_t aRow, const Stored* b, int64_t bRow, float* c,
                           int64_t cRow) {
  using Vector = typename Lanes<float, Bytes>::type;
  constexpr int64_t kLanes = Lanes<float, Bytes>::count;
  Vector sum[Rows][Columns];
  for (int r = 0; r < Rows; r++) {
    for (int j = 0; j < Columns; j++) sum[r][j] = Vector{};
  }
  const int64_t whole = K / kLanes * kLanes;
  for (int64_t k = 0; k < whole; k += kLanes) {
    Vector right[Columns];
    for (int j = 0; j < Columns; j++) loadLanes<Bytes, float>(b + j * bRow + k, right[j]);
    for (int r = 0; r < Rows; r++) {
      Vector left;
      std::memcpy(&left, a + r * aRow + k, sizeof left);
      for (int j = 0; j < Columns; j++) sum[r][j] += left * right[j];
    }
  }
  for (int r = 0; r < Rows; r++) {
    for (int j = 0; j < Columns; j++) {
      float rest = 0;
      for (int64_t k = whole; k < K; k++) rest += a[r * aRow + k] * load(b[j * bRow + k]);
      c[r * cRow + j] = sumOfLanes<Bytes>(sum[r][j]) + rest;
    }
  }
}

template <int Bytes, int Columns, typename Stored>
TUNAN_INLINE void dotColumns(int64_t M, int64_t K, const float* a, int64_t aRow, const Stored* b, int64_t bRow,
                             float* c, int64_t cRow) {
  constexpr int kRows = Bytes == 64 ? 4 : 2;  // whose sums fit into the registers beside the right operand
  int64_t m = 0;
  for (; m + kRows <= M; m += kRows)
    dotBlock<Bytes, kRows, Columns>(K, a + m * aRow, aRow, b, bRow, c + m * cRow, cRow);
  for (; m < M; m++) dotBlock<Bytes, 1, Columns>(K, a + m * aRow, aRow, b, bRow, c + m * cRow, cRow);
}

// c (M, N) = a (M, K) · b (N, K)ᵀ, of any sizes.
template <int Bytes, typename Stored>
TUNAN_INLINE void multiplyByRows(int64_t M, int64_t N, int64_t K, const float* a, int64_t aRow, const Stored* b,
                                 int64_t bRow, float* c, int64_t cRow) {
  int64_t n = 0;
  for (; n + 4 <= N; n += 4) dotColumns<Bytes, 4>(M, K, a, aRow, b + n * bRow, bRow, c + n, cRow);
  for (; n < N; n++) dotColumns<Bytes, 1>(M, K, a, aRow, b + n * bRow, bRow, c + n, cRow);
}

}  // namespace tunan
