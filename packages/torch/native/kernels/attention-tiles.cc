#include <math.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>

#include "attention-heads.h"
#include "cpu-path.h"

#ifdef TUNAN_X86
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512bf16,amx-tile,amx-bf16,prefer-vector-width=512")
#include "avx512.h"

namespace tunan {
namespace {

constexpr int64_t kRows = 32;
const Pending kNothing;
constexpr int64_t kGroup = 4;  // blocks of keys whose share of dq is summed in one product

int64_t blocksOf(int64_t n) { return (n + kRows - 1) / kRows; }

// Hands out pieces of the scratch memory; with no memory it only counts.
struct Pieces {
  char* base;
  int64_t used = 0;

  template <typename Element>
  Element* take(int64_t count) {
    char* at = base + used;
    used += (count * int64_t(sizeof(Element)) + 63) / 64 * 64;
    return reinterpret_cast<Element*>(at);
  }
};

struct ForwardScratch {
  char *kRight, *vRight, *qLeft, *pLeft;
  float *scores, *out;

  ForwardScratch(Pieces& pieces, int64_t keys, int64_t depth) {
    kRight = pieces.take<char>(keys * depth * 2048);
    vRight = pieces.take<char>(keys * depth * 2048);
    qLeft = pieces.take<char>(depth * 2048);
    pLeft = pieces.take<char>(keys * 2048);
    scores = pieces.take<float>(kRows * keys * kRows);
    out = pieces.take<float>(kRows * depth * kRows);
  }
};

struct BackwardScratch {
  char *kLeft, *vLeft, *kTurnedLeft, *qTurned, *dOutTurned, *qRight, *dOutRight, *pLeft, *dsLeft, *dsRight;
  float *delta, *dqTurned, *scores, *dp;
  float *dk, *dv;         // one block of keys, or all of them where several heads are added up
  int64_t blockElements;  // from one block to the next; 0 where there is one

