#include "c10d-transport.h"

#include <torch/csrc/api/include/torch/version.h>

#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO  // the headers hide the class without it; that the library holds it was checked by CMake
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef TUNAN_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <cstdlib>

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

// Gloo's reductions know neither bfloat16 nor averages; NCCL's know both.
class C10dTransport : public Transport {
 public:
  C10dTransport(c10::intrusive_ptr<Backend> group, int size, std::string name)
      : group_(std::move(group)), size_(size), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  bool native() const override { return name_ == "nccl"; }

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

  std::unique_ptr<Request> barrier() override { return collective(group_->barrier()); }

 private:
  static std::unique_ptr<Request> collective(c10::intrusive_ptr<c10d::Work> work) {
    return std::make_unique<CollectiveRequest>(std::move(work));
  }
  std::unique_ptr<Request> message(c10::intrusive_ptr<c10d::Work> work, at::Tensor tensor) const {
    if (native()) return collective(std::move(work));
    return std::make_unique<MessageRequest>(std::move(work), std::move(tensor));
  }

  c10::intrusive_ptr<Backend> group_;
  const int64_t size_;
  const std::string name_;
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
  return std::make_unique<C10dTransport>(c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options), size, "gloo");
}

std::unique_ptr<Transport> ncclTransport(c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                                         std::chrono::milliseconds timeout) {
#ifdef TUNAN_NCCL
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return std::make_unique<C10dTransport>(c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options), size, "nccl");
#else
  throw UsageError("this addon was built without NCCL: groups of CUDA tensors need a libtorch with CUDA and nccl.h");
#endif
}

}  // namespace tunan
