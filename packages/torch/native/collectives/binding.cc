// Process groups as JavaScript sees them: a world, groups by number, work to wait for.
#include "binding.h"

#include "../guard.h"
#include "../tensor-handle.h"
#include "c10d-transport.h"
#include "gradient-buckets.h"
#include "group.h"
#include "mpi-transport.h"
#include "world.h"

namespace tunan {
namespace {

constexpr napi_type_tag kWorldTag = {0x74756e616e776f72ULL, 0x6c642d68616e646cULL};
constexpr napi_type_tag kWorkTag = {0x74756e616e776f72ULL, 0x6b2d68616e646c65ULL};
constexpr napi_type_tag kBucketsTag = {0x74756e616e627563ULL, 0x6b65742d68616e64ULL};

template <typename Held>
Napi::Value wrapShared(Napi::Env env, std::shared_ptr<Held> held, const napi_type_tag* tag) {
  auto external = Napi::External<std::shared_ptr<Held>>::New(
      env, new std::shared_ptr<Held>(std::move(held)),
      [](Napi::Env, std::shared_ptr<Held>* dead) { delete dead; });
  external.TypeTag(tag);
  return external;
}

template <typename Held>
Held& unwrapShared(const Napi::Value& value, const napi_type_tag* tag) {
  if (!value.IsExternal()) throw UsageError("expected a handle of process groups");
  auto external = value.As<Napi::External<std::shared_ptr<Held>>>();
  if (!external.CheckTypeTag(tag)) throw UsageError("expected another handle of process groups");
  return **external.Data();
}

std::shared_ptr<World> worldOf(const Napi::Value& value) {
  unwrapShared<World>(value, &kWorldTag);
  return *value.As<Napi::External<std::shared_ptr<World>>>().Data();
}

Napi::Value work(const Napi::CallbackInfo& info, std::shared_ptr<Pending> pending) {
  return wrapShared(info.Env(), std::move(pending), &kWorkTag);
}

std::shared_ptr<Group> groupAt(const Napi::CallbackInfo& info) { return groupOf(wholeNumber(info[0])); }

Reduction reductionOf(const Napi::Value& value) {
  const int64_t code = wholeNumber(value);
  if (code < 0 || code > 3) throw UsageError("there is no reduction of code " + std::to_string(code));
  return Reduction(code);
}

// meet(host, port, rank, size, holdsStore, device, timeout, silence in ms)
Napi::Value meet(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    WorldOptions options;
    options.host = info[0].ToString();
    options.port = uint16_t(wholeNumber(info[1]));
    options.rank = int(wholeNumber(info[2]));
    options.size = int(wholeNumber(info[3]));
    options.holdsStore = info[4].ToBoolean();
    options.device = int(wholeNumber(info[5]));
    options.timeout = std::chrono::milliseconds(wholeNumber(info[6]));
    options.silence = std::chrono::milliseconds(wholeNumber(info[7]));
    // Never destroyed: what runs in c10d's threads may outlive everything here.
    auto* kept = new std::shared_ptr<World>(std::make_shared<World>(options));
    return wrapShared(info.Env(), *kept, &kWorldTag);
  });
}

// loadMpi(path of tunan_mpi.so)
Napi::Value loadMpi(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    tunan::loadMpi(info[0].ToString());
    return info.Env().Undefined();
  });
}