  BackwardScratch(Pieces& pieces, int64_t queries, int64_t keys, int64_t depth, int64_t heads) {
    for (char** left : {&kLeft, &vLeft, &kTurnedLeft}) *left = pieces.take<char>(keys * depth * 2048);
    for (char** right : {&qTurned, &dOutTurned, &qRight, &dOutRight})
      *right = pieces.take<char>(queries * depth * 2048);
    for (char** left : {&pLeft, &dsLeft}) *left = pieces.take<char>(queries * 2048);
    dsRight = pieces.take<char>(queries * kGroup * 2048);
    delta = pieces.take<float>(queries * kRows);
    dqTurned = pieces.take<float>(depth * kRows * queries * kRows);
    scores = pieces.take<float>(kRows * kRows);
    dp = pieces.take<float>(kRows * kRows);
    blockElements = heads > 1 ? kRows * depth * kRows : 0;
    for (float** sums : {&dk, &dv}) *sums = pieces.take<float>((heads > 1 ? keys : 1) * kRows * depth * kRows);
  }
};

Operand operandOf(const HeadRows<const uint16_t>& rows, int64_t from, bool transposed) {
  return {rows.data + from * rows.stride, rows.stride, false, transposed};
}

struct Range {
  int64_t begin, end;
};

// The blocks of keys that queries [t0, t1) see.
Range seenBlocks(const AttentionShape& shape, int64_t t0, int64_t t1) {
  int64_t first = shape.S, last = 0;
  for (int64_t t = t0; t < t1; t++) {
    if (shape.first[t] >= shape.last[t]) continue;
    if (shape.first[t] < first) first = shape.first[t];
    if (shape.last[t] > last) last = shape.last[t];
  }
  return first < last ? Range{first / kRows, blocksOf(last)} : Range{0, 0};
}

// One row of scores (columns from key `origin` on) → its exponentials in bfloat16, one 64-byte line of each of `steps`
// tiles. Returns their sum and sets `largest`.
float softmaxRow(const float* scores, int64_t steps, int64_t from, int64_t to, float scale, char* tiles,
                 float* largest) {
  __m512 top = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (int64_t j = from / 16 * 16; j < to; j += 16) {
    const __mmask16 seen = firstLanes(to - j) & ~firstLanes(from - j);
    top = _mm512_mask_max_ps(top, seen, top, _mm512_loadu_ps(scores + j));
  }
  const float high = _mm512_reduce_max_ps(top);
  *largest = high;
  const __m512 factor = _mm512_set1_ps(scale), shift = _mm512_set1_ps(high * scale);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t s = 0; s < steps; s++, tiles += 1024) {
    __m512 power[2];
    for (int half = 0; half < 2; half++) {
      const int64_t j = s * 32 + half * 16;
      const __mmask16 seen = firstLanes(to - j) & ~firstLanes(from - j);
      power[half] = seen == 0 ? _mm512_setzero_ps()
                              : _mm512_maskz_mov_ps(
                                    seen, exponential16(_mm512_fmsub_ps(_mm512_loadu_ps(scores + j), factor, shift)));
      sum = _mm512_add_ps(sum, power[half]);
    }
    _mm512_storeu_si512(tiles, (__m512i)_mm512_cvtne2ps_pbh(power[1], power[0]));
  }
  return _mm512_reduce_add_ps(sum);
}

// x (rows, D) · factor → bfloat16 rows.
void storeRow(const float* x, float factor, uint16_t* to, int64_t D) {
  for (int64_t d = 0; d < D; d += 16) {
    _mm256_mask_storeu_epi16(to + d, firstLanes(D - d),
                             toHalf(_mm512_mul_ps(_mm512_loadu_ps(x + d), _mm512_set1_ps(factor))));
  }
}

float dotRow(const uint16_t* a, const uint16_t* b, int64_t D) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t d = 0; d < D; d += 16) {
    const __mmask16 mask = firstLanes(D - d);
    sum = _mm512_fmadd_ps(toWide(_mm256_maskz_loadu_epi16(mask, a + d)), toWide(_mm256_maskz_loadu_epi16(mask, b + d)),
                          sum);
  }
  return _mm512_reduce_add_ps(sum);
}

// The scores and dp of keys [key, key + 32) by queries [t, t + 32), both (key, query) → probabilities and the gradient
// of the scores in bfloat16: as left operands (a line in each of two tiles' rows) and, the gradient, as a right
// operand.
void probabilities(const AttentionShape& shape, const float* scores, const float* dp, const float* logSums,
                   const float* delta, int64_t key, int64_t t, char* pTop, char* pBottom, char* dsTop, char* dsBottom,
                   char* dsRight) {
  const __m512 scale = _mm512_set1_ps(float(shape.scale));
  for (int half = 0; half < 2; half++) {
    const int64_t query = t + 16 * half;
    const __mmask16 there = firstLanes(shape.T - query);
    const __m512i first = _mm512_maskz_loadu_epi32(there, shape.first + query),
                  last = _mm512_maskz_loadu_epi32(there, shape.last + query);
    const __m512 logSum = _mm512_maskz_loadu_ps(there, logSums + query),
                 mean = _mm512_maskz_loadu_ps(there, delta + query);
    __m256i previous = _mm256_setzero_si256();
    for (int r = 0; r < 32; r++) {
      const __m512i position = _mm512_set1_epi32(int(key + r));
      const __mmask16 seen = there & _mm512_cmple_epi32_mask(first, position) & _mm512_cmplt_epi32_mask(position, last);
      const __m512 s = _mm512_loadu_ps(scores + r * 32 + 16 * half), g = _mm512_loadu_ps(dp + r * 32 + 16 * half);
      const __m512 p = _mm512_maskz_mov_ps(seen, exponential16(_mm512_fmsub_ps(s, scale, logSum)));
      const __m512 ds = _mm512_maskz_mul_ps(seen, _mm512_mul_ps(p, scale), _mm512_sub_ps(g, mean));
      const __m256i pHalf = toHalf(p), dsHalf = toHalf(ds);
      const int64_t line = (r % 16) * 64 + 32 * half;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>((r < 16 ? pTop : pBottom) + line), pHalf);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>((r < 16 ? dsTop : dsBottom) + line), dsHalf);
      if (r % 2 == 1) _mm512_storeu_si512(dsRight + 1024 * half + (r / 2) * 64, interleave(previous, dsHalf));
      previous = dsHalf;
    }
  }
}

