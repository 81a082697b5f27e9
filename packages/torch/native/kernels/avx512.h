// What the AVX-512 kernels share. Only to be included between `#pragma GCC push_options` and `pop_options` with the
// target set, by files that keep everything else out of that region: an inline function of the standard library
// compiled there could be the copy that the linker keeps for the whole addon.
#pragma once
// GCC 12 takes the undefined registers that its own intrinsics begin with for a mistake.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <immintrin.h>

#include "gemm.h"

namespace tunan {
namespace {

TUNAN_INLINE __mmask16 firstLanes(int64_t count) {
  return count >= 16 ? __mmask16(0xffff) : count <= 0 ? __mmask16(0) : __mmask16((1u << count) - 1);
}
TUNAN_INLINE __mmask32 firstWords(int64_t count) {
  return count >= 32 ? ~__mmask32(0) : count <= 0 ? __mmask32(0) : __mmask32((1u << count) - 1);
}

// Rows of 16 dwords → columns.
TUNAN_INLINE void transpose16(__m512i row[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    row[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    row[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    row[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    row[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(row[i], row[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(row[i], row[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(row[8 + i], row[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(row[8 + i], row[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    row[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    row[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    row[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    row[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

// Two rows of 16 bfloat16 → 16 pairs, the layout in which both product instructions take their right operand.
TUNAN_INLINE __m512i interleave(__m256i even, __m256i odd) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

TUNAN_INLINE __m256i toHalf(__m512 x) { return (__m256i)_mm512_cvtneps_pbh(x); }
TUNAN_INLINE __m512 toWide(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }

// vectorise.h's exponential(), sixteen at a time.
TUNAN_INLINE __m512 exponential16(__m512 x) {
  const __m512 low = _mm512_set1_ps(-60.0f);
  const __mmask16 inside = _mm512_cmp_ps_mask(x, low, _CMP_NLT_UQ);  // NaN is inside
  const __m512 clamped = _mm512_max_ps(low, x);                      // and stays
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(clamped, _mm512_set1_ps(1.44269504088896341f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r =
      _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), clamped));
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
  return _mm512_maskz_scalef_ps(inside, p, n);
}

// 32 elements of row `row` from column `col` on; those from `columns` on are zero.
TUNAN_INLINE __m512i load32(const Operand& m, int64_t row, int64_t col, int64_t columns) {
  if (!m.wide)
    return _mm512_maskz_loadu_epi16(firstWords(columns - col),
                                    static_cast<const uint16_t*>(m.data) + row * m.stride + col);
  const float* data = static_cast<const float*>(m.data) + row * m.stride + col;
  const __m512 low = _mm512_maskz_loadu_ps(firstLanes(columns - col), data);
  const __m512 high = _mm512_maskz_loadu_ps(firstLanes(columns - col - 16), data + 16);
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

TUNAN_INLINE __m256i load16(const Operand& m, int64_t row, int64_t col, int64_t columns) {
  const __mmask16 mask = firstLanes(columns - col);
  if (!m.wide) return _mm256_maskz_loadu_epi16(mask, static_cast<const uint16_t*>(m.data) + row * m.stride + col);
  return toHalf(_mm512_maskz_loadu_ps(mask, static_cast<const float*>(m.data) + row * m.stride + col));
}

// Pairs of rows k and k + 1 of m (K, N) for columns n … n + 15; beyond the edges zero.
TUNAN_INLINE __m512i rowPairs(const Operand& m, int64_t k, int64_t K, int64_t n, int64_t N) {
  const __m256i even = k < K ? load16(m, k, n, N) : _mm256_setzero_si256();
  const __m256i odd = k + 1 < K ? load16(m, k + 1, n, N) : _mm256_setzero_si256();
  return interleave(even, odd);
}

// One step of b (K, N), rows k … k + 31: two tiles of pairs for each panel of 32 columns; panels lie panelBytes apart.
void packRight(const Operand& b, int64_t K, int64_t N, int64_t k, char* step, int64_t panelBytes) {
  for (int64_t n = 0; n < N; n += 32, step += panelBytes) {
    for (int half = 0; half < 2; half++) {
      char* to = step + 1024 * half;
      const int64_t column = n + 16 * half;
      if (!b.transposed) {
        for (int pair = 0; pair < 16; pair++)
          _mm512_storeu_si512(to + 64 * pair, rowPairs(b, k + 2 * pair, K, column, N));
      } else {
        __m512i row[16];
        for (int i = 0; i < 16; i++) row[i] = column + i < N ? load32(b, column + i, k, K) : _mm512_setzero_si512();
        transpose16(row);
        for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + 64 * i, row[i]);
      }
    }
  }
}

// One step of a (M, K), columns k … k + 31: a tile for every 16 rows, M rounded up to 32; tiles lie tileBytes apart.
void packLeft(const Operand& a, int64_t M, int64_t K, int64_t k, char* to, int64_t tileBytes) {
  for (int64_t m = 0; m < M || m % 32 != 0; m += 16, to += tileBytes) {
    __m512i row[16];
    if (a.transposed) {
      for (int pair = 0; pair < 16; pair++) row[pair] = rowPairs(a, k + 2 * pair, K, m, M);
      transpose16(row);
    } else {
      for (int i = 0; i < 16; i++) row[i] = m + i < M ? load32(a, m + i, k, K) : _mm512_setzero_si512();
    }
    for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + 64 * i, row[i]);
  }
}

// The layout of AMX's tiles: eight of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
// Static: GCC takes the load of it for one of eight bytes, and would leave out the stores that make a local one.
constexpr TileConfig kTileConfig;

TUNAN_INLINE __m512 gelu16(__m512 u) {
  const __m512 cubic = _mm512_mul_ps(_mm512_mul_ps(u, u), u);
  const __m512 inner = _mm512_fmadd_ps(cubic, _mm512_set1_ps(0.044715f), u);
  const __m512 z = _mm512_min_ps(_mm512_mul_ps(inner, _mm512_set1_ps(-1.5957691216057308f)), _mm512_set1_ps(80.0f));
  return _mm512_div_ps(u, _mm512_add_ps(_mm512_set1_ps(1.0f), exponential16(z)));
}

// A block of sums, (32, 32) with rows of 32, that waits to become output rows m …, columns n ….
struct Pending {
  const float* sums = nullptr;
  int64_t m = 0, n = 0, M = 0, N = 0;
  const Output* out = nullptr;
};

// Rows [from, to) of it.
TUNAN_INLINE void finishRows(const Pending& pending, int64_t from, int64_t to) {
  const Output& out = *pending.out;
  const int64_t rows = pending.M - pending.m < to ? pending.M - pending.m : to;
  for (int half = 0; half < 2; half++) {
    const int64_t column = pending.n + 16 * half;
    const __mmask16 mask = firstLanes(pending.N - column);
    const __m512 bias = out.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, out.bias + column);
    for (int64_t r = from; r < rows; r++) {
      const int64_t at = (pending.m + r) * out.stride + column;
      __m512 y = _mm512_add_ps(_mm512_loadu_ps(pending.sums + r * 32 + 16 * half), bias);
      if (out.residual != nullptr) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, out.residual + at));
      if (out.before != nullptr) {
        const __m256i rounded = toHalf(y);
        _mm256_mask_storeu_epi16(out.before + at, mask, rounded);
        y = gelu16(toWide(rounded));
      }
      if (out.wide != nullptr) {
        _mm512_mask_storeu_ps(out.wide + at, mask, y);
      } else {
        _mm256_mask_storeu_epi16(out.half + at, mask, toHalf(y));
      }
    }
  }
}

// The kernels' unit of work: c (32, 32) = [c +] a (32, 32 steps) · b (32 steps, 32).
// a: two halves of 16 rows, aStride bytes from row to row and aStep from one step's 32 columns to the next. b: steps of
// two tiles of 16 rows, 16 pairs each. cStride in elements. The block before it, where one is pending, is finished on
// the way: tiles multiply while vectors do the rest. Not inlined: GCC does not tell the optimiser that a tile is loaded
// from memory, and stores before it must have happened.
__attribute__((noinline)) void blockAmx(const char* a0, const char* a1, int64_t aStride, int64_t aStep, const char* b,
                                        int64_t steps, float* c, int64_t cStride, bool add, const Pending& pending) {
  const int64_t rowBytes = cStride * 4;
  if (add) {
    _tile_loadd(0, c, rowBytes);
    _tile_loadd(1, c + 16, rowBytes);
    _tile_loadd(2, c + 16 * cStride, rowBytes);
    _tile_loadd(3, c + 16 * cStride + 16, rowBytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t s = 0; s < steps; s++) {
    _tile_loadd(4, a0, aStride);
    _tile_loadd(6, b, 64);
    _tile_loadd(7, b + 1024, 64);
    _tile_loadd(5, a1, aStride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    a0 += aStep;
    a1 += aStep;
    b += 2048;
    if (pending.sums != nullptr) finishRows(pending, s * 32 / steps, (s + 1) * 32 / steps);
  }
  if (pending.sums != nullptr && steps == 0) finishRows(pending, 0, 32);
  _tile_stored(0, c, rowBytes);
  _tile_stored(1, c + 16, rowBytes);
  _tile_stored(2, c + 16 * cStride, rowBytes);
  _tile_stored(3, c + 16 * cStride + 16, rowBytes);
}

__attribute__((noinline)) void blockAvx512(const char* a0, const char* a1, int64_t aStride, int64_t aStep,
                                           const char* b, int64_t steps, float* c, int64_t cStride, bool add,
                                           const Pending& pending) {
  if (pending.sums != nullptr) finishRows(pending, 0, 32);
  for (int group = 0; group < 4; group++) {
    const char* a = (group < 2 ? a0 : a1) + (group & 1) * 8 * aStride;
    float* out = c + group * 8 * cStride;
    __m512 sum[8][2];
    for (int r = 0; r < 8; r++) {
      sum[r][0] = add ? _mm512_loadu_ps(out + r * cStride) : _mm512_setzero_ps();
      sum[r][1] = add ? _mm512_loadu_ps(out + r * cStride + 16) : _mm512_setzero_ps();
    }
    for (int64_t s = 0; s < steps; s++) {
      for (int pair = 0; pair < 16; pair++) {
        const __m512bh b0 = (__m512bh)_mm512_loadu_si512(b + s * 2048 + pair * 64),
                       b1 = (__m512bh)_mm512_loadu_si512(b + s * 2048 + 1024 + pair * 64);
        for (int r = 0; r < 8; r++) {
          int both;
          __builtin_memcpy(&both, a + s * aStep + r * aStride + pair * 4, 4);
          const __m512bh left = (__m512bh)_mm512_set1_epi32(both);
          sum[r][0] = _mm512_dpbf16_ps(sum[r][0], left, b0);
          sum[r][1] = _mm512_dpbf16_ps(sum[r][1], left, b1);
        }
      }
    }
    for (int r = 0; r < 8; r++) {
      _mm512_storeu_ps(out + r * cStride, sum[r][0]);
      _mm512_storeu_ps(out + r * cStride + 16, sum[r][1]);
    }
  }
}

using Block = decltype(&blockAmx);

}  // namespace
}  // namespace tunan
