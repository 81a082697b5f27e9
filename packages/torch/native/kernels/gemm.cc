#include "gemm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "cpu-path.h"

#ifdef TUNAN_X86
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512bf16,amx-tile,amx-bf16,prefer-vector-width=512")
#include "avx512.h"

namespace tunan {
namespace {

TUNAN_INLINE __m512 gelu16(__m512 u) {
  const __m512 cubic = _mm512_mul_ps(_mm512_mul_ps(u, u), u);
  const __m512 inner = _mm512_fmadd_ps(cubic, _mm512_set1_ps(0.044715f), u);
  const __m512 z = _mm512_min_ps(_mm512_mul_ps(inner, _mm512_set1_ps(-1.5957691216057308f)), _mm512_set1_ps(80.0f));
  return _mm512_div_ps(u, _mm512_add_ps(_mm512_set1_ps(1.0f), exponential16(z)));
}

// The sums of one block, (32, 32) with rows of `stride`, → output rows m …, columns n ….
void finish(const float* sums, int64_t stride, int64_t m, int64_t M, int64_t n, int64_t N, const Output& out) {
  const int64_t rows = M - m < 32 ? M - m : 32;
  for (int half = 0; half < 2; half++) {
    const int64_t column = n + 16 * half;
    const __mmask16 mask = firstLanes(N - column);
    const __m512 bias = out.bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, out.bias + column);
    for (int64_t r = 0; r < rows; r++) {
      const int64_t at = (m + r) * out.stride + column;
      __m512 y = _mm512_add_ps(_mm512_loadu_ps(sums + r * stride + 16 * half), bias);
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

// The left operand by blocks of 32 rows: packed, or row-major bfloat16 as it is.
struct Left {
  const char* data;
  int64_t blockBytes, halfBytes, rowBytes, stepBytes;
};

struct Part {
  int64_t m0, m1, n0, n1;  // blocks of 32 rows, panels of 32 columns
};

constexpr int64_t kBlock = 32;
constexpr int64_t kStepsAtOnce = 64;               // 2 048 of K: longer sums are made in several goes
constexpr int64_t kPanelBytes = int64_t(1) << 20;  // of the right operand, in the second cache while rows stream by
constexpr int64_t kSumElements = int64_t(1) << 17;  // 512 KB

// One thread's share. `sums` holds kSumElements.
void multiplyPart(const Part& part, int64_t M, int64_t N, int64_t steps, const Left& a, const char* b, const Output& out, float* sums, bool tiles) {
  const Block block = tiles ? blockAmx : blockAvx512;
  if (tiles) _tile_loadconfig(&kTileConfig);
  const bool split = steps > kStepsAtOnce * 3 / 2;
  const int64_t chunk = split ? kStepsAtOnce : steps;
  // Nothing to add and no edge: the sums can grow where they belong.
  const bool direct = out.wide != nullptr && out.bias == nullptr && out.residual == nullptr && out.before == nullptr && M % kBlock == 0 && N % kBlock == 0;
  const int64_t panelBytes = steps * 2048;
  int64_t width = kPanelBytes / (chunk * 2048 > 0 ? chunk * 2048 : 1);
  if (width < 1) width = 1;
  if (width > 16 && split && !direct) width = 16;
  for (int64_t n0 = part.n0; n0 < part.n1; n0 += width) {
    const int64_t n1 = n0 + width < part.n1 ? n0 + width : part.n1;
    const int64_t height = split && !direct ? kSumElements / ((n1 - n0) * kBlock * kBlock) : part.m1 - part.m0;
    for (int64_t m0 = part.m0; m0 < part.m1; m0 += height) {
      const int64_t m1 = m0 + height < part.m1 ? m0 + height : part.m1;
      for (int64_t s = 0; s < steps || s == 0; s += chunk) {
        const int64_t now = s + chunk < steps ? chunk : steps - s;
        const bool last = s + now >= steps;
        for (int64_t m = m0; m < m1; m++) {
          const char* left = a.data + m * a.blockBytes + s * a.stepBytes;
          for (int64_t n = n0; n < n1; n++) {
            const char* right = b + n * panelBytes + s * 2048;
            if (direct) {
              block(left, left + a.halfBytes, a.rowBytes, a.stepBytes, right, now, out.wide + m * kBlock * out.stride + n * kBlock, out.stride, s > 0);
              continue;
            }
            float* sum = split ? sums + ((m - m0) * (n1 - n0) + n - n0) * kBlock * kBlock : sums;
            block(left, left + a.halfBytes, a.rowBytes, a.stepBytes, right, now, sum, kBlock, s > 0);
            if (last) finish(sum, kBlock, m * kBlock, M, n * kBlock, N, out);
          }
        }
        if (last) break;
      }
    }
  }
  if (tiles) _tile_release();
}

}  // namespace
}  // namespace tunan
#pragma GCC pop_options

namespace tunan {
namespace {

int64_t upTo(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

struct Sums {
  std::unique_ptr<float[], void (*)(void*)> data{static_cast<float*>(std::aligned_alloc(64, kSumElements * sizeof(float))), [](void* p) { std::free(p); }};
};

// How many parts along M and N: about as many as threads, each touching as few elements of both operands as can be.
std::pair<int64_t, int64_t> partition(int64_t blocks, int64_t panels, int64_t threads) {
  std::pair<int64_t, int64_t> best{1, 1};
  double least = -1;
  for (int64_t rows = 1; rows <= threads; rows++) {
    if (threads % rows != 0) continue;
    const int64_t columns = threads / rows;
    // Elements per thread, and what the slowest thread has to do.
    const double cost = double(upTo(blocks, rows)) * double(upTo(panels, columns)) * 4 + double(upTo(blocks, rows)) + double(upTo(panels, columns));
    if (least < 0 || cost < least) {
      least = cost;
      best = {rows, columns};
    }
  }
  return best;
}

}  // namespace

bool hasFastProducts() { return cpuPath() >= CpuPath::avx512Bf16; }

void multiply(int64_t M, int64_t N, int64_t K, const Operand& a, const Operand& b, const Output& output) {
  if (M == 0 || N == 0) return;
  const bool tiles = cpuPath() == CpuPath::amx;
  const int64_t steps = upTo(K, 32), blocks = upTo(M, kBlock), panels = upTo(N, kBlock);

  const at::Tensor right = at::empty({panels * steps * 2048}, at::kByte);
  char* rightData = static_cast<char*>(right.data_ptr());
  at::parallel_for(0, steps, 1, [&](int64_t begin, int64_t end) {
    for (int64_t step = begin; step < end; step++) packRight(b, K, N, step * 32, rightData + step * 2048, steps * 2048);
  });

  // Row-major bfloat16 is what tiles are loaded from. Rows a page apart would all fall into one set of the nearest cache.
  const bool asItIs = !a.wide && !a.transposed && K % 32 == 0 && M % kBlock == 0 && (a.stride * 2) % 2048 != 0;
  at::Tensor packed;
  Left left;
  if (asItIs) {
    left = {static_cast<const char*>(a.data), kBlock * a.stride * 2, 16 * a.stride * 2, a.stride * 2, 64};
  } else {
    packed = at::empty({blocks * 2 * steps * 1024}, at::kByte);
    char* data = static_cast<char*>(packed.data_ptr());
    at::parallel_for(0, steps, 1, [&](int64_t begin, int64_t end) {
      for (int64_t step = begin; step < end; step++) packLeft(a, M, K, step * 32, data + step * 1024, steps * 1024);
    });
    left = {data, 2 * steps * 1024, steps * 1024, 64, 1024};
  }

  const auto [rows, columns] = partition(blocks, panels, at::get_num_threads());
  const int64_t height = upTo(blocks, rows), width = upTo(panels, columns);
  at::parallel_for(0, rows * columns, 1, [&, columns = columns](int64_t begin, int64_t end) {
    thread_local Sums sums;
    for (int64_t i = begin; i < end; i++) {
      const int64_t m = i / columns * height, n = i % columns * width;
      const Part part{std::min(m, blocks), std::min(m + height, blocks), std::min(n, panels), std::min(n + width, panels)};
      multiplyPart(part, M, N, steps, left, rightData, output, sums.data.get(), tiles);
    }
  });
}

}  // namespace tunan
#else
namespace tunan {

bool hasFastProducts() { return false; }

void multiply(int64_t, int64_t, int64_t, const Operand&, const Operand&, const Output&) { std::abort(); }

}  // namespace tunan
#endif
