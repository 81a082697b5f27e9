// What moves bytes between the processes of one group. c10d's process groups fill it (c10d-transport.cc), and MPI (mpi-transport.cc);
// everything that is the same for all of them (dtypes, averages, counting, waiting, errors that name a rank) stands above it, in group.cc.
#pragma once
#include <ATen/ATen.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace tunan {

enum class Reduction { kSum = 0, kAverage = 1, kMaximum = 2, kMinimum = 3 };

// One operation that is under way. It keeps its tensors alive.
class Request {
 public:
  virtual ~Request() = default;
  virtual bool done() = 0;
  // False where the time is over and it is not done; throws where it failed or was aborted.
  virtual bool wait(std::chrono::milliseconds limit) = 0;
  // Wakes up a thread that waits; for operations that cannot be waited for in slices.
  virtual void abort() {}
  // Whether wait() may be called again after its time was over.
  virtual bool sliced() const { return true; }
};

// Tensors are contiguous; those that are only moved come as bytes or as any dtype, those of allReduce as float32, float64 or int64 (with
// `native()` also as they are).
class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::string name() const = 0;
  // Whether it reduces every dtype itself, averages included.
  virtual bool native() const = 0;
  // Meets the others of the group; nothing where the constructor has done that.
  virtual std::unique_ptr<Request> open() { return nullptr; }
  virtual std::unique_ptr<Request> allReduce(at::Tensor tensor, Reduction reduction) = 0;
  // out (size x n) of in (n), bytes.
  virtual std::unique_ptr<Request> allGather(at::Tensor out, at::Tensor in) = 0;
  // The i-th of `size` equal parts of `in` goes to rank i; bytes.
  virtual std::unique_ptr<Request> allToAll(at::Tensor out, at::Tensor in) = 0;
  virtual std::unique_ptr<Request> broadcast(at::Tensor tensor, int root) = 0;
  virtual std::unique_ptr<Request> send(at::Tensor tensor, int to, int tag) = 0;
  virtual std::unique_ptr<Request> receive(at::Tensor tensor, int from, int tag) = 0;
  virtual std::unique_ptr<Request> barrier() = 0;
  // Whether all ranks of the run must end together; then end() is called when they are there.
  virtual bool endsTogether() const { return false; }
  virtual void end() {}
};

}  // namespace tunan
