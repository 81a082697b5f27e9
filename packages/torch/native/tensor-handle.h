// How a tensor lives on the JavaScript side: an External that owns one at::Tensor, counted and released on dispose or,
// as a safety net, by the garbage collector.
#pragma once
#include <ATen/ATen.h>
#include <napi.h>

#include <vector>

namespace tunan {

Napi::Value wrapTensor(Napi::Env env, at::Tensor tensor);
// Throws UsageError where the value is no tensor of this addon, or was disposed.
const at::Tensor& unwrapTensor(const Napi::Value& value);
bool isTensorHandle(const Napi::Value& value);
// "(2, 3) float32", on other devices "(2, 3) float32 cuda:0", for messages.
std::string describeTensor(const at::Tensor& tensor);
void exportTensorHandle(Napi::Env env, Napi::Object exports);

// Throw UsageError for fractions, NaN and what is not exact in a JavaScript number.
int64_t wholeNumber(const Napi::Value& value);
std::vector<int64_t> integerList(const Napi::Value& value);

}  // namespace tunan
