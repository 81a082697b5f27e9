#include "gemm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <utility>

#include "cpu-path.h"

#ifdef TUNAN_X86
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512bf16,amx-tile,amx-bf16,prefer-vector-width=512")
#include "avx512.h"

namespace tunan {
namespace {

// The left operand by blocks of 32 rows: packed, or row-major bfloat16 as it is.
struct Left {
  const char* data;
  int64_t blockBytes, halfBytes, rowBytes, stepBytes;
};

// The right operand by panels of 32 columns, packed.
struct Right {
  const char* data;
  int64_t panelBytes;
};

struct Part {
  int64_t m0, m1, n0, n1;  // blocks of 32 rows, panels of 32 columns
};

constexpr int64_t kBlock = 32;
constexpr int64_t kStepsAtOnce = 64;                // 2 048 of K: longer sums are made in several goes
constexpr int64_t kPanelBytes = int64_t(1) << 20;   // of the right operand, in the second cache while rows stream by
constexpr int64_t kSumElements = int64_t(1) << 17;  // 512 KB
// Between panels and between rows of tiles: powers of two apart, those of one step would fall into a few sets of the
// caches.
constexpr int64_t kSkew = 1024;

// One thread's share. `sums` holds kSumElements.
void multiplyPart(const Part& part, int64_t M, int64_t N, int64_t steps, const Left& a, const Right& b,
                  const Output& out, float* sums, bool tiles) {
  const Block block = tiles ? blockAmx : blockAvx512;
  if (tiles) _tile_loadconfig(&kTileConfig);
  const bool split = steps > kStepsAtOnce * 3 / 2;
  const int64_t chunk = split ? kStepsAtOnce : steps;
  // Nothing to add and no edge: the sums can grow where they belong.
  const bool direct = out.wide != nullptr && out.bias == nullptr && out.residual == nullptr && out.before == nullptr &&
                      M % kBlock == 0 && N % kBlock == 0;
  int64_t width = kPanelBytes / (chunk * 2048 > 0 ? chunk * 2048 : 1);
  if (width < 1) width = 1;
  if (width > 16 && split && !direct) width = 16;
  Pending pending;
  int64_t turn = 0;
  for (int64_t n0 = part.n0; n0 < part.n1; n0 += width) {
    const int64_t n1 = n0 + width < part.n1 ? n0 + width : part.n1;
    // All sums of these rows and panels wait in memory until K is through.
    const int64_t height = split && !direct ? kSumElements / ((n1 - n0) * kBlock * kBlock) : part.m1 - part.m0;
    for (int64_t m0 = part.m0; m0 < part.m1; m0 += height) {
      const int64_t m1 = m0 + height < part.m1 ? m0 + height : part.m1;
      for (int64_t s = 0; s < steps || s == 0; s += chunk) {
        const int64_t now = s + chunk < steps ? chunk : steps - s;
        const bool last = s + now >= steps;
        for (int64_t m = m0; m < m1; m++) {
          const char* left = a.data + m * a.blockBytes + s * a.stepBytes;
          for (int64_t n = n0; n < n1; n++) {
            const char* right = b.data + n * b.panelBytes + s * 2048;
            if (direct) {
              block(left, left + a.halfBytes, a.rowBytes, a.stepBytes, right, now,
                    out.wide + m * kBlock * out.stride + n * kBlock, out.stride, s > 0, pending);
              continue;
            }
            const int64_t place = split ? (m - m0) * (n1 - n0) + n - n0 : turn++ % 2;
            float* sum = sums + place * kBlock * kBlock;
            block(left, left + a.halfBytes, a.rowBytes, a.stepBytes, right, now, sum, kBlock, s > 0, pending);
            pending = last ? Pending{sum, m * kBlock, n * kBlock, M, N, &out} : Pending{};
          }
        }
        if (last) break;
      }
      // The next rows use the same places.
      if (split && pending.sums != nullptr) finishRows(pending, 0, kBlock);
      if (split) pending = Pending{};
    }
  }
  if (pending.sums != nullptr) finishRows(pending, 0, kBlock);
  if (tiles) _tile_release();
}

}  // namespace
}  // namespace tunan
#pragma GCC pop_options

namespace tunan {
namespace {

int64_t upTo(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

struct Sums {
  std::unique_ptr<float[], void (*)(void*)> data{
      static_cast<float*>(std::aligned_alloc(64, kSumElements * sizeof(float))), [](void* p) { std::free(p); }};
};

// How many parts along M and N make one for each thread: those whose largest is smallest, and of these the one that
// reads least.
std::pair<int64_t, int64_t> partition(int64_t blocks, int64_t panels, int64_t threads) {
  std::pair<int64_t, int64_t> best{1, 1};
  std::pair<int64_t, int64_t> least{std::numeric_limits<int64_t>::max(), 0};
  for (int64_t rows = 1; rows <= threads; rows++) {
    if (threads % rows != 0) continue;
    const int64_t columns = threads / rows, height = upTo(blocks, rows), width = upTo(panels, columns);
    const std::pair<int64_t, int64_t> cost{height * width, height + width};
    if (cost < least) {
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

  const int64_t panelBytes = steps * 2048 + kSkew, tileBytes = steps * 1024 + kSkew;
  const at::Tensor right = at::empty({panels * panelBytes}, at::kByte);
  char* rightData = static_cast<char*>(right.data_ptr());
  at::parallel_for(0, steps, 1, [&](int64_t begin, int64_t end) {
    for (int64_t step = begin; step < end; step++) packRight(b, K, N, step * 32, rightData + step * 2048, panelBytes);
  });

  // Row-major bfloat16 is what tiles are loaded from. Rows a page apart would all fall into one set of the nearest
  // cache.
  const bool asItIs = !a.wide && !a.transposed && K % 32 == 0 && M % kBlock == 0 && (a.stride * 2) % 2048 != 0;
  at::Tensor packed;
  Left left;
  if (asItIs) {
    left = {static_cast<const char*>(a.data), kBlock * a.stride * 2, 16 * a.stride * 2, a.stride * 2, 64};
  } else {
    packed = at::empty({blocks * 2 * tileBytes}, at::kByte);
    char* data = static_cast<char*>(packed.data_ptr());
    at::parallel_for(0, steps, 1, [&](int64_t begin, int64_t end) {
      for (int64_t step = begin; step < end; step++) packLeft(a, M, K, step * 32, data + step * 1024, tileBytes);
    });
    left = {data, 2 * tileBytes, tileBytes, 64, 1024};
  }

  const auto [rows, columns] = partition(blocks, panels, at::get_num_threads());
  const int64_t height = upTo(blocks, rows), width = upTo(panels, columns);
  at::parallel_for(0, rows * columns, 1, [&, columns = columns](int64_t begin, int64_t end) {
    thread_local Sums sums;
    for (int64_t i = begin; i < end; i++) {
      const int64_t m = i / columns * height, n = i % columns * width;
      const Part part{std::min(m, blocks), std::min(m + height, blocks), std::min(n, panels),
                      std::min(n + width, panels)};
      multiplyPart(part, M, N, steps, left, {rightData, panelBytes}, output, sums.data.get(), tiles);
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
