// Attention in plain C++, for any dtype and processor: blocks of queries, products in registers of whatever
// width the compiler has. To be run through vectorised<>.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "attention-heads.h"
#include "small-products.h"

namespace tunan {

constexpr int64_t kQueryRows = 24;

// (N, D) → `to` (N, D) with rows of `width`, beyond D zero.
template <typename Stored, typename Real>
TUNAN_INLINE void copyRows(const HeadRows<const Stored>& from, int64_t N, int64_t D, int64_t width, Real* to) {
  for (int64_t i = 0; i < N; i++) {
    for (int64_t d = 0; d < D; d++) to[i * width + d] = load(from.data[i * from.stride + d]);
    for (int64_t d = D; d < width; d++) to[i * width + d] = Real(0);
  }
}

template <typename Stored, typename Real>
TUNAN_INLINE void storeRows(const Real* from, int64_t N, int64_t D, int64_t width, const HeadRows<Stored>& to) {
  for (int64_t i = 0; i < N; i++) {
    for (int64_t d = 0; d < D; d++) store(to.data[i * to.stride + d], from[i * width + d]);
  }
}

template <typename Stored>
TUNAN_INLINE HeadRows<Stored> rowsFrom(const HeadRows<Stored>& rows, int64_t t) {
  return {rows.data + t * rows.stride, rows.stride};
}

struct KeyRange {
  int64_t begin, end;  // begin a multiple of the padding
};

template <typename Real>
TUNAN_INLINE KeyRange seenKeys(const AttentionShape& shape, int64_t t, int64_t rows) {
  int64_t first = shape.S, last = 0;
  for (int64_t i = t; i < t + rows; i++) {
    if (shape.first[i] >= shape.last[i]) continue;
    first = std::min<int64_t>(first, shape.first[i]);
    last = std::max<int64_t>(last, shape.last[i]);
  }
  return first < last ? KeyRange{first / kPadding<Real> * kPadding<Real>, last} : KeyRange{0, 0};
}

template <typename Real>
int64_t rowScratchElements(const AttentionShape& shape, bool backward) {
  const int64_t keys = rowWidth<Real>(shape.S), depth = rowWidth<Real>(shape.D);
  const int64_t block = kQueryRows * (2 * keys + 3 * depth);
  return backward ? block + 2 * shape.D * keys + 3 * keys * depth : block + shape.D * keys + keys * depth;
}

template <int Bytes>
struct AttendHeads {
  template <typename Stored, typename Real>
  static TUNAN_INLINE void run(AttentionShape shape, AttentionHeads<Stored, Real> heads, Real* memory) {
    const int64_t T = shape.T, S = shape.S, D = shape.D, keys = rowWidth<Real>(S), depth = rowWidth<Real>(D),
                  columns = padded<Real>(D);
    Real* kTurned = memory;                   // (D, keys)
    Real* v = kTurned + D * keys;             // (keys, depth)
    Real* q = v + keys * depth;               // (kQueryRows, depth)
    Real* out = q + kQueryRows * depth;       // (kQueryRows, depth)
    Real* scores = out + kQueryRows * depth;  // (kQueryRows, keys)
    const Real scale = Real(shape.scale);
    copyTurned<Bytes>(heads.k.data, heads.k.stride, S, D, keys, kTurned);
    copyRows(heads.v, S, D, depth, v);
    for (int64_t h = 0; h < heads.count; h++) {
      for (int64_t t = 0; t < T; t += kQueryRows) {
        const int64_t rows = std::min(kQueryRows, T - t);
        const KeyRange seen = seenKeys<Real>(shape, t, rows);
        const int64_t count = seen.end - seen.begin;
        copyRows(rowsFrom(heads.q[h], t), rows, D, depth, q);
        multiplySmall<Bytes>(rows, padded<Real>(count), D, q, depth, int64_t(1), kTurned + seen.begin, keys, scores,
                             keys, false);
        softmaxRows(shape, seen, t, rows, scale, scores, keys, heads.logSums + h * T);
        multiplySmall<Bytes>(rows, columns, count, scores, keys, int64_t(1), v + seen.begin * depth, depth, out, depth,
                             false);
        storeRows(out, rows, D, depth, rowsFrom(heads.out[h], t));
      }
    }
  }

