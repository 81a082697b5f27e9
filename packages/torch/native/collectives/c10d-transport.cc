#include "c10d-transport.h"

#include <torch/csrc/api/include/torch/version.h>

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO  // the headers hide the class without it; that the library holds it was checked by CMake
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef TUNAN_NCCL
#define USE_C10D_NCCL
#include <c10/cuda/CUDAFunctions.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <cstdlib>
#include <optional>

#include "../guard.h"

namespace tunan {
namespace {

#if TORCH_VERSION_MAJOR >= 2
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

c10d::ReduceOp opOf(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return c10d::ReduceOp::SUM;
    case Reduction::kAverage:
      return c10d::ReduceOp::AVG;
    case Reduction::kMaximum:
      return c10d::ReduceOp::MAX;
    case Reduction::kMinimum:
      return c10d::ReduceOp::MIN;
  }
  throw UsageError("there is no such reduction");
}

// Of a collective: its thread wakes up those that wait, who may look again after any time.
class CollectiveRequest : public Request {
 public:
  explicit CollectiveRequest(c10::intrusive_ptr<c10d::Work> work) : work_(std::move(work)) {}
  bool done() override { return work_->isCompleted(); }
  bool wait(std::chrono::milliseconds limit) override {
    try {
      return work_->wait(limit);
    } catch (...) {
      if (!work_->isCompleted()) return false;
      throw;
    }
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
};

// Of a message: Gloo breaks all connections where the time of one wait is over, so it is waited for once.
class MessageRequest : public CollectiveRequest {
 public:
  MessageRequest(c10::intrusive_ptr<c10d::Work> work, at::Tensor tensor)
      : CollectiveRequest(work), message_(std::move(work)), tensor_(std::move(tensor)) {}
  bool wait(std::chrono::milliseconds limit) override {
    if (!message_->wait(limit)) throw UsageError("the wait was ended");
    return true;
  }
  // Gloo's messages know no other way to ask than to wait.
  bool done() override { return false; }
  void abort() override { message_->abort(); }
  bool sliced() const override { return false; }

 private:
  c10::intrusive_ptr<c10d::Work> message_;
  at::Tensor tensor_;
};

// Of NCCL: what this thread begins on the device afterwards waits, not this thread.
class DeviceRequest : public Request {
 public:
  explicit DeviceRequest(c10::intrusive_ptr<c10d::Work> work) : work_(std::move(work)) {}
  bool done() override { return work_->isCompleted(); }
  bool wait(std::chrono::milliseconds) override {
    work_->synchronize();
    return true;
  }

 private:
  c10::intrusive_ptr<c10d::Work> work_;
};

// Gloo's reductions know neither bfloat16 nor averages; NCCL's know both.
class C10dTransport : public Transport {
 public:
  // `device` is the CUDA device of NCCL; Gloo has none.
  C10dTransport(c10::intrusive_ptr<Backend> group, int rank, int size, std::optional<int> device)
      : group_(std::move(group)), rank_(rank), size_(size), device_(device) {}
  std::string name() const override { return native() ? "nccl" : "gloo"; }
  bool native() const override { return device_.has_value(); }

  // NCCL makes a connection at the first use and holds the thread until the other rank comes there. Groups are opened in one order by all
  // ranks, so here nobody waits in a circle; in the midst of a pipeline's schedule two could.
  std::unique_ptr<Request> open() override {
    if (!native() || size_ != 2) return nullptr;
    const at::Tensor one = at::zeros({1}, at::TensorOptions(at::Device(at::kCUDA, c10::DeviceIndex(*device_))));
    return rank_ == 0 ? send(one, 1, 0) : receive(one, 0, 0);
  }

  std::unique_ptr<Request> allReduce(at::Tensor tensor, Reduction reduction) override {
    std::vector<at::Tensor> tensors{std::move(tensor)};
    c10d::AllreduceOptions options;
    options.reduceOp = opOf(reduction);
    return collective(group_->allreduce(tensors, options));
  }

  std::unique_ptr<Request> allGather(at::Tensor out, at::Tensor in) override {
    std::vector<std::vector<at::Tensor>> outputs{out.chunk(size_)};
    std::vector<at::Tensor> inputs{std::move(in)};
    return collective(group_->allgather(outputs, inputs));
  }

  std::unique_ptr<Request> allToAll(at::Tensor out, at::Tensor in) override {
    std::vector<int64_t> outputCounts, inputCounts;
    return collective(group_->alltoall_base(out, in, outputCounts, inputCounts));
  }

  std::unique_ptr<Request> broadcast(at::Tensor tensor, int root) override {
    std::vector<at::Tensor> tensors{std::move(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    return collective(group_->broadcast(tensors, options));
  }

  std::unique_ptr<Request> send(at::Tensor tensor, int to, int tag) override {
    std::vector<at::Tensor> tensors{tensor};
    return message(group_->send(tensors, to, tag), tensor);
  }

  std::unique_ptr<Request> receive(at::Tensor tensor, int from, int tag) override {
    std::vector<at::Tensor> tensors{tensor};
    return message(group_->recv(tensors, from, tag), tensor);
  }

  std::unique_ptr<Request> barrier() override {
    c10d::BarrierOptions options;
    // Else the device would be guessed from the rank in the group.
    if (native()) options.device_ids = {*device_};
    return collective(group_->barrier(options));
  }

 private:
  std::unique_ptr<Request> collective(c10::intrusive_ptr<c10d::Work> work) const {
    if (native()) return std::make_unique<DeviceRequest>(std::move(work));
    return std::make_unique<CollectiveRequest>(std::move(work));
  }
  std::unique_ptr<Request> message(c10::intrusive_ptr<c10d::Work> work, at::Tensor tensor) const {
    if (native()) return collective(std::move(work));
    return std::make_unique<MessageRequest>(std::move(work), std::move(tensor));
  }

  c10::intrusive_ptr<Backend> group_;
  const int rank_;
  const int64_t size_;
  const std::optional<int> device_;
};

}  // namespace

std::unique_ptr<Transport> glooTransport(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                         std::chrono::milliseconds timeout, bool local) {
  auto options = c10d::ProcessGroupGloo::Options::create();
  options->timeout = timeout;
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && *interface != 0)
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface));
  else if (local)
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  else
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return std::make_unique<C10dTransport>(c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options), rank, size,
                                         std::nullopt);
}

bool hasNccl() {
#ifdef TUNAN_NCCL
  return true;
#else
  return false;
#endif
}

#ifdef TUNAN_NCCL
namespace {

// The layout of c10d's class depends on nccl.h.
void requireSameNccl() {
  const std::string loaded = c10d::getNcclVersion();
  const std::string compiled = std::to_string(NCCL_MAJOR) + "." + std::to_string(NCCL_MINOR) + ".";
  if (loaded.compare(0, compiled.size(), compiled) == 0) return;
  throw UsageError("the addon was compiled with nccl.h of NCCL " + compiled + "x, but NCCL " + loaded +
                   " is loaded: install the headers of that version and run: npx tunan setup");
}

}  // namespace
#endif

std::unique_ptr<Transport> ncclTransport(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                         std::chrono::milliseconds timeout, int device) {
#ifdef TUNAN_NCCL
  requireSameNccl();
  c10::cuda::set_device(c10::DeviceIndex(device));
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return std::make_unique<C10dTransport>(c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options), rank, size,
                                         device);
#else
  throw UsageError("the addon was compiled without NCCL");
#endif
}

}  // namespace tunan
