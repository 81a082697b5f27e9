#include "tensor-handle.h"

#include <ATen/core/grad_mode.h>

#include <atomic>
#include <cmath>
#include <sstream>

#include "guard.h"

namespace tunan {
namespace {

constexpr napi_type_tag kTensorTag = {0x74756e616e746f72ULL, 0x63682d68616e646cULL};
std::atomic<int64_t> liveTensors{0};

// What the collector is told of tensor memory. Each call may start a collection, and a training step makes and frees
// gigabytes that the scopes take care of: only a lasting change is told, in steps of this size. One balance a
// JavaScript thread.
constexpr int64_t kToldStep = int64_t(64) << 20;
thread_local int64_t untoldBytes = 0;

void tellCollector(Napi::Env env, int64_t change) {
  untoldBytes += change;
  if (std::abs(untoldBytes) < kToldStep) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, untoldBytes);
  untoldBytes = 0;
}

struct Handle {
  at::Tensor tensor;
  int64_t externalBytes = 0;

  void release(Napi::Env env) {
    if (!tensor.defined()) return;
    tensor.reset();
    liveTensors.fetch_sub(1, std::memory_order_relaxed);
    tellCollector(env, -externalBytes);
    externalBytes = 0;
  }
};

Handle& handleOf(const Napi::Value& value) {
  if (!value.IsExternal()) throw UsageError("expected a tensor");
  auto external = value.As<Napi::External<Handle>>();
  if (!external.CheckTypeTag(&kTensorTag)) throw UsageError("expected a tensor of this addon");
  return *external.Data();
}

// shape, dtype code, device, requiresGrad: all that the TypeScript class caches, in one call.
Napi::Value describe(const Napi::CallbackInfo& info) {
  return guarded(info, "describe", [&]() -> Napi::Value {
    const at::Tensor& tensor = unwrapTensor(info[0]);
    Napi::Array shape = Napi::Array::New(info.Env(), tensor.dim());
    for (int64_t i = 0; i < tensor.dim(); i++)
      shape.Set(uint32_t(i), Napi::Number::New(info.Env(), double(tensor.size(i))));
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("shape", shape);
    out.Set("dtype", Napi::Number::New(info.Env(), int(tensor.scalar_type())));
    out.Set("device", Napi::String::New(info.Env(), tensor.device().str()));
    return out;
  });
}

Napi::Value dispose(const Napi::CallbackInfo& info) {
  return guarded(info, "dispose", [&]() -> Napi::Value {
    handleOf(info[0]).release(info.Env());
    return info.Env().Undefined();
  });
}

Napi::Value liveCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), double(liveTensors.load(std::memory_order_relaxed)));
}

Napi::Value requiresGrad(const Napi::CallbackInfo& info) {
  return guarded(info, "requiresGrad", [&]() -> Napi::Value {
    const at::Tensor& tensor = unwrapTensor(info[0]);
    if (info.Length() > 1) tensor.set_requires_grad(info[1].ToBoolean());
    return Napi::Boolean::New(info.Env(), tensor.requires_grad());
  });
}

Napi::Value gradient(const Napi::CallbackInfo& info) {
  return guarded(info, "grad", [&]() -> Napi::Value {
    const at::Tensor& tensor = unwrapTensor(info[0]);
    if (info.Length() > 1) {
      const at::Tensor set = info[1].IsUndefined() ? at::Tensor() : unwrapTensor(info[1]);
      // libtorch itself does not look, and fails far from here, or broadcasts, at the next backward.
      if (set.defined() && (set.sizes() != tensor.sizes() || set.scalar_type() != tensor.scalar_type() ||
                            set.device() != tensor.device())) {
        throw UsageError("a gradient of " + describeTensor(set) + " does not fit a tensor of " +
                         describeTensor(tensor));
      }
      tensor.mutable_grad() = set;
      return info.Env().Undefined();
    }
    const at::Tensor& grad = tensor.grad();
    return grad.defined() ? wrapTensor(info.Env(), grad) : info.Env().Undefined();
  });
}

