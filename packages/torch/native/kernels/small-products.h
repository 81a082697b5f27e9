// Matrix products small enough for one thread and the nearest caches: sums in registers, the right operand read as it
// is stored. To be run through vectorisedByWidth<>.
#pragma once
#include <cstring>
#include <type_traits>
#include <utility>

#include "rows.h"

namespace tunan {

template <typename Real, int Bytes>
struct Lanes {
  static constexpr int64_t count = Bytes / sizeof(Real);
  typedef Real type __attribute__((vector_size(Bytes)));
};

TUNAN_INLINE float load(int8_t value) { return float(value); }

// As many elements of a type as a vector of Bytes has of float32, widened to it.
template <int Bytes, typename Real, typename Stored>
TUNAN_INLINE void loadLanes(const Stored* from, typename Lanes<Real, Bytes>::type& to) {
  if constexpr (std::is_same<Stored, BFloat16>::value) {
    using Bits = typename Lanes<uint32_t, Bytes>::type;
    typename Lanes<uint16_t, Bytes / 2>::type narrow;
    std::memcpy(&narrow, from, sizeof narrow);
    const Bits bits = __builtin_convertvector(narrow, Bits) << 16;
    std::memcpy(&to, &bits, sizeof to);
  } else if constexpr (std::is_same<Stored, Float16>::value) {
    for (int64_t i = 0; i < Lanes<Real, Bytes>::count; i++) to[i] = load(from[i]);
  } else if constexpr (std::is_same<Stored, int8_t>::value) {
    // Step by step: GCC 12 has vectors for conversions to twice the width alone.
    typename Lanes<int8_t, Bytes / 4>::type narrow;
    std::memcpy(&narrow, from, sizeof narrow);
    const auto twice = __builtin_convertvector(narrow, typename Lanes<int16_t, Bytes / 2>::type);
    const auto whole = __builtin_convertvector(twice, typename Lanes<int32_t, Bytes>::type);
    to = __builtin_convertvector(whole, typename Lanes<Real, Bytes>::type);
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

// Where b comes from: a cache, or memory, from where the rows behind these K are then asked for as well.
enum class Source { cache, memory };

// Asks for the cache lines of `count` elements.
template <typename Stored>
TUNAN_INLINE void prefetchLines(const Stored* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 64 / int64_t(sizeof(Stored))) __builtin_prefetch(from + i);
}

template <int Bytes, int Rows, int Columns, Source From, typename Real, typename Stored>
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
    if (From == Source::memory) prefetchLines(b + (k + K) * bRow, Columns * kLanes);
    for (int j = 0; j < Columns; j++) loadLanes<Bytes, Real>(b + k * bRow + j * kLanes, right[j]);
    for (int r = 0; r < Rows; r++) {
      for (int j = 0; j < Columns; j++) sum[r][j] += a[r * aRow + k * aColumn] * right[j];
    }
  }
  for (int r = 0; r < Rows; r++) {
    for (int j = 0; j < Columns; j++) std::memcpy(c + r * cRow + j * kLanes, &sum[r][j], sizeof(Vector));
  }
}

template <int Bytes, int Rows, Source From, typename Real, typename Stored>
TUNAN_INLINE void multiplyRows(int64_t N, int64_t K, const Real* a, int64_t aRow, int64_t aColumn, const Stored* b,
                               int64_t bRow, Real* c, int64_t cRow, bool add) {
  constexpr int64_t kLanes = Lanes<Real, Bytes>::count;
  int64_t n = 0;
  // One row alone, or two, have too few sums for the multipliers, which work on several at a time.
  if (Rows == 1) {
    for (; n + 8 * kLanes <= N; n += 8 * kLanes)
      multiplyBlock<Bytes, Rows, 8, From>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
  }
  if (Rows <= 2) {
    for (; n + 4 * kLanes <= N; n += 4 * kLanes)
      multiplyBlock<Bytes, Rows, 4, From>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
  }
  for (; n + 2 * kLanes <= N; n += 2 * kLanes)
    multiplyBlock<Bytes, Rows, 2, From>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
  if (n < N) multiplyBlock<Bytes, Rows, 1, From>(K, a, aRow, aColumn, b + n, bRow, c + n, cRow, add);
}

