// The parts of a transformer block, as one kernel calls another; each is described where it is defined.
#pragma once
#include <ATen/ATen.h>

namespace tunan {

using OptionalTensor = c10::optional<at::Tensor>;

// affine.cc: weight (K, M) for affine, (M, K) for linear.
at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias);
at::Tensor affineGelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
at::Tensor affineResidual(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                          const OptionalTensor& bias);
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias);
at::Tensor linearResidual(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
                          const OptionalTensor& bias);

// int8-linear.cc
at::Tensor linearInt8(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scale,
                      const OptionalTensor& bias, bool gelu, const OptionalTensor& residual);

// layer-norm.cc, rms-norm.cc: dtype of the result, x's where absent.
at::Tensor layerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                     c10::optional<int64_t> dtype);
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon, c10::optional<int64_t> dtype);

// rotary.cc
at::Tensor rotary(const at::Tensor& x, const at::Tensor& positions, at::ArrayRef<double> frequencies,
                  const OptionalTensor& weight, double epsilon);

// swiglu.cc
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

// cached-attention.cc
at::Tensor attendCached(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, at::TensorList slabs,
                        const at::Tensor& segments, const at::Tensor& blocks, int64_t layer);

}  // namespace tunan