  // Scores of queries [t, t + rows) → their shares, and zero where a query does not see.
  template <typename Real>
  static TUNAN_INLINE void softmaxRows(const AttentionShape& shape, const KeyRange& seen, int64_t t, int64_t rows,
                                       Real scale, Real* scores, int64_t keys, Real* logSums) {
    const int64_t count = seen.end - seen.begin;
    for (int64_t r = 0; r < rows; r++) {
      Real* row = scores + r * keys;
      const int64_t from = shape.first[t + r] - seen.begin, to = shape.last[t + r] - seen.begin;
      if (from >= to) {
        for (int64_t j = 0; j < count; j++) row[j] = Real(0);
        logSums[t + r] = std::numeric_limits<Real>::infinity();
        continue;
      }
      Real largest = -std::numeric_limits<Real>::infinity();
#pragma omp simd reduction(max : largest)
      for (int64_t j = from; j < to; j++) largest = row[j] > largest ? row[j] : largest;
      Real sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = from; j < to; j++) {
        row[j] = exponential((row[j] - largest) * scale);
        sum += row[j];
      }
      const Real inverse = Real(1) / sum;
      for (int64_t j = 0; j < from; j++) row[j] = Real(0);
      for (int64_t j = from; j < to; j++) row[j] *= inverse;
      for (int64_t j = to; j < count; j++) row[j] = Real(0);
      logSums[t + r] = largest * scale + std::log(sum);
    }
  }
};

template <int Bytes>
struct AttendHeadsBackward {
  template <typename Stored, typename Real>
  static TUNAN_INLINE void run(AttentionShape shape, AttentionHeadsBackward<Stored, Real> heads, Real* memory) {
    const int64_t T = shape.T, S = shape.S, D = shape.D, keys = rowWidth<Real>(S), depth = rowWidth<Real>(D),
                  columns = padded<Real>(D);
    Real* kTurned = memory;                // (D, keys)
    Real* vTurned = kTurned + D * keys;    // (D, keys)
    Real* k = vTurned + D * keys;          // (keys, depth)
    Real* dk = k + keys * depth;           // (keys, depth)
    Real* dv = dk + keys * depth;          // (keys, depth)
    Real* q = dv + keys * depth;           // (kQueryRows, depth)
    Real* dOut = q + kQueryRows * depth;   // (kQueryRows, depth)
    Real* dq = dOut + kQueryRows * depth;  // (kQueryRows, depth)
    Real* p = dq + kQueryRows * depth;     // (kQueryRows, keys)
    Real* ds = p + kQueryRows * keys;      // (kQueryRows, keys)
    copyTurned<Bytes>(heads.k.data, heads.k.stride, S, D, keys, kTurned);
    copyTurned<Bytes>(heads.v.data, heads.v.stride, S, D, keys, vTurned);
    copyRows(heads.k, S, D, depth, k);
    for (int64_t i = 0; i < 2 * keys * depth; i++) dk[i] = Real(0);
    for (int64_t h = 0; h < heads.count; h++) {
      for (int64_t t = 0; t < T; t += kQueryRows) {
        const int64_t rows = std::min(kQueryRows, T - t);
        const KeyRange seen = seenKeys<Real>(shape, t, rows);
        const int64_t count = seen.end - seen.begin, width = padded<Real>(count);
        copyRows(rowsFrom(heads.q[h], t), rows, D, depth, q);
        copyRows(rowsFrom(heads.dOut[h], t), rows, D, depth, dOut);
        multiplySmall<Bytes>(rows, width, D, q, depth, int64_t(1), kTurned + seen.begin, keys, p, keys, false);
        multiplySmall<Bytes>(rows, width, D, dOut, depth, int64_t(1), vTurned + seen.begin, keys, ds, keys, false);
        scoreGradients(shape, seen, t, rows, rowsFrom(heads.out[h], t), dOut, depth, heads.logSums + h * T, p, ds,
                       keys);
        multiplySmall<Bytes>(rows, columns, count, ds, keys, int64_t(1), k + seen.begin * depth, depth, dq, depth,
                             false);
        multiplySmall<Bytes>(count, columns, rows, ds, int64_t(1), keys, q, depth, dk + seen.begin * depth, depth,
                             true);
        multiplySmall<Bytes>(count, columns, rows, p, int64_t(1), keys, dOut, depth, dv + seen.begin * depth, depth,
                             true);
        storeRows(dq, rows, D, depth, rowsFrom(heads.dq[h], t));
      }
    }
    storeRows(dk, S, D, depth, heads.dk);
    storeRows(dv, S, D, depth, heads.dv);
  }

