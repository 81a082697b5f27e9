// x · weight for so few rows that reading the weight is most of the work, as in a step of generation: every weight is
// read once, where it lies and as it is stored, and what follows the product is done on the way.
#pragma once
#include <ATen/ATen.h>

namespace tunan {

struct FewRows {
  at::Tensor scale = {};     // (N) float32, of an int8 weight: what its columns are multiplied by
  at::Tensor bias = {};      // (N), added
  bool gelu = false;         // the tanh approximation of the sum
  at::Tensor residual = {};  // (M, N), added last
};

// Whether productOfFewRows() takes x (M, K) by the weight: on the CPU, one type on both sides, rows that are few, and
// no gradients wanted.
bool isFewRows(const at::Tensor& x, const at::Tensor& weight);

// x (M, K) · weight → (M, N) of x's dtype, or of the residual's. The weight is (K, N), or (N, K) where `outIn` says so.
// int8 where there is a scale, and then of any number of rows. Sums are float32; a row's result depends neither on the
// other rows nor on the number of threads.
at::Tensor productOfFewRows(const at::Tensor& x, const at::Tensor& weight, bool outIn, const FewRows& after);

}  // namespace tunan