struct Tiles {
  bool amx = cpuPath() == CpuPath::amx;
  Block block = amx ? blockAmx : blockAvx512;

  Tiles() {
    if (amx) _tile_loadconfig(&kTileConfig);
  }
  ~Tiles() {
    if (amx) _tile_release();
  }
};

// One head's queries against packed keys and values.
void attendHead(const AttentionShape& shape, const ForwardScratch& scratch, const Tiles& tiles,
                const HeadRows<const uint16_t>& q, const HeadRows<uint16_t>& out, float* logSums) {
  const int64_t T = shape.T, D = shape.D, keys = blocksOf(shape.S), depth = blocksOf(D);
  for (int64_t t = 0; t < T; t += kRows) {
    const int64_t rows = T - t < kRows ? T - t : kRows;
    const Range seen = seenBlocks(shape, t, t + rows);
    const int64_t steps = seen.end - seen.begin, origin = seen.begin * kRows, width = keys * kRows;
    for (int64_t d = 0; d < depth; d++)
      packLeft(operandOf(q, t, false), rows, D, d * 32, scratch.qLeft + d * 1024, depth * 1024);
    for (int64_t n = 0; n < steps; n++) {
      tiles.block(scratch.qLeft, scratch.qLeft + depth * 1024, 64, 1024,
                  scratch.kRight + (seen.begin + n) * depth * 2048, depth, scratch.scores + n * kRows, width, false,
                  kNothing);
    }
    float sums[kRows];
    std::memset(scratch.pLeft, 0, size_t(steps * 2048));
    for (int64_t r = 0; r < rows; r++) {
      float largest = 0;
      sums[r] = 0;
      if (shape.first[t + r] < shape.last[t + r]) {
        sums[r] = softmaxRow(scratch.scores + r * width, steps, shape.first[t + r] - origin, shape.last[t + r] - origin,
                             float(shape.scale), scratch.pLeft + (r / 16 * steps) * 1024 + (r % 16) * 64, &largest);
      }
      const bool none = shape.first[t + r] >= shape.last[t + r];
      logSums[t + r] = none ? std::numeric_limits<float>::infinity() : largest * float(shape.scale) + logf(sums[r]);
    }
    for (int64_t d = 0; d < depth; d++) {
      tiles.block(scratch.pLeft, scratch.pLeft + steps * 1024, 64, 1024,
                  scratch.vRight + (d * keys + seen.begin) * 2048, steps, scratch.out + d * kRows, depth * kRows, false,
                  kNothing);
    }
    for (int64_t r = 0; r < rows; r++) {
      const bool none = shape.first[t + r] >= shape.last[t + r];
      storeRow(scratch.out + r * depth * kRows, none ? 0.0f : 1.0f / sums[r], out.data + (t + r) * out.stride, D);
    }
  }
}