// group(world, name, ranks, 'gloo' | 'nccl' | 'mpi') → number
Napi::Value group(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    auto world = worldOf(info[0]);
    const WorldOptions& options = world->options();
    const std::string name = info[1].ToString();
    const std::string backend = info[3].ToString();
    std::vector<int> ranks;
    int own = -1;
    for (int64_t rank : integerList(info[2])) {
      if (rank == options.rank) own = int(ranks.size());
      ranks.push_back(int(rank));
    }
    if (own < 0) throw UsageError("rank " + std::to_string(options.rank) + " is not of the group " + name);
    std::unique_ptr<Transport> transport;
    if (ranks.size() > 1) {
      auto store = world->storeFor(name + "/" + backend);
      const bool local = options.host == "localhost" || options.host.compare(0, 4, "127.") == 0;
      // Who waits is told for whom by us; the transport itself is never to give up before.
      const auto limit = std::chrono::hours(24 * 7);
      if (backend == "mpi")
        transport = mpiTransport(ranks, options.rank, options.size);
      else if (backend == "nccl")
        transport = ncclTransport(store, own, int(ranks.size()), limit, options.device);
      else
        transport = glooTransport(store, own, int(ranks.size()), limit, local);
    }
    auto made = std::make_shared<Group>(world, name, std::move(ranks), std::move(transport));
    made->open();
    return Napi::Number::New(info.Env(), double(keepGroup(std::move(made))));
  });
}

Napi::Value allReduce(const Napi::CallbackInfo& info) {
  return guarded(info, "all-reduce",
                 [&] { return work(info, groupAt(info)->allReduce(unwrapTensor(info[1]), reductionOf(info[2]))); });
}

Napi::Value allGather(const Napi::CallbackInfo& info) {
  return guarded(info, "all-gather",
                 [&] { return work(info, groupAt(info)->allGather(unwrapTensor(info[1]), unwrapTensor(info[2]))); });
}

Napi::Value reduceScatter(const Napi::CallbackInfo& info) {
  return guarded(info, "reduce-scatter", [&] {
    return work(info, groupAt(info)->reduceScatter(unwrapTensor(info[1]), unwrapTensor(info[2]), reductionOf(info[3])));
  });
}

Napi::Value broadcast(const Napi::CallbackInfo& info) {
  return guarded(info, "broadcast", [&] {
    return work(info, groupAt(info)->broadcast(unwrapTensor(info[1]), int(wholeNumber(info[2]))));
  });
}

Napi::Value send(const Napi::CallbackInfo& info) {
  return guarded(info, "send", [&] {
    return work(info,
                groupAt(info)->send(unwrapTensor(info[1]), int(wholeNumber(info[2])), int(wholeNumber(info[3]))));
  });
}

Napi::Value receive(const Napi::CallbackInfo& info) {
  return guarded(info, "receive", [&] {
    return work(info,
                groupAt(info)->receive(unwrapTensor(info[1]), int(wholeNumber(info[2])), int(wholeNumber(info[3]))));
  });
}

Napi::Value barrier(const Napi::CallbackInfo& info) {
  return guarded(info, "barrier", [&] { return work(info, groupAt(info)->barrier()); });
}

Napi::Value wait(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    unwrapShared<Pending>(info[0], &kWorkTag).wait(info[1].ToBoolean());
    return info.Env().Undefined();
  });
}

Napi::Value done(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    return Napi::Boolean::New(info.Env(), unwrapShared<Pending>(info[0], &kWorkTag).done());
  });
}

// traffic(group) → [collectives begun, bytes of their tensors and of messages sent]
Napi::Value traffic(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    const auto found = groupAt(info);
    Napi::Array out = Napi::Array::New(info.Env(), 2);
    out.Set(0u, Napi::Number::New(info.Env(), double(found->collectives())));
    out.Set(1u, Napi::Number::New(info.Env(), double(found->bytes())));
    return out;
  });
}

// delay(group, microseconds of every message)
Napi::Value delay(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    const int64_t microseconds = wholeNumber(info[1]);
    if (microseconds < 0) throw UsageError("a delay is not below 0");
    groupAt(info)->delay(microseconds);
    return info.Env().Undefined();
  });
}

// delays(group) → [microseconds added, microseconds waited for]
Napi::Value delays(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    const auto found = groupAt(info);
    Napi::Array out = Napi::Array::New(info.Env(), 2);
    out.Set(0u, Napi::Number::New(info.Env(), double(found->added())));
    out.Set(1u, Napi::Number::New(info.Env(), double(found->waited())));
    return out;
  });
}

