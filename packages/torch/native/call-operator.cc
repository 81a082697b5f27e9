// Calls any operator registered with libtorch's dispatcher by its name. Arguments are converted after the operator's
// own schema, so an operation is declared in one place only, the TypeScript table, and our kernels (TORCH_LIBRARY
// "tunan") and libtorch's are called alike. Autograd, devices and dtypes are the dispatcher's matter.
#include "call-operator.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>
#include <deque>
#include <sstream>

#include "guard.h"
#include "tensor-handle.h"

namespace tunan {
namespace {

using c10::IValue;
using c10::TypeKind;

// Resolved operators; the index is what TypeScript keeps. One list a thread: every JavaScript thread loads the table
// anew.
thread_local std::deque<c10::OperatorHandle> resolved;

IValue toNumber(const Napi::Value& value) {
  if (!value.IsNumber()) throw UsageError("expected a number");
  return IValue(value.As<Napi::Number>().DoubleValue());
}

IValue toList(const Napi::Value& value, const c10::TypePtr& element) {
  if (!value.IsArray()) throw UsageError("expected a list");
  const auto array = value.As<Napi::Array>();
  switch (element->kind()) {
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return IValue(integerList(value));
    case TypeKind::TensorType: {
      c10::List<at::Tensor> list;
      list.reserve(array.Length());
      for (uint32_t i = 0; i < array.Length(); i++) list.push_back(unwrapTensor(array.Get(i)));
      return IValue(std::move(list));
    }
    case TypeKind::FloatType: {
      c10::List<double> list;
      for (uint32_t i = 0; i < array.Length(); i++) list.push_back(toNumber(array.Get(i)).toDouble());
      return IValue(std::move(list));
    }
    case TypeKind::OptionalType: {
      c10::List<c10::optional<at::Tensor>> list;
      for (uint32_t i = 0; i < array.Length(); i++) {
        const Napi::Value item = array.Get(i);
        list.push_back(item.IsUndefined() ? c10::optional<at::Tensor>()
                                          : c10::optional<at::Tensor>(unwrapTensor(item)));
      }
      return IValue(std::move(list));
    }
    default:
      throw UsageError("lists of " + element->str() + " are not supported");
  }
}

int64_t toInteger(const Napi::Value& value) {
  if (value.IsBigInt()) {
    bool lossless = false;
    const int64_t out = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) throw UsageError("the integer does not fit 64 bits");
    return out;
  }
  return wholeNumber(value);
}

std::string toText(const Napi::Value& value) {
  if (!value.IsString()) throw UsageError("expected a string");
  return value.As<Napi::String>().Utf8Value();
}

// A Scalar keeps integers integral, so that int64 tensors stay int64 under `add(1)`.
IValue toScalar(const Napi::Value& value) {
  if (value.IsBoolean()) return IValue(value.As<Napi::Boolean>().Value());
  if (value.IsBigInt()) return IValue(toInteger(value));
  const double number = toNumber(value).toDouble();
  if (number == std::floor(number) && std::abs(number) < 9007199254740992.0) return IValue(int64_t(number));
  return IValue(number);
}

IValue toIValue(const Napi::Value& value, const c10::TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::OptionalType:
      if (value.IsUndefined() || value.IsNull()) return IValue();
      return toIValue(value, type->castRaw<c10::OptionalType>()->getElementType());
    case TypeKind::TensorType:
      return IValue(unwrapTensor(value));
    case TypeKind::ListType:
      return toList(value, type->castRaw<c10::ListType>()->getElementType());
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return IValue(toInteger(value));
    case TypeKind::FloatType:
      return toNumber(value);
    case TypeKind::BoolType:
      return IValue(bool(value.ToBoolean()));
    case TypeKind::NumberType:
      return toScalar(value);
    case TypeKind::StringType:
      return IValue(toText(value));
    case TypeKind::DeviceObjType:
      return IValue(c10::Device(toText(value)));
    default:
      throw UsageError("arguments of type " + type->str() + " are not supported");
  }
}

// libtorch takes these codes as they come, and reads past its tables where one is wrong. Tensors of other layouts than
// strided have no memory that a kernel could read.
void requireKnownCode(const std::string& parameter, const IValue& value) {
  if (!value.isInt()) return;
  const int64_t code = value.toInt();
  if (parameter == "dtype") {
    for (const at::ScalarType known :
         {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf, at::kLong, at::kInt, at::kByte, at::kBool}) {
      if (code == int64_t(known)) return;
    }
    throw UsageError("there is no dtype of code " + std::to_string(code));
  }
  if (parameter == "layout" && code != int64_t(at::kStrided)) throw UsageError("only the strided layout is supported");
  if (parameter == "memory_format" && (code < 0 || code > 3))
    throw UsageError("there is no memory format of code " + std::to_string(code));
}

Napi::Value fromIValue(Napi::Env env, IValue&& value) {
  if (value.isTensor()) return wrapTensor(env, std::move(value).toTensor());
  if (value.isNone()) return env.Undefined();
  if (value.isInt()) return Napi::Number::New(env, double(value.toInt()));
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isTensorList()) {
    const std::vector<at::Tensor> list = value.toTensorVector();
    Napi::Array out = Napi::Array::New(env, list.size());
    for (uint32_t i = 0; i < list.size(); i++) out.Set(i, wrapTensor(env, list[i]));
    return out;
  }
  if (value.isScalar()) return Napi::Number::New(env, value.toScalar().toDouble());
  throw UsageError("results of this type are not supported");
}