// One head's gradients from packed keys and values; its share of dk and dv is added to that of the heads before it.
void attendHeadBackward(const AttentionShape& shape, const BackwardScratch& scratch, const Tiles& tiles,
                        const AttentionHeadsBackward<uint16_t, float>& heads, int64_t h) {
  const int64_t T = shape.T, S = shape.S, D = shape.D, queries = blocksOf(T), keys = blocksOf(S), depth = blocksOf(D),
                width = queries * kRows;
  const HeadRows<const uint16_t> q = heads.q[h], out = heads.out[h], dOut = heads.dOut[h];
  const HeadRows<uint16_t> dq = heads.dq[h];
  for (int64_t d = 0; d < depth; d++) {
    packRight(operandOf(q, 0, true), D, T, d * 32, scratch.qTurned + d * 2048, depth * 2048);
    packRight(operandOf(dOut, 0, true), D, T, d * 32, scratch.dOutTurned + d * 2048, depth * 2048);
  }
  for (int64_t t = 0; t < queries; t++) {
    packRight(operandOf(q, 0, false), T, D, t * 32, scratch.qRight + t * 2048, queries * 2048);
    packRight(operandOf(dOut, 0, false), T, D, t * 32, scratch.dOutRight + t * 2048, queries * 2048);
  }
  for (int64_t t = 0; t < T; t++) scratch.delta[t] = dotRow(dOut.data + t * dOut.stride, out.data + t * out.stride, D);
  std::memset(scratch.dqTurned, 0, size_t(depth * kRows * width) * sizeof(float));

  for (int64_t group = 0; group < keys; group += kGroup) {
    const int64_t members = keys - group < kGroup ? keys - group : kGroup;
    // The blocks of queries that see any of the group's keys.
    Range seeing{queries, 0};
    for (int64_t i = 0; i < queries; i++) {
      const Range seen = seenBlocks(shape, i * kRows, (i + 1) * kRows < T ? (i + 1) * kRows : T);
      if (seen.begin >= group + members || seen.end <= group) continue;
      if (i < seeing.begin) seeing.begin = i;
      seeing.end = i + 1;
    }
    const int64_t steps = seeing.end > seeing.begin ? seeing.end - seeing.begin : 0;
    for (int64_t member = 0; member < members; member++) {
      const int64_t j = group + member, rows = S - j * kRows < kRows ? S - j * kRows : kRows;
      const char *kBlock = scratch.kLeft + j * depth * 2048, *vBlock = scratch.vLeft + j * depth * 2048;
      for (int64_t n = 0; n < steps; n++) {
        const int64_t i = seeing.begin + n;
        tiles.block(kBlock, kBlock + depth * 1024, 64, 1024, scratch.qTurned + i * depth * 2048, depth, scratch.scores,
                    kRows, false, kNothing);
        tiles.block(vBlock, vBlock + depth * 1024, 64, 1024, scratch.dOutTurned + i * depth * 2048, depth, scratch.dp,
                    kRows, false, kNothing);
        probabilities(shape, scratch.scores, scratch.dp, heads.logSums + h * T, scratch.delta, j * kRows, i * kRows,
                      scratch.pLeft + n * 1024, scratch.pLeft + (steps + n) * 1024, scratch.dsLeft + n * 1024,
                      scratch.dsLeft + (steps + n) * 1024, scratch.dsRight + (n * kGroup + member) * 2048);
      }
      for (const bool values : {true, false}) {
        const char* left = values ? scratch.pLeft : scratch.dsLeft;
        const HeadRows<uint16_t>& to = values ? heads.dv : heads.dk;
        float* sums = (values ? scratch.dv : scratch.dk) + j * scratch.blockElements;
        for (int64_t d = 0; d < depth; d++) {
          const char* right =
              (values ? scratch.dOutRight : scratch.qRight) + (d * queries + (steps == 0 ? 0 : seeing.begin)) * 2048;
          tiles.block(left, left + steps * 1024, 64, 1024, right, steps, sums + d * kRows, depth * kRows, h > 0,
                      kNothing);
        }
        if (h < heads.count - 1) continue;
        for (int64_t r = 0; r < rows; r++)
          storeRow(sums + r * depth * kRows, 1.0f, to.data + (j * kRows + r) * to.stride, D);
      }
    }
    for (int64_t d = 0; d < depth; d++) {
      const char* left = scratch.kTurnedLeft + (2 * d * keys + group) * 1024;
      for (int64_t n = 0; n < steps; n++) {
        tiles.block(left, left + keys * 1024, 64, 1024, scratch.dsRight + n * kGroup * 2048, members,
                    scratch.dqTurned + d * kRows * width + (seeing.begin + n) * kRows, width, true, kNothing);
      }
    }
  }
  for (int64_t t = 0; t < T; t += 16) {
    for (int64_t d = 0; d < D; d += 16) {
      __m512i row[16];
      for (int i = 0; i < 16; i++) row[i] = _mm512_loadu_si512(scratch.dqTurned + (d + i) * width + t);
      transpose16(row);
      for (int i = 0; i < 16 && t + i < T; i++) {
        _mm256_mask_storeu_epi16(dq.data + (t + i) * dq.stride + d, firstLanes(D - d),
                                 toHalf(_mm512_castsi512_ps(row[i])));
      }
    }
  }
}

}  // namespace