Napi::Value drop(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    dropGroup(wholeNumber(info[0]));
    return info.Env().Undefined();
  });
}

// fail(world, message) → what was told first
Napi::Value fail(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    return Napi::String::New(info.Env(), worldOf(info[0])->fail(info[1].ToString()));
  });
}

Napi::Value leave(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    groupAt(info)->leave();
    return info.Env().Undefined();
  });
}

Napi::Value watchNumbers(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    worldOf(info[0])->numbers() = NumberWatch{true, false, false};
    return info.Env().Undefined();
  });
}

// watchedNumbers(world) → [gave a bad one before one came, got one]; the watch is over
Napi::Value watchedNumbers(const Napi::CallbackInfo& info) {
  return guarded(info, "process group", [&]() -> Napi::Value {
    NumberWatch& numbers = worldOf(info[0])->numbers();
    numbers.on = false;
    Napi::Array out = Napi::Array::New(info.Env(), 2);
    out.Set(0u, Napi::Boolean::New(info.Env(), numbers.gave));
    out.Set(1u, Napi::Boolean::New(info.Env(), numbers.got));
    return out;
  });
}

std::vector<at::Tensor> tensorList(const Napi::Value& value) {
  if (!value.IsArray()) throw UsageError("expected a list of tensors");
  const auto array = value.As<Napi::Array>();
  std::vector<at::Tensor> out;
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(unwrapTensor(array.Get(i)));
  return out;
}

// buckets(group, parameters in the order of their gradients, owner of each or [], bytes of a bucket)
Napi::Value buckets(const Napi::CallbackInfo& info) {
  return guarded(info, "gradient buckets", [&]() -> Napi::Value {
    std::vector<int> owners;
    for (int64_t owner : integerList(info[2])) owners.push_back(int(owner));
    return wrapShared(info.Env(),
                      GradientBuckets::make(groupAt(info), tensorList(info[1]), std::move(owners), wholeNumber(info[3])),
                      &kBucketsTag);
  });
}

Napi::Value arm(const Napi::CallbackInfo& info) {
  return guarded(info, "gradient buckets", [&]() -> Napi::Value {
    unwrapShared<GradientBuckets>(info[0], &kBucketsTag).arm();
    return info.Env().Undefined();
  });
}

Napi::Value reduceGradients(const Napi::CallbackInfo& info) {
  return guarded(info, "gradient buckets", [&]() -> Napi::Value {
    unwrapShared<GradientBuckets>(info[0], &kBucketsTag).finish();
    return info.Env().Undefined();
  });
}

Napi::Value gatherParameters(const Napi::CallbackInfo& info) {
  return guarded(info, "gradient buckets", [&]() -> Napi::Value {
    unwrapShared<GradientBuckets>(info[0], &kBucketsTag).gatherParameters();
    return info.Env().Undefined();
  });
}

}  // namespace

void exportGroups(Napi::Env env, Napi::Object exports) {
  Napi::Object out = Napi::Object::New(env);
  const auto set = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    out.Set(name, Napi::Function::New(env, function));
  };
  out.Set("hasNccl", Napi::Boolean::New(env, hasNccl()));
  set("meet", meet);
  set("loadMpi", loadMpi);
  set("group", group);
  set("allReduce", allReduce);
  set("allGather", allGather);
  set("reduceScatter", reduceScatter);
  set("broadcast", broadcast);
  set("send", send);
  set("receive", receive);
  set("barrier", barrier);
  set("wait", wait);
  set("done", done);
  set("traffic", traffic);
  set("delay", delay);
  set("delays", delays);
  set("drop", drop);
  set("fail", fail);
  set("leave", leave);
  set("watchNumbers", watchNumbers);
  set("watchedNumbers", watchedNumbers);
  set("buckets", buckets);
  set("arm", arm);
  set("reduceGradients", reduceGradients);
  set("gatherParameters", gatherParameters);
  exports.Set("groups", out);
}

}  // namespace tunan