// "aten::matmul of (2, 3) float32 and (4, 5) float32": what a person needs to see beside libtorch's own sentence.
std::string describeCall(const std::string& name, const Napi::CallbackInfo& info) {
  std::ostringstream out;
  out << name;
  const char* separator = " of ";
  const auto add = [&](const Napi::Value& value) {
    if (!isTensorHandle(value)) return;
    out << separator;
    try {
      out << describeTensor(unwrapTensor(value));
    } catch (const UsageError&) {
      out << "a disposed tensor";
    }
    separator = " and ";
  };
  for (size_t i = 1; i < info.Length(); i++) {
    if (!info[i].IsArray()) {
      add(info[i]);
      continue;
    }
    const auto array = info[i].As<Napi::Array>();
    for (uint32_t j = 0; j < std::min(array.Length(), 4u); j++) add(array.Get(j));
    if (array.Length() > 4 && isTensorHandle(array.Get(0u))) out << ", …";
  }
  return out.str();
}

// libtorch's operators look at the devices of their operands themselves; for our kernels it is done here, once for all
// of them: they read memory through plain pointers.
void requireOneDevice(const torch::jit::Stack& stack) {
  c10::optional<c10::Device> device;
  const auto add = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    if (!tensor.is_cpu() && !tensor.is_cuda())
      throw UsageError("tensors on " + tensor.device().str() + " are not supported");
    if (!device.has_value()) device = tensor.device();
    if (*device != tensor.device())
      throw UsageError("the tensors are on different devices, " + device->str() + " and " + tensor.device().str());
  };
  for (const IValue& value : stack) {
    if (value.isTensor()) add(value.toTensor());
    if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorVector()) add(tensor);
    }
  }
}

// resolve("aten::add.Tensor") → index; throws where this libtorch has no such operator.
Napi::Value resolve(const Napi::CallbackInfo& info) {
  return guarded(info, "resolve", [&]() -> Napi::Value {
    const std::string full = info[0].ToString();
    const size_t dot = full.find('.');
    const c10::OperatorName name(full.substr(0, dot), dot == std::string::npos ? "" : full.substr(dot + 1));
    const auto found = c10::Dispatcher::singleton().findSchema(name);
    if (!found.has_value()) throw UsageError("this libtorch has no operator " + full);
    resolved.push_back(*found);
    return Napi::Number::New(info.Env(), double(resolved.size() - 1));
  });
}

// call(index, ...arguments) → tensor handle, list, number or undefined. Missing trailing arguments take the schema's
// defaults.
Napi::Value call(const Napi::CallbackInfo& info) {
  const uint32_t index = info[0].As<Napi::Number>().Uint32Value();
  const c10::OperatorHandle& op = resolved.at(index);
  const auto& schema = op.schema();
  std::string message;
  try {
    const auto& parameters = schema.arguments();
    if (info.Length() - 1 > parameters.size()) {
      throw UsageError("takes " + std::to_string(parameters.size()) + " arguments, got " +
                       std::to_string(info.Length() - 1));
    }
    torch::jit::Stack stack;
    stack.reserve(parameters.size());
    for (size_t i = 0; i < parameters.size(); i++) {
      const auto& parameter = parameters[i];
      const bool given = i + 1 < info.Length() && !(info[i + 1].IsUndefined() && parameter.default_value().has_value());
      if (given) {
        try {
          stack.push_back(toIValue(info[i + 1], parameter.type()));
          requireKnownCode(parameter.name(), stack.back());
        } catch (const UsageError& error) {
          throw UsageError("argument " + parameter.name() + ": " + error.what());
        }
      } else if (parameter.default_value().has_value()) {
        stack.push_back(*parameter.default_value());
      } else if (parameter.type()->kind() == TypeKind::OptionalType) {
        stack.emplace_back();
      } else {
        throw UsageError("argument " + parameter.name() + " is missing");
      }
    }
    if (schema.name().compare(0, 7, "tunan::") == 0) requireOneDevice(stack);
    op.callBoxed(stack);
    if (stack.empty()) return info.Env().Undefined();
    if (stack.size() == 1) return fromIValue(info.Env(), std::move(stack[0]));
    Napi::Array out = Napi::Array::New(info.Env(), stack.size());
    for (uint32_t i = 0; i < stack.size(); i++) out.Set(i, fromIValue(info.Env(), std::move(stack[i])));
    return out;
  } catch (const Napi::Error&) {
    throw;
  } catch (const c10::Error& error) {
    message = error.what_without_backtrace();
  } catch (const std::exception& error) {
    message = error.what();
  }
  throw Napi::Error::New(info.Env(), describeCall(schema.name(), info) + ": " + message);
}

}  // namespace

void exportCallOperator(Napi::Env env, Napi::Object exports) {
  exports.Set("resolve", Napi::Function::New(env, resolve));
  exports.Set("call", Napi::Function::New(env, call));
}

}  // namespace tunan