int64_t tileScratchBytes(const AttentionShape& shape) {
  Pieces pieces{nullptr};
  ForwardScratch{pieces, blocksOf(shape.S), blocksOf(shape.D)};
  return pieces.used;
}

int64_t tileBackwardScratchBytes(const AttentionShape& shape, int64_t heads) {
  Pieces pieces{nullptr};
  BackwardScratch{pieces, blocksOf(shape.T), blocksOf(shape.S), blocksOf(shape.D), heads};
  return pieces.used;
}

void attendTiles(const AttentionShape& shape, const AttentionHeads<uint16_t, float>& heads, char* memory) {
  const int64_t S = shape.S, D = shape.D, keys = blocksOf(S), depth = blocksOf(D);
  Pieces pieces{memory};
  const ForwardScratch scratch(pieces, keys, depth);
  const Tiles tiles;
  for (int64_t d = 0; d < depth; d++)
    packRight(operandOf(heads.k, 0, true), D, S, d * 32, scratch.kRight + d * 2048, depth * 2048);
  for (int64_t s = 0; s < keys; s++)
    packRight(operandOf(heads.v, 0, false), S, D, s * 32, scratch.vRight + s * 2048, keys * 2048);
  for (int64_t h = 0; h < heads.count; h++)
    attendHead(shape, scratch, tiles, heads.q[h], heads.out[h], heads.logSums + h * shape.T);
}

void attendTilesBackward(const AttentionShape& shape, const AttentionHeadsBackward<uint16_t, float>& heads,
                         char* memory) {
  const int64_t S = shape.S, D = shape.D, keys = blocksOf(S), depth = blocksOf(D);
  Pieces pieces{memory};
  const BackwardScratch scratch(pieces, blocksOf(shape.T), keys, depth, heads.count);
  const Tiles tiles;
  for (int64_t d = 0; d < depth; d++) {
    packLeft(operandOf(heads.k, 0, false), S, D, d * 32, scratch.kLeft + d * 1024, depth * 1024);
    packLeft(operandOf(heads.v, 0, false), S, D, d * 32, scratch.vLeft + d * 1024, depth * 1024);
  }
  for (int64_t s = 0; s < keys; s++)
    packLeft(operandOf(heads.k, 0, true), D, S, s * 32, scratch.kTurnedLeft + s * 1024, keys * 1024);
  for (int64_t h = 0; h < heads.count; h++) attendHeadBackward(shape, scratch, tiles, heads, h);
}

}  // namespace tunan
#pragma GCC pop_options
#else
namespace tunan {

int64_t tileScratchBytes(const AttentionShape&) { std::abort(); }
void attendTiles(const AttentionShape&, const AttentionHeads<uint16_t, float>&, char*) { std::abort(); }
int64_t tileBackwardScratchBytes(const AttentionShape&, int64_t) { std::abort(); }
void attendTilesBackward(const AttentionShape&, const AttentionHeadsBackward<uint16_t, float>&, char*) { std::abort(); }

}  // namespace tunan
#endif
