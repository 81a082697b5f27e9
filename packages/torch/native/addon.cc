// The module: what libtorch is here, threads, random state, and the parts of the other files.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <napi.h>
#include <torch/csrc/api/include/torch/version.h>

#include <mutex>

#include "allocator.h"
#include "call-operator.h"
#include "collectives/binding.h"
#include "device-graph.h"
#include "guard.h"
#include "host-data.h"
#include "kernels/blas-core.h"
#include "kernels/cpu-path.h"
#include "tensor-handle.h"

namespace tunan {
namespace {

Napi::Value engineInfo(const Napi::CallbackInfo& info) {
  return guarded(info, "engineInfo", [&]() -> Napi::Value {
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("version", Napi::String::New(info.Env(), TORCH_VERSION));
    out.Set("configuration", Napi::String::New(info.Env(), at::show_config()));
    out.Set("parallel", Napi::String::New(info.Env(), at::get_parallel_info()));
    out.Set("cudaDevices",
            Napi::Number::New(info.Env(), at::hasCUDA() ? double(at::detail::getCUDAHooks().getNumGPUs()) : 0.0));
    out.Set("kernels", Napi::String::New(info.Env(), cpuPathName(cpuPath())));
    out.Set("blasCore", Napi::String::New(info.Env(), blasCore()));
    out.Set("oneDnn", Napi::Boolean::New(info.Env(), at::hasMKLDNN()));
    return out;
  });
}

Napi::Value threads(const Napi::CallbackInfo& info) {
  return guarded(info, "threads", [&]() -> Napi::Value {
    if (info.Length() > 0) at::set_num_threads(info[0].ToNumber().Int32Value());
    return Napi::Number::New(info.Env(), at::get_num_threads());
  });
}

Napi::Value manualSeed(const Napi::CallbackInfo& info) {
  return guarded(info, "manualSeed", [&]() -> Napi::Value {
    at::manual_seed(uint64_t(info[0].ToNumber().Int64Value()));
    return info.Env().Undefined();
  });
}

Napi::Value randomState(const Napi::CallbackInfo& info) {
  return guarded(info, "randomState", [&]() -> Napi::Value {
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    if (info.Length() > 0) {
      generator.set_state(unwrapTensor(info[0]));
      return info.Env().Undefined();
    }
    return wrapTensor(info.Env(), generator.get_state());
  });
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  static std::once_flag once;
  std::call_once(once, chooseBlasCore);
  exportAllocator(env, exports);
  exportTensorHandle(env, exports);
  exportCallOperator(env, exports);
  exportHostData(env, exports);
#ifdef TUNAN_DISTRIBUTED
  exportGroups(env, exports);
#endif
#ifdef TUNAN_CUDA
  exportDeviceGraphs(env, exports);
#endif
  exports.Set("engineInfo", Napi::Function::New(env, engineInfo));
  exports.Set("threads", Napi::Function::New(env, threads));
  exports.Set("manualSeed", Napi::Function::New(env, manualSeed));
  exports.Set("randomState", Napi::Function::New(env, randomState));
  return exports;
}

NODE_API_MODULE(tunan_torch, initialise)

}  // namespace
}  // namespace tunan