// Rows whose sums, two vectors each, fit into the registers beside the right operand: sixteen, and thirty-two of the
// widest.
template <int Bytes>
constexpr int kSumRows = Bytes == 64 ? 12 : 6;

// c (M, N) = [c +] a (M, K) · b (K, N), N padded. a has any strides: a transposed one is read as well.
template <int Bytes, Source From = Source::cache, typename Real, typename Stored>
TUNAN_INLINE void multiplySmall(int64_t M, int64_t N, int64_t K, const Real* a, int64_t aRow, int64_t aColumn,
                                const Stored* b, int64_t bRow, Real* c, int64_t cRow, bool add) {
  constexpr int kRows = kSumRows<Bytes>;
  int64_t m = 0;
  // Eight rows are better two times four than six and two, whose sums wait for each other.
  for (; m + kRows <= M && !(kRows == 6 && M - m == 8); m += kRows)
    multiplyRows<Bytes, kRows, From>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
  if (kRows > 8) {
    for (; m + 8 <= M; m += 8)
      multiplyRows<Bytes, 8, From>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
  }
  for (; m + 4 <= M; m += 4)
    multiplyRows<Bytes, 4, From>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
  for (; m + 2 <= M; m += 2)
    multiplyRows<Bytes, 2, From>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
  for (; m < M; m++) multiplyRows<Bytes, 1, From>(N, K, a + m * aRow, aRow, aColumn, b, bRow, c + m * cRow, cRow, add);
}

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define TUNAN_HAS_SHUFFLES 1
#endif
#endif

#ifdef TUNAN_HAS_SHUFFLES
// A square of vectors turned in registers: each step deals the rows of the first half out between those of the second.
template <typename Vector, int... Lane>
TUNAN_INLINE void turnSquare(Vector (&rows)[sizeof...(Lane)], std::integer_sequence<int, Lane...>) {
  constexpr int n = sizeof...(Lane);
  for (int step = 1; step < n; step *= 2) {
    Vector dealt[n];
    for (int i = 0; i < n / 2; i++) {
      dealt[2 * i] = __builtin_shufflevector(rows[i], rows[i + n / 2], (Lane % 2 * n + Lane / 2)...);
      dealt[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + n / 2], (Lane % 2 * n + (Lane + n) / 2)...);
    }
    for (int i = 0; i < n; i++) rows[i] = dealt[i];
  }
}
#endif

// (N, D), rows `stride` apart → `to` (D, N) with rows of `width`, beyond N zero.
template <int Bytes, Source From = Source::cache, typename Stored, typename Real>
TUNAN_INLINE void copyTurned(const Stored* from, int64_t stride, int64_t N, int64_t D, int64_t width, Real* to) {
  for (int64_t d = 0; d < D; d++) {
    for (int64_t i = N; i < width; i++) to[d * width + i] = Real(0);
  }
  int64_t whole = 0, deep = 0;  // rows and columns in squares
#ifdef TUNAN_HAS_SHUFFLES
  using Vector = typename Lanes<Real, Bytes>::type;
  constexpr int n = int(Lanes<Real, Bytes>::count);
  whole = N / n * n;
  deep = D / n * n;
  for (int64_t i = 0; i < whole; i += n) {
    for (int64_t d = 0; d < deep; d += n) {
      Vector rows[n];
      for (int r = 0; r < n; r++) {
        const Stored* row = from + (i + r) * stride + d;
        if (From == Source::memory) __builtin_prefetch(row + N * stride);
        loadLanes<Bytes, Real>(row, rows[r]);
      }
      turnSquare(rows, std::make_integer_sequence<int, n>());
      for (int r = 0; r < n; r++) std::memcpy(to + (d + r) * width + i, &rows[r], sizeof(Vector));
    }
  }
#endif
  for (int64_t i = 0; i < N; i++) {
    for (int64_t d = i < whole ? deep : 0; d < D; d++) to[d * width + i] = load(from[i * stride + d]);
  }
}

}  // namespace tunan
