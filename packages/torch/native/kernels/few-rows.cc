#include "few-rows.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "dot-products.h"
#include "gelu.h"

namespace tunan {
namespace {

// More rows are worth the packing that the products of product.h begin with.
constexpr int64_t kMostRows = 32;
// Columns of the result: the smallest share of a thread, and the most computed together. Long pieces of the weight's
// rows are read faster; of many rows the sums must stay in the nearest caches.
constexpr int64_t kShare = 64, kColumns = 2048, kSums = 16384;
// From one row of sums to the next: not a power of two, or all rows would lie in a few sets of the nearest cache.
constexpr int64_t kSumsRow = kColumns + 16;
// Rows of a (K, N) weight read side by side: each is a stream of its own for the processor's prefetcher.
constexpr int64_t kStreams = 8;

// sums (M, N) = x (M, K) · weight (K, N).
template <int Bytes>
struct SumColumns {
  template <typename Stored>
  static TUNAN_INLINE void run(int64_t M, int64_t N, int64_t K, const float* x, const Stored* weight, int64_t stride,
                               float* sums) {
    const int64_t whole = N / Lanes<float, Bytes>::count * Lanes<float, Bytes>::count;
    for (int64_t k = 0; k < K; k += kStreams) {
      multiplySmall<Bytes, Source::memory>(M, whole, std::min(kStreams, K - k), x + k, K, int64_t(1),
                                           weight + k * stride, stride, sums, kSumsRow, k > 0);
    }
    for (int64_t m = 0; m < M; m++) {
      for (int64_t n = whole; n < N; n++) {
        float sum = 0;
        for (int64_t k = 0; k < K; k++) sum += x[m * K + k] * load(weight[k * stride + n]);
        sums[m * kSumsRow + n] = sum;
      }
    }
  }
};

// The same of a weight (N, K).
template <int Bytes>
struct SumRows {
  template <typename Stored>
  static TUNAN_INLINE void run(int64_t M, int64_t N, int64_t K, const float* x, const Stored* weight, int64_t stride,
                               float* sums) {
    multiplyByRows<Bytes>(M, N, K, x, K, weight, stride, sums, kSumsRow);
  }
};

// y (M, N) = [residual +] [gelu of] (scale sums + bias); scale, bias and residual may be null.
struct Finish {
  template <typename Stored, typename Bias>
  static TUNAN_INLINE void run(int64_t M, int64_t N, float* sums, const float* scale, const Bias* bias, bool gelu,
                               const Stored* residual, Stored* y, int64_t stride) {
    for (int64_t m = 0; m < M; m++) {
      float* __restrict__ row = sums + m * kSumsRow;
      if (scale != nullptr) {
        for (int64_t n = 0; n < N; n++) row[n] *= scale[n];
      }
      Stored* to = y + m * stride;
      const Stored* base = residual == nullptr ? nullptr : residual + m * stride;
      if (gelu) {
        for (int64_t n = 0; n < N; n++) store(to[n], geluOf(row[n] + (bias == nullptr ? 0.0f : load(bias[n]))));
      } else if (base != nullptr) {
        for (int64_t n = 0; n < N; n++)
          store(to[n], load(base[n]) + (row[n] + (bias == nullptr ? 0.0f : load(bias[n]))));
      } else {
        for (int64_t n = 0; n < N; n++) store(to[n], row[n] + (bias == nullptr ? 0.0f : load(bias[n])));
      }
    }
  }
};

bool isStored(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }

template <typename Body>
void dispatchFew(at::ScalarType type, Body&& body) {
  type == at::kFloat ? body(float{}) : body(BFloat16{});
}

}  // namespace

bool isFewRows(const at::Tensor& x, const at::Tensor& weight) {
  return !at::GradMode::is_enabled() && x.is_cpu() && isStored(x.scalar_type()) &&
         weight.scalar_type() == x.scalar_type() && x.size(-1) > 0 && x.numel() > 0 &&
         x.numel() <= kMostRows * x.size(-1) && weight.stride(1) == 1;
}

at::Tensor productOfFewRows(const at::Tensor& x, const at::Tensor& weight, bool outIn, const FewRows& after) {
  const int64_t M = x.size(0), K = x.size(1), N = weight.size(outIn ? 0 : 1);
  const auto type = after.residual.defined() ? after.residual.scalar_type() : x.scalar_type();
  const at::Tensor wide = x.to(at::kFloat).contiguous(), y = at::empty({M, N}, x.options().dtype(type));
  const at::Tensor residual = after.residual.defined() ? after.residual.contiguous() : at::Tensor();
  const at::Tensor bias = after.bias.defined() ? after.bias.contiguous() : at::Tensor();
  const float* scale = after.scale.defined() ? after.scale.data_ptr<float>() : nullptr;
  const float* left = wide.data_ptr<float>();
  const int64_t stride = weight.stride(0);
  const auto multiplyBy = [&](auto storedWeight) {
    using Weight = decltype(storedWeight);
    const Weight* data = dataOf<Weight>(weight);
    dispatchFew(type, [&](auto stored) {
      dispatchFew(bias.defined() ? bias.scalar_type() : at::kFloat, [&](auto storedBias) {
        using Stored = decltype(stored);
        using Bias = decltype(storedBias);
        const Bias* shift = bias.defined() ? dataOf<Bias>(bias) : nullptr;
        const Stored* base = residual.defined() ? dataOf<Stored>(residual) : nullptr;
        at::parallel_for(0, (N + kShare - 1) / kShare, 1, [&](int64_t begin, int64_t end) {
          thread_local std::vector<float> memory;
          const int64_t most = std::min(M, kMostRows);
          if (int64_t(memory.size()) < most * kSumsRow) memory.resize(size_t(most * kSumsRow));
          float* sums = memory.data();
          const int64_t last = std::min(N, end * kShare);
          for (int64_t m = 0; m < M; m += kMostRows) {
            const int64_t rows = std::min(kMostRows, M - m);
            const int64_t width = std::min(kColumns, std::max(kSums / rows, kSums / kMostRows));
            for (int64_t n = begin * kShare; n < last; n += width) {
              const int64_t columns = std::min(width, last - n);
              if (outIn) {
                vectorisedByWidth<SumRows>(rows, columns, K, left + m * K, data + n * stride, stride, sums);
              } else {
                vectorisedByWidth<SumColumns>(rows, columns, K, left + m * K, data + n, stride, sums);
              }
              vectorised<Finish>(rows, columns, sums, scale == nullptr ? scale : scale + n,
                                 shift == nullptr ? shift : shift + n, after.gelu,
                                 base == nullptr ? base : base + m * N + n, dataOf<Stored>(y) + m * N + n, N);
            }
          }
        });
      });
    });
  };
  switch (weight.scalar_type()) {
    case at::kChar:
      multiplyBy(int8_t{});
      break;
    case at::kFloat:
      multiplyBy(float{});
      break;
    default:
      multiplyBy(BFloat16{});
  }
  return y;
}

}  // namespace tunan
