// Matrix products of tensors on the CPU by the fastest way there is for their types, this processor and the libraries
// loaded.
#pragma once
#include <ATen/ATen.h>

namespace tunan {

// What is done to the sums before they are stored. Only where hasFusedProducts(a, …) says so.
struct Fusion {
  at::Tensor bias = {};      // (N) float32, added
  at::Tensor residual = {};  // (M, N) float32, added; may be the result itself, which then accumulates
  at::Tensor before = {};    // (M, N) bfloat16: takes the sum, and the result is gelu_tanh of it
  at::Tensor result = {};    // (M, N): where to store; a new tensor where absent
};

// Whether product() of a by a float32 or bfloat16 matrix fuses: bfloat16 on a processor with instructions for it.
bool hasFusedProducts(const at::Tensor& a);

// a (M, K) · b (K, N) → (M, N) of `dtype`. Either may be a transposed view. Where a, b or the result is bfloat16 or
// float16 both operands are rounded to it, with float32 sums; else the products are in a's type.
at::Tensor product(const at::Tensor& a, const at::Tensor& b, at::ScalarType dtype, const Fusion& fusion = {});

}  // namespace tunan
