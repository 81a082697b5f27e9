#include "product.h"

#include <ATen/Parallel.h>

#include "cpu-path.h"
#include "gemm.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace tunan {
namespace {

// Fewer rows do not pay for packing the right operand: generation goes through the library.
constexpr int64_t kFewRows = 16;

using Sgemm = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float,
                      float*, int64_t);

// oneDNN's sgemm (its C interface is the same in 2.x and 3.x) where libtorch brings it as a library of its own, as
// Debian's does: that libtorch uses a slower BLAS for float32.
Sgemm sgemm() {
#ifdef _WIN32
  return nullptr;
#else
  static const Sgemm found = reinterpret_cast<Sgemm>(dlsym(RTLD_DEFAULT, "dnnl_sgemm"));
  return found;
#endif
}

// With rows or columns that lie one behind the other; those of an expanded tensor do not.
at::Tensor oneWay(const at::Tensor& m) {
  const auto runsAlong = [&](int64_t along, int64_t other) {
    return m.stride(along) == 1 && (m.size(other) <= 1 || m.stride(other) >= m.size(along));
  };
  return runsAlong(1, 0) || (m.stride(1) != 1 && runsAlong(0, 1)) ? m : m.contiguous();
}

bool isTransposed(const at::Tensor& m) { return m.stride(1) != 1 && m.stride(0) == 1; }

// A matrix of one row or column may have any stride there.
int64_t rowStride(const at::Tensor& m) {
  return isTransposed(m) ? std::max(m.stride(1), m.size(0)) : std::max(m.stride(0), m.size(1));
}

Operand operandOf(const at::Tensor& m) {
  return {m.data_ptr(), rowStride(m), m.scalar_type() == at::kFloat, isTransposed(m)};
}

at::Tensor fused(const at::Tensor& a, const at::Tensor& b, at::ScalarType dtype, const Fusion& fusion) {
  const int64_t M = a.size(0), N = b.size(1), K = a.size(1);
  const at::Tensor y = fusion.result.defined() ? fusion.result : at::empty({M, N}, a.options().dtype(dtype));
  Output out;
  (dtype == at::kFloat ? reinterpret_cast<void*&>(out.wide) : reinterpret_cast<void*&>(out.half)) = y.data_ptr();
  out.stride = y.stride(0);
  if (fusion.bias.defined()) out.bias = fusion.bias.data_ptr<float>();
  if (fusion.residual.defined()) out.residual = fusion.residual.data_ptr<float>();
  if (fusion.before.defined()) out.before = static_cast<uint16_t*>(fusion.before.data_ptr());
  multiply(M, N, K, operandOf(a), operandOf(b), out);
  return y;
}

// The library's products divide their work by the number of threads, and then the sums with it. So the result is cut at
// places that its size alone decides, and each part is the work of one thread: within a parallel region BLAS and oneDNN
// stay single-threaded.
constexpr int64_t kPartRows = 512, kPartColumns = 1024;
// Parts come in a multiple of this, so that few threads have equal shares, and begin at a multiple of the rows and
// columns of a library's kernel.
constexpr int64_t kShares = 4, kStep = 16;
// Multiplications up to which no library takes a second thread, nor is one worth it.
constexpr int64_t kSmall = 1 << 13;

int64_t partsOf(int64_t size, int64_t part) { return (size + part - 1) / part; }

// Calls work(row, rows, column, columns) for every part of an (M, N) result of sums over K.
template <typename Work>
void inParts(int64_t M, int64_t N, int64_t K, const Work& work) {
  if (M * N * K <= kSmall) return work(0, M, 0, N);
  int64_t down = partsOf(M, kPartRows), across = partsOf(N, kPartColumns);
  while (down * across % kShares != 0) (N >= M ? across : down)++;
  const int64_t rows = partsOf(partsOf(M, down), kStep) * kStep, columns = partsOf(partsOf(N, across), kStep) * kStep;
  at::parallel_for(0, down * across, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      const int64_t row = part / across * rows, column = part % across * columns;
      if (row < M && column < N) work(row, std::min(rows, M - row), column, std::min(columns, N - column));
    }
  });
}

