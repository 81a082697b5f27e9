// bfloat16 matrix products with float32 sums on processors that have instructions for them (AMX tiles, else
// AVX512-BF16), with what comes after the product done while its block is in the nearest cache. Elsewhere, and for the
// other types, libtorch multiplies.
#pragma once
#include <cstdint>

namespace tunan {

// A matrix in memory: rows of `stride` elements, float32 (rounded when it is packed) or bfloat16. `transposed`: what is
// multiplied is its transpose.
struct Operand {
  const void* data;
  int64_t stride;
  bool wide;  // float32
  bool transposed;
};

// Where the product goes and what is done to it on the way. Exactly one of wide and half is set.
struct Output {
  float* wide = nullptr;
  uint16_t* half = nullptr;
  int64_t stride = 0;               // of wide, half, residual and before, in elements
  const float* bias = nullptr;      // (N), added
  const float* residual = nullptr;  // (M, N), added
  uint16_t* before = nullptr;       // (M, N): takes the sum, and the output becomes gelu of it
};

// Whether multiply() works on this processor.
bool hasFastProducts();

// (M, K) · (K, N) into `output`. Any sizes; deterministic for a given number of threads' split, which never divides K.
void multiply(int64_t M, int64_t N, int64_t K, const Operand& a, const Operand& b, const Output& output);

}  // namespace tunan
