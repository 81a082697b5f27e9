#include "product.h"

#include "cpu-path.h"
#include "gemm.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace tunan {
namespace {

// Fewer rows do not pay for packing the right operand: generation goes through the library.
constexpr int64_t kFewRows = 16;

using Sgemm = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float, float*, int64_t);

// oneDNN's sgemm (its C interface is the same in 2.x and 3.x) where libtorch brings it as a library of its own, as Debian's does: that
// libtorch uses a slower BLAS for float32.
Sgemm sgemm() {
#ifdef _WIN32
  return nullptr;
#else
  static const Sgemm found = reinterpret_cast<Sgemm>(dlsym(RTLD_DEFAULT, "dnnl_sgemm"));
  return found;
#endif
}

at::Tensor oneWay(const at::Tensor& m) { return m.stride(1) == 1 || m.stride(0) == 1 ? m : m.contiguous(); }

bool isTransposed(const at::Tensor& m) { return m.stride(1) != 1 && m.stride(0) == 1; }

// A matrix of one row or column may have any stride there.
int64_t rowStride(const at::Tensor& m) { return isTransposed(m) ? std::max(m.stride(1), m.size(0)) : std::max(m.stride(0), m.size(1)); }

Operand operandOf(const at::Tensor& m) { return {m.data_ptr(), rowStride(m), m.scalar_type() == at::kFloat, isTransposed(m)}; }

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

at::Tensor floatProduct(const at::Tensor& a, const at::Tensor& b) {
  const int64_t M = a.size(0), N = b.size(1), K = a.size(1);
  // Over many rows of a transposed left operand OpenBLAS is the faster.
  if (sgemm() == nullptr || isTransposed(a) || M < kFewRows || N == 0 || K == 0) return at::mm(a, b);
  const at::Tensor y = at::empty({M, N}, a.options());
  const int status = sgemm()('N', isTransposed(b) ? 'T' : 'N', M, N, K, 1.0f, a.data_ptr<float>(), rowStride(a), b.data_ptr<float>(), rowStride(b), 0.0f,
                             y.data_ptr<float>(), N);
  TORCH_CHECK(status == 0, "oneDNN's sgemm failed with status ", status);
  return y;
}

}  // namespace

bool hasFusedProducts(const at::Tensor& a) { return a.is_cpu() && a.scalar_type() == at::kBFloat16 && hasFastProducts() && a.numel() >= kFewRows * a.size(-1); }

at::Tensor product(const at::Tensor& left, const at::Tensor& right, at::ScalarType dtype, const Fusion& fusion) {
  const bool half = left.scalar_type() == at::kBFloat16 || right.scalar_type() == at::kBFloat16 || dtype == at::kBFloat16;
  const auto type = half ? at::kBFloat16 : left.scalar_type();
  if (!left.is_cpu()) return at::mm(left.to(type), right.to(type)).to(dtype);
  if (!half) {
    const at::Tensor a = oneWay(left), b = oneWay(right.to(type));
    return (type == at::kFloat ? floatProduct(a, b) : at::mm(a, b)).to(dtype);
  }
  const auto readable = [](const at::Tensor& m) { return oneWay(m.scalar_type() == at::kFloat || m.scalar_type() == at::kBFloat16 ? m : m.to(at::kFloat)); };
  const at::Tensor a = readable(left), b = readable(right);
  // Without instructions for it bfloat16 is only a way to store.
  if (!hasFastProducts()) return floatProduct(oneWay(a.to(at::kFloat)), oneWay(b.to(at::kFloat))).to(dtype);
  if (a.size(0) < kFewRows) return at::mm(a.to(at::kBFloat16), b.to(at::kBFloat16)).to(dtype);
  return fused(a, b, dtype == at::kBFloat16 ? at::kBFloat16 : at::kFloat, fusion).to(dtype);
}

}  // namespace tunan