  // Scores of queries [t, t + rows) → their shares in p; gradients of the shares → of the scores in ds.
  template <typename Stored, typename Real>
  static TUNAN_INLINE void scoreGradients(const AttentionShape& shape, const KeyRange& seen, int64_t t, int64_t rows,
                                          const HeadRows<const Stored>& out, const Real* dOut, int64_t depth,
                                          const Real* logSums, Real* p, Real* ds, int64_t keys) {
    const int64_t D = shape.D, count = seen.end - seen.begin;
    const Real scale = Real(shape.scale);
    for (int64_t r = 0; r < rows; r++) {
      const Stored* y = out.data + r * out.stride;
      Real mean = 0;
#pragma omp simd reduction(+ : mean)
      for (int64_t d = 0; d < D; d++) mean += load(y[d]) * dOut[r * depth + d];
      Real *pRow = p + r * keys, *dsRow = ds + r * keys;
      const int64_t from = std::min<int64_t>(std::max<int64_t>(shape.first[t + r] - seen.begin, 0), count);
      const int64_t to = std::min<int64_t>(std::max<int64_t>(shape.last[t + r] - seen.begin, from), count);
      const Real logSum = logSums[t + r];
      for (int64_t j = 0; j < from; j++) pRow[j] = dsRow[j] = Real(0);
      for (int64_t j = from; j < to; j++) {
        pRow[j] = exponential(pRow[j] * scale - logSum);
        dsRow[j] = pRow[j] * (dsRow[j] - mean) * scale;
      }
      for (int64_t j = to; j < count; j++) pRow[j] = dsRow[j] = Real(0);
    }
  }
};

// A few queries against many keys, as in generation: every key and value is read where it lies.
struct AttendFew {
  template <typename Stored, typename Real>
  static TUNAN_INLINE void run(AttentionShape shape, AttentionHeads<Stored, Real> heads, Real* memory) {
    for (int64_t h = 0; h < heads.count; h++) {
      for (int64_t t = 0; t < shape.T; t++)
        attendOne(shape, t, heads.q[h], heads.k, heads.v, heads.out[h], heads.logSums + h * shape.T, memory);
    }
  }

  template <typename Stored, typename Real>
  static TUNAN_INLINE void attendOne(const AttentionShape& shape, int64_t t, const HeadRows<const Stored>& queries,
                                     const HeadRows<const Stored>& keys, const HeadRows<const Stored>& values,
                                     const HeadRows<Stored>& to, Real* logSums, Real* memory) {
    const int64_t D = shape.D, first = shape.first[t], last = shape.last[t];
    const Real scale = Real(shape.scale);
    Real *q = memory, *out = memory + D, *scores = out + D;
    for (int64_t d = 0; d < D; d++) q[d] = load(queries.data[t * queries.stride + d]) * scale;
    Real largest = -std::numeric_limits<Real>::infinity();
    for (int64_t s = first; s < last; s++) {
      const Stored* k = keys.data + s * keys.stride;
      Real dot = 0;
#pragma omp simd reduction(+ : dot)
      for (int64_t d = 0; d < D; d++) dot += q[d] * load(k[d]);
      scores[s - first] = dot;
      largest = dot > largest ? dot : largest;
    }
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < last - first; j++) {
      scores[j] = exponential(scores[j] - largest);
      sum += scores[j];
    }
    for (int64_t d = 0; d < D; d++) out[d] = Real(0);
    for (int64_t s = first; s < last; s++) {
      const Stored* v = values.data + s * values.stride;
      const Real weight = scores[s - first] / sum;
      for (int64_t d = 0; d < D; d++) out[d] += weight * load(v[d]);
    }
    storeRows(out, int64_t(1), D, D, rowsFrom(to, t));
    logSums[t] = first < last ? largest + std::log(sum) : std::numeric_limits<Real>::infinity();
  }
};

}  // namespace tunan
