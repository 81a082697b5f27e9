#include "device-graph.h"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>
#include <optional>

#include "guard.h"

namespace tunan {
namespace {

constexpr napi_type_tag kGraphTag = {0x74756e616e677261ULL, 0x70682d68616e646cULL};

// Graphs run one behind the other on one stream and leave nothing in their memory that another needs, so all have one pool.
std::optional<decltype(at::cuda::graph_pool_handle())> pool;

at::cuda::CUDAGraph& graphOf(const Napi::Value& value) {
  if (!value.IsExternal()) throw UsageError("expected a graph");
  auto external = value.As<Napi::External<at::cuda::CUDAGraph>>();
  if (!external.CheckTypeTag(&kGraphTag)) throw UsageError("expected a graph");
  return *external.Data();
}

// useStream(device): from now on this thread begins its work on a stream of its own. The default stream, on which nothing can be recorded, is
// left for good: what autograd has noted of the parameters' stream would otherwise be another one than that of the recording.
Napi::Value useStream(const Napi::CallbackInfo& info) {
  return guarded(info, "graph", [&]() -> Napi::Value {
    const auto device = c10::DeviceIndex(info[0].ToNumber().Int32Value());
    c10::cuda::set_device(device);
    const auto before = at::cuda::getCurrentCUDAStream(device);
    const auto own = at::cuda::getStreamFromPool(false, device);
    at::cuda::CUDAEvent done;
    done.record(before);
    done.block(own);
    at::cuda::setCurrentCUDAStream(own);
    return info.Env().Undefined();
  });
}

// begin() → a graph; what follows is recorded and not done.
Napi::Value begin(const Napi::CallbackInfo& info) {
  return guarded(info, "graph", [&]() -> Napi::Value {
    if (!pool) pool = at::cuda::graph_pool_handle();
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    // Threads that watch over NCCL ask CUDA meanwhile, which is none of the recording's business.
    graph->capture_begin(*pool, cudaStreamCaptureModeThreadLocal);
    auto external = Napi::External<at::cuda::CUDAGraph>::New(info.Env(), graph.release(),
                                                             [](Napi::Env, at::cuda::CUDAGraph* dead) { delete dead; });
    external.TypeTag(&kGraphTag);
    return external;
  });
}

Napi::Value end(const Napi::CallbackInfo& info) {
  return guarded(info, "graph", [&]() -> Napi::Value {
    graphOf(info[0]).capture_end();
    return info.Env().Undefined();
  });
}

Napi::Value replay(const Napi::CallbackInfo& info) {
  return guarded(info, "graph", [&]() -> Napi::Value {
    graphOf(info[0]).replay();
    return info.Env().Undefined();
  });
}

// Gives the memory of a graph back that is not replayed any more.
Napi::Value drop(const Napi::CallbackInfo& info) {
  return guarded(info, "graph", [&]() -> Napi::Value {
    graphOf(info[0]).reset();
    return info.Env().Undefined();
  });
}

}  // namespace

void exportDeviceGraphs(Napi::Env env, Napi::Object exports) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("useStream", Napi::Function::New(env, useStream));
  out.Set("begin", Napi::Function::New(env, begin));
  out.Set("end", Napi::Function::New(env, end));
  out.Set("replay", Napi::Function::New(env, replay));
  out.Set("drop", Napi::Function::New(env, drop));
  exports.Set("graphs", out);
}

}  // namespace tunan
