// What the row kernels share: reading and writing elements in a wider type, and sums over rows in a fixed order.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstring>
#include <type_traits>
#include <vector>

#include "vectorise.h"

namespace tunan {

// bfloat16 and float16 as plain bits: c10's conversions carry branches that keep loops from being vectorised. A quiet
// NaN stays NaN.
struct BFloat16 {
  uint16_t bits;
};
// Arithmetic is float32: float16 is a way to store, by the same selections on every processor.
struct Float16 {
  uint16_t bits;
};

template <typename Stored>
struct Wide {
  using type = Stored;
};
template <>
struct Wide<BFloat16> {
  using type = float;
};
template <>
struct Wide<Float16> {
  using type = float;
};
template <typename Stored>
using WideOf = typename Wide<Stored>::type;

TUNAN_INLINE float floatOf(uint32_t bits) {
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
TUNAN_INLINE uint32_t bitsOf(float value) {
  uint32_t out;
  std::memcpy(&out, &value, sizeof out);
  return out;
}

TUNAN_INLINE float load(BFloat16 value) { return floatOf(uint32_t(value.bits) << 16); }
TUNAN_INLINE float load(Float16 value) {
  const uint32_t magnitude = value.bits & 0x7fffu, sign = uint32_t(value.bits & 0x8000u) << 16;
  // The exponent's bias is 15 here and 127 there; infinity and NaN have the largest exponent of both.
  const uint32_t normal = (magnitude << 13) + (magnitude >= 0x7c00u ? 0x70000000u : 0x38000000u);
  // Below 2^-14 it counts in steps of 2^-24, which are those of float32 from 0.5 on.
  const uint32_t small = bitsOf(floatOf(0x3f000000u | magnitude) - 0.5f);
  return floatOf((magnitude < 0x400u ? small : normal) | sign);
}
TUNAN_INLINE float load(float value) { return value; }
TUNAN_INLINE double load(double value) { return value; }

TUNAN_INLINE void store(BFloat16& target, float value) {
  const uint32_t bits = bitsOf(value);
  target.bits = uint16_t((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
// Rounded to the nearest, ties to even; from 65 520 on infinity.
TUNAN_INLINE void store(Float16& target, float value) {
  const uint32_t bits = bitsOf(value), magnitude = bits & 0x7fffffffu, sign = (bits >> 16) & 0x8000u;
  const uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  const uint32_t small = bitsOf(floatOf(magnitude < 0x38800000u ? magnitude : 0u) + 0.5f) - 0x3f000000u;
  const uint32_t finite = magnitude < 0x38800000u ? small : normal;
  const uint32_t large = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  target.bits = uint16_t((magnitude >= 0x477ff000u ? large : finite) | sign);
}
TUNAN_INLINE void store(float& target, float value) { target = value; }
TUNAN_INLINE void store(double& target, double value) { target = value; }

template <typename Stored>
Stored* dataOf(const at::Tensor& tensor) {
  return static_cast<Stored*>(tensor.data_ptr());
}

// Calls body(Stored{}) with the storage type of a dtype.
template <typename Body>
void dispatchStored(at::ScalarType dtype, const char* operation, Body&& body) {
  switch (dtype) {
    case at::kFloat:
      return body(float{});
    case at::kDouble:
      return body(double{});
    case at::kBFloat16:
      return body(BFloat16{});
    case at::kHalf:
      return body(Float16{});
    default:
      TORCH_CHECK(false, operation, ": dtype ", dtype, " is not supported on the CPU");
  }
}

// Whether tensors of both are combined: one of float16 stands beside its own kind and float32.
template <typename One, typename Other>
constexpr bool kCombined =
    std::is_same<One, Other>::value || std::is_same<One, float>::value || std::is_same<Other, float>::value ||
    !(std::is_same<One, Float16>::value || std::is_same<Other, Float16>::value);

// Calls body(one's storage type, the other's).
template <typename Body>
void dispatchPair(at::ScalarType one, at::ScalarType other, const char* operation, Body&& body) {
  dispatchStored(one, operation, [&](auto stored) {
    using One = decltype(stored);
    dispatchStored(other, operation, [&](auto storedOther) {
      if constexpr (kCombined<One, decltype(storedOther)>) {
        body(One{}, storedOther);
      } else {
        TORCH_CHECK(false, operation, ": ", one, " beside ", other, " is not supported on the CPU");
      }
    });
  });
}

// Rows per piece of a column sum; fixed, so that the order of additions does not depend on the number of threads.
constexpr int64_t kRowsPerPiece = 64;

// Calls body(first row, last row, partial sums (C)) for each piece of rows, in parallel, and adds the partial sums in
// order into a tensor of the given dtype.
template <typename Real, typename Body>
at::Tensor columnSums(int64_t rows, int64_t C, at::ScalarType dtype, Body&& body) {
  const int64_t pieces = std::max<int64_t>(1, (rows + kRowsPerPiece - 1) / kRowsPerPiece);
  std::vector<Real> partial(size_t(pieces * C), Real(0));
  at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; piece++) {
      const int64_t first = piece * kRowsPerPiece;
      body(first, std::min(rows, first + kRowsPerPiece), partial.data() + piece * C);
    }
  });
  at::Tensor out =
      at::empty({C}, at::TensorOptions().dtype(std::is_same<Real, double>::value ? at::kDouble : at::kFloat));
  Real* sums = dataOf<Real>(out);
  std::fill(sums, sums + C, Real(0));
  for (int64_t piece = 0; piece < pieces; piece++) {
    const Real* part = partial.data() + piece * C;
    for (int64_t j = 0; j < C; j++) sums[j] += part[j];
  }
  return out.to(dtype);
}

struct AddRowsUp {
  template <typename Stored>
  static TUNAN_INLINE void run(const Stored* x, int64_t first, int64_t last, int64_t stride, int64_t C,
                               WideOf<Stored>* __restrict__ sums) {
    for (int64_t i = first; i < last; i++) {
      for (int64_t j = 0; j < C; j++) sums[j] += load(x[i * stride + j]);
    }
  }
};

// The sum over all rows of x (…, C), contiguous.
inline at::Tensor sumOverRows(const at::Tensor& x, at::ScalarType dtype) {
  if (!x.is_cpu()) return x.reshape({-1, x.size(-1)}).sum(0).to(dtype);
  const int64_t C = x.size(-1), rows = C == 0 ? 0 : x.numel() / C;
  at::Tensor out;
  dispatchStored(x.scalar_type(), "bias gradient", [&](auto stored) {
    using Stored = decltype(stored);
    const Stored* data = dataOf<Stored>(x);
    out = columnSums<WideOf<Stored>>(rows, C, dtype, [&](int64_t first, int64_t last, WideOf<Stored>* sums) {
      vectorised<AddRowsUp>(data, first, last, C, C, sums);
    });
  });
  return out;
}

}  // namespace tunan