Napi::Value backward(const Napi::CallbackInfo& info) {
  return guarded(info, "backward", [&]() -> Napi::Value {
    const at::Tensor& tensor = unwrapTensor(info[0]);
    tensor.backward(info.Length() > 1 && !info[1].IsUndefined() ? unwrapTensor(info[1]) : at::Tensor());
    return info.Env().Undefined();
  });
}

Napi::Value gradMode(const Napi::CallbackInfo& info) {
  const bool before = at::GradMode::is_enabled();
  if (info.Length() > 0) at::GradMode::set_enabled(info[0].ToBoolean());
  return Napi::Boolean::New(info.Env(), before);
}

}  // namespace

Napi::Value wrapTensor(Napi::Env env, at::Tensor tensor) {
  if (!tensor.defined()) return env.Undefined();
  auto* handle = new Handle{std::move(tensor)};
  liveTensors.fetch_add(1, std::memory_order_relaxed);
  // Views share their storage: only the first handle of a storage weighs on the collector.
  if (handle->tensor.is_cpu() && handle->tensor.has_storage() && handle->tensor.storage().use_count() == 1) {
    handle->externalBytes = int64_t(handle->tensor.nbytes());
    tellCollector(env, handle->externalBytes);
  }
  auto external = Napi::External<Handle>::New(env, handle, [](Napi::Env finalEnv, Handle* dead) {
    dead->release(finalEnv);
    delete dead;
  });
  external.TypeTag(&kTensorTag);
  return external;
}

const at::Tensor& unwrapTensor(const Napi::Value& value) {
  Handle& handle = handleOf(value);
  if (!handle.tensor.defined())
    throw UsageError("the tensor was disposed; keep it out of the scope with a return value or keep()");
  return handle.tensor;
}

bool isTensorHandle(const Napi::Value& value) { return value.IsExternal(); }

// libtorch's own names are "Float" and "Long"; these are the ones of our DType.
static std::string dtypeName(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kLong:
      return "int64";
    case at::kInt:
      return "int32";
    case at::kByte:
      return "uint8";
    case at::kBFloat16:
      return "bfloat16";
    case at::kBool:
      return "bool";
    default:
      return c10::toString(dtype);
  }
}

std::string describeTensor(const at::Tensor& tensor) {
  std::ostringstream out;
  out << '(';
  for (int64_t i = 0; i < tensor.dim(); i++) out << (i ? ", " : "") << tensor.size(i);
  out << ") " << dtypeName(tensor.scalar_type());
  if (!tensor.is_cpu()) out << ' ' << tensor.device();
  return out.str();
}

int64_t wholeNumber(const Napi::Value& value) {
  if (!value.IsNumber()) throw UsageError("expected an integer");
  const double number = value.As<Napi::Number>().DoubleValue();
  // Beyond 2^53 a JavaScript number no longer names one integer. The comparison is false for NaN.
  if (!(std::abs(number) <= 9007199254740992.0) || number != std::floor(number)) {
    std::ostringstream text;
    text << "expected an integer, got " << number;
    throw UsageError(text.str());
  }
  return int64_t(number);
}

std::vector<int64_t> integerList(const Napi::Value& value) {
  if (!value.IsArray()) throw UsageError("expected a list of integers");
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> out(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) out[i] = wholeNumber(array.Get(i));
  return out;
}

void exportTensorHandle(Napi::Env env, Napi::Object exports) {
  exports.Set("describe", Napi::Function::New(env, describe));
  exports.Set("dispose", Napi::Function::New(env, dispose));
  exports.Set("liveTensors", Napi::Function::New(env, liveCount));
  exports.Set("requiresGrad", Napi::Function::New(env, requiresGrad));
  exports.Set("gradient", Napi::Function::New(env, gradient));
  exports.Set("backward", Napi::Function::New(env, backward));
  exports.Set("gradMode", Napi::Function::New(env, gradMode));
}

}  // namespace tunan
