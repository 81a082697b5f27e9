// Matrix products small enough for one thread and the nearest caches: sums in registers, the right operand read as it
// is stored. To be run through vectorisedByWidth<>.
#pragma once
#include <cstring>
#include <type_traits>

#include "rows.h"

namespace tunan {

template <typename Real, int Bytes>
struct Lanes {
  static constexpr int64_t count = Bytes / sizeof(Real);
  typedef Real type __attribute__((vector_size(Bytes)));
};

// As many elements of a type as a vector of Bytes has of float32, widened to it.
template <int Bytes, typename Real, typename Stored>
TUNAN_INLINE void loadLanes(const Stored* from, typename Lanes<Real, Bytes>::type& to) {
  if constexpr (std::is_same<Stored, Half>::value) {
    using Bits = typename Lanes<uint32_t, Bytes>::type;
    typename Lanes<uint16_t, Bytes / 2>::type narrow;
    std::memcpy(&narrow, from, sizeof narrow);
    const Bits bits = __builtin_convertvector(narrow, Bits) << 16;
    std::memcpy(&to, &bits, sizeof to);
  } else if constexpr (std::is_same<Stored, int8_t>::value) {
    typename Lanes<int8_t, Bytes / 4>::type narrow;
    std::memcpy(&narrow, from, sizeof narrow);
    to = __builtin_convertvector(narrow, typename Lanes<Real, Bytes>::type);
  } else {
    std::memcpy(&to, from, sizeof to);
  }
}

// Rows are padded to the widest vectors there are, whichever are used.
template <typename Real>
constexpr int64_t kPadding = 64 / sizeof(Real);

template <typename Real>
int64_t padded(int64_t n) {
  return (n + kPadding<Real> - 1) / kPadding<Real> * kPadding<Real>;
}

// From one row to the next: an odd number of cache lines, so that a column does not lie in a few sets of the nearest
// cache.
template <typename Real>
int64_t rowWidth(int64_t n) {
  const int64_t width = padded<Real>(n);
  return width / kPadding<Real> % 2 == 0 ? width + kPadding<Real> : width;
}

template <int Bytes, int Rows, int Columns, typename Real, typename Stored>
TUNAN_INLINE void multiplyBlock(int64_t K, const Real* a, int64_t aRow, int64_t aColumn, const Stored* b, int64_t bRow,
                                Real* c, int64_t cRow, bool add) {
  using Vector = typename Lanes<Real, Bytes>::type;
  constexpr int64_t kLanes = Lanes<Real, Bytes>::count;
  Vector sum[Rows][Columns];
  for (int r = 0; r < Rows; r++) {
    for (int j = 0; j < Columns; j++) {
      if (add) {
        std::memcpy(&sum[r][j], c + r * cRow + j * kLanes, sizeof(Vector));
      } else {
        sum[r][j] = Vector{};
      }
    }
  }
  for (int64_t k = 0; k < K; k++) {
    Vector right[Columns];
    for (int j = 0; j < Columns; j++) loadLanes<Bytes, Real>(b + k * bRow + j * kLanes, right[j]);
    for (int r = 0; r < Rows; r++) {
      for (int j = 0; j < Columns; j++) sum[r][j] += a[r * aRow + k * aColumn] * right[j];
    }
  }
  for (int r = 0; r < Rows; r++) {
    for (int j = 0; j < Columns; j++) std::memcpy(c + r * cRow + j * kLanes, &sum[r][j], sizeof(Vector));
  }
}

template <int Bytes, int Rows, typename Real, typename Stored>
TUNAN_INLINE void multiplyRows(int64_t N, int64_t K, const Real* a, int64_t aRow, int64_t aColumn, const Stored* b,
                               int64_t bRow, Real* c, int64_t cRow, bool add) {
  constexpr int64_t kLanes = Lanes<Real, Bytes>::count;
  int64_t n = 0;
  // One row alone has too few sums for the multipliers, which work on several at a time.
  if (Rows == 1) {
    for (; n + 8 * kLanes <= N; n += 8 * kLanes)
      multiplyBlock<Bytes, Rows, 8>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
  }
  for (; n + 2 * kLanes <= N; n += 2 * kLanes)
    multiplyBlock<Bytes, Rows, 2>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
  if (n < N) multiplyBlock<Bytes, Rows, 1>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
}

// Rows whose sums, two vectors each, fit into the registers beside the right operand: sixteen, and thirty-two of the
// widest.
template <int Bytes>
constexpr int kSumRows = Bytes == 64 ? 12 : 6;

// c (M, N) = [c +] a (M, K) · b (K, N), N padded. a has any strides: a transposed one is read as well.
template <int Bytes, typename Real, typename Stored>
TUNAN_INLINE void multiplySmall(int64_t M, int64_t N, int64_t K, const Real* a, int64_t aRow, int64_t aColumn,
                                const Stored* b, int64_t bRow, Real* c, int64_t cRow, bool add) {
  constexpr int kRows = kSumRows<Bytes>;
  int64_t m = 0;
  for (; m + kRows <= M; m += kRows)
    multiplyRows<Bytes, kRows>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
  for (; m + 4 <= M; m += 4)
    multiplyRows<Bytes, 4>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
  for (; m < M; m++) multiplyRows<Bytes, 1>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
}

}  // namespace tunan