at::Tensor libraryProduct(const at::Tensor& a, const at::Tensor& b) {
  const int64_t M = a.size(0), N = b.size(1), K = a.size(1);
  const at::Tensor y = at::empty({M, N}, a.options());
  if (M == 0 || N == 0 || K == 0) return y.zero_();
  // Over many rows of a transposed left operand OpenBLAS is the faster.
  const Sgemm oneDnn = a.scalar_type() == at::kFloat && !isTransposed(a) && M >= kFewRows ? sgemm() : nullptr;
  const int64_t acrossB = isTransposed(b) ? rowStride(b) : 1;
  inParts(M, N, K, [&](int64_t row, int64_t rows, int64_t column, int64_t columns) {
    if (oneDnn == nullptr) {
      const at::AutoDispatchBelowAutograd noGradient;  // the guard of the caller holds for its thread only
      at::Tensor part = y.narrow(0, row, rows).narrow(1, column, columns);
      at::mm_out(part, a.narrow(0, row, rows), b.narrow(1, column, columns));
      return;
    }
    const int status =
        oneDnn('N', isTransposed(b) ? 'T' : 'N', rows, columns, K, 1.0f, a.data_ptr<float>() + row * rowStride(a),
               rowStride(a), b.data_ptr<float>() + column * acrossB, rowStride(b), 0.0f,
               y.data_ptr<float>() + row * N + column, N);
    TORCH_CHECK(status == 0, "oneDNN's sgemm failed with status ", status);
  });
  return y;
}

}  // namespace

bool hasFusedProducts(const at::Tensor& a) {
  return a.is_cpu() && a.scalar_type() == at::kBFloat16 && hasFastProducts() && a.numel() >= kFewRows * a.size(-1);
}

at::Tensor product(const at::Tensor& left, const at::Tensor& right, at::ScalarType dtype, const Fusion& fusion) {
  const auto isAny = [&](at::ScalarType type) {
    return left.scalar_type() == type || right.scalar_type() == type || dtype == type;
  };
  const bool half = isAny(at::kBFloat16);
  const auto type = half ? at::kBFloat16 : isAny(at::kHalf) ? at::kHalf : left.scalar_type();
  if (!left.is_cpu()) return at::mm(left.to(type), right.to(type)).to(dtype);
  // No library has such products here: what a device would multiply, and round at the end, is multiplied as float32.
  if (type == at::kHalf) {
    const auto rounded = [](const at::Tensor& m) { return oneWay(m.to(at::kHalf).to(at::kFloat)); };
    return libraryProduct(rounded(left), rounded(right)).to(dtype);
  }
  if (!half) {
    return libraryProduct(oneWay(left), oneWay(right.to(type))).to(dtype);
  }
  const auto readable = [](const at::Tensor& m) {
    return oneWay(m.scalar_type() == at::kFloat || m.scalar_type() == at::kBFloat16 ? m : m.to(at::kFloat));
  };
  const at::Tensor a = readable(left), b = readable(right);
  // Without instructions for it bfloat16 is only a way to store.
  const bool few = a.size(0) < kFewRows;
  // Where one side is a vector the library adds up in bfloat16, and loses a tenth of a sum that cancels.
  const bool vector = few && (a.size(0) == 1 || b.size(1) == 1);
  if (!hasFastProducts() || vector) return libraryProduct(oneWay(a.to(at::kFloat)), oneWay(b.to(at::kFloat))).to(dtype);
  if (few) return libraryProduct(a.to(at::kBFloat16), b.to(at::kBFloat16)).to(dtype);
  return fused(a, b, dtype == at::kBFloat16 ? at::kBFloat16 : at::kFloat, fusion).to(dtype);
}

}  // namespace tunan
