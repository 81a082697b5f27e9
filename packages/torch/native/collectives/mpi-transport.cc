// Groups of processes over MPI. One thread makes all calls of MPI: it begins what the others ask for, in their order,
// and moves everything on while they compute. So MPI needs no support of threads, and one that hangs holds up nobody
// but that thread; those who wait look at the world meanwhile, as under Gloo.
#include "mpi-transport.h"

#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "../guard.h"
#include "../mpi/mpi-calls.h"

namespace tunan {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// After the last thing that began or ended the thread looks again at once for so long, after that it naps between two
// looks. Where others want its core, it naps at once, for some time: who wakes up gets the core sooner than who has
// used it up by looking.
constexpr microseconds kLively{500};
constexpr microseconds kNap{50};
constexpr microseconds kOthers{50};
constexpr milliseconds kModest{200};
// For MPI's own end, when all are there.
constexpr milliseconds kEnd{30000};

// What the thread is asked to do.
struct Task {
  // Gives NULL or what went wrong. A task of no operation is done when it comes back.
  std::function<const char*(tunan_mpi_request**)> begin;
  // Lives as long as MPI may touch it.
  std::vector<at::Tensor> tensors;
  tunan_mpi_request* request = nullptr;
  // With the thread's mutex held.
  bool done = false;
  std::string failure;
};

class MpiThread {
 public:
  explicit MpiThread(const tunan_mpi_calls* calls) : calls(*calls) {
    thread_ = std::thread([this] { run(); });
  }

  std::shared_ptr<Task> give(Task task) {
    auto kept = std::make_shared<Task>(std::move(task));
    std::lock_guard<std::mutex> lock(mutex_);
    given_.push_back(kept);
    unfinished_++;
    wake_.notify_one();
    return kept;
  }

  bool done(const Task& task) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!task.failure.empty()) throw UsageError(task.failure);
    return task.done;
  }

  bool wait(const Task& task, milliseconds limit) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!done_.wait_for(lock, limit, [&] { return task.done || !task.failure.empty(); })) return false;
    if (!task.failure.empty()) throw UsageError(task.failure);
    return true;
  }

  bool isIdle() {
    std::lock_guard<std::mutex> lock(mutex_);
    return unfinished_ == 0;
  }

  // The thread calls MPI no more. False where it is in a call that does not come back.
  bool stop(milliseconds limit) {
    std::unique_lock<std::mutex> lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
    return done_.wait_for(lock, limit, [&] { return stopped_; });
  }

  const tunan_mpi_calls calls;

 private:
  void run() {
    std::deque<std::shared_ptr<Task>> active;
    auto lively = Clock::now(), modest = lively;
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopping_) {
      if (given_.empty() && active.empty()) wake_.wait(lock, [&] { return stopping_ || !given_.empty(); });
      std::deque<std::shared_ptr<Task>> begun;
      begun.swap(given_);
      lock.unlock();
      bool moved = !begun.empty();
      for (auto& task : begun) {
        const char* error = task->begin(&task->request);
        if (error == nullptr && task->request != nullptr)
          active.push_back(task);
        else
          end(*task, error);
      }
      for (auto each = active.begin(); each != active.end();) {
        int done = 0;
        const char* error = calls.test((*each)->request, &done);
        if (error == nullptr && done == 0) {
          ++each;
          continue;
        }
        end(**each, error);
        each = active.erase(each);
        moved = true;
      }
      const auto now = Clock::now();
      if (moved) lively = now;
      const bool looks = now - lively < kLively && now >= modest;
      if (looks) {
        sched_yield();
        if (Clock::now() - now > kOthers) modest = now + kModest;
      }
      lock.lock();
      if (!looks && !active.empty() && given_.empty()) wake_.wait_for(lock, kNap);
    }
    // What is under way stays so: another process may still write to its memory.
    for (auto& task : active) new std::shared_ptr<Task>(task);
    stopped_ = true;
    done_.notify_all();
  }

  void end(Task& task, const char* error) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (error != nullptr) {
      task.failure = error;
    } else {
      task.tensors.clear();
      task.done = true;
    }
    unfinished_--;
    done_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<std::shared_ptr<Task>> given_;
  size_t unfinished_ = 0;
  bool stopping_ = false, stopped_ = false;
  std::thread thread_;
};

// Never destroyed: its thread ends with the process.
MpiThread* mpi = nullptr;
// Between the first open() and end().
bool begun = false;

class MpiRequest : public Request {
 public:
  explicit MpiRequest(std::shared_ptr<Task> task) : task_(std::move(task)) {}
  bool done() override { return mpi->done(*task_); }
  bool wait(milliseconds limit) override { return mpi->wait(*task_, limit); }

 private:
  std::shared_ptr<Task> task_;
};

tunan_mpi_number numberOf(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return TUNAN_MPI_FLOAT32;
    case at::kDouble:
      return TUNAN_MPI_FLOAT64;
    case at::kInt:
      return TUNAN_MPI_INT32;
    case at::kLong:
      return TUNAN_MPI_INT64;
    default:
      throw UsageError(std::string("MPI reduces no ") + c10::toString(dtype));
  }
}

tunan_mpi_reduction reductionOf(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return TUNAN_MPI_SUM;
    case Reduction::kMaximum:
      return TUNAN_MPI_MAXIMUM;
    case Reduction::kMinimum:
      return TUNAN_MPI_MINIMUM;
    case Reduction::kAverage:
      break;
  }
  throw UsageError("MPI has no such reduction");
}

// What the thread and the groups share of one communicator.
struct Communicator {
  tunan_mpi_group* group = nullptr;
};

class MpiTransport : public Transport {
 public:
  MpiTransport(std::vector<int> ranks, int rank, int size) : ranks_(std::move(ranks)), rank_(rank), size_(size) {}

  // The thread closes it behind what was begun in it.
  ~MpiTransport() override {
    if (!begun) return;
    Task task;
    task.begin = [shared = shared_](tunan_mpi_request**) {
      return shared->group == nullptr ? nullptr : mpi->calls.close(shared->group);
    };
    mpi->give(std::move(task));
  }

  std::string name() const override { return "mpi"; }
  bool native() const override { return false; }

  std::unique_ptr<Request> open() override {
    Task task;
    task.begin = [shared = shared_, ranks = ranks_, rank = rank_, size = size_](tunan_mpi_request**) -> const char* {
      static std::string wrong;
      int ownRank = 0, allRanks = 0;
      const char* error = mpi->calls.start(&ownRank, &allRanks);
      if (error != nullptr) return error;
      if (ownRank == rank && allRanks == size) return mpi->calls.open(ranks.data(), int(ranks.size()), &shared->group);
      wrong = "MPI knows this process as rank " + std::to_string(ownRank) + " of " + std::to_string(allRanks) +
              ", and the run as rank " + std::to_string(rank) + " of " + std::to_string(size) +
              ": start it with the mpirun of the MPI that the addon was built with, or delete tunan_mpi.so beside the "
              "addon and run: npx tunan setup";
      return wrong.c_str();
    };
    begun = true;
    return ask(std::move(task));
  }

  std::unique_ptr<Request> allReduce(at::Tensor tensor, Reduction reduction) override {
    tunan_mpi_operation operation{};
    operation.kind = TUNAN_MPI_ALL_REDUCE;
    operation.out = tensor.data_ptr();
    operation.count = tensor.numel();
    operation.number = numberOf(tensor.scalar_type());
    operation.reduction = reductionOf(reduction);
    return ask(operation, {tensor});
  }

  std::unique_ptr<Request> allGather(at::Tensor out, at::Tensor in) override {
    return ask(moved(TUNAN_MPI_ALL_GATHER, out, in, int64_t(in.nbytes())), {out, in});
  }

  std::unique_ptr<Request> allToAll(at::Tensor out, at::Tensor in) override {
    return ask(moved(TUNAN_MPI_ALL_TO_ALL, out, in, int64_t(in.nbytes()) / int64_t(ranks_.size())), {out, in});
  }

  std::unique_ptr<Request> broadcast(at::Tensor tensor, int root) override {
    return ask(moved(TUNAN_MPI_BROADCAST, tensor, tensor, int64_t(tensor.nbytes()), root), {tensor});
  }

  std::unique_ptr<Request> send(at::Tensor tensor, int to, int tag) override {
    return ask(moved(TUNAN_MPI_SEND, tensor, tensor, int64_t(tensor.nbytes()), to, tag), {tensor});
  }

  std::unique_ptr<Request> receive(at::Tensor tensor, int from, int tag) override {
    return ask(moved(TUNAN_MPI_RECEIVE, tensor, tensor, int64_t(tensor.nbytes()), from, tag), {tensor});
  }

  std::unique_ptr<Request> barrier() override {
    tunan_mpi_operation operation{};
    operation.kind = TUNAN_MPI_BARRIER;
    return ask(operation, {});
  }

  bool endsTogether() const override { return true; }

  // A process that ends without it is taken by mpirun for one that crashed.
  void end() override {
    if (!mpi->isIdle()) return;  // something was left unfinished: MPI would wait for it
    begun = false;
    Task task;
    task.begin = [](tunan_mpi_request**) { return mpi->calls.finish(); };
    mpi->wait(*mpi->give(std::move(task)), kEnd);
  }

 private:
  static tunan_mpi_operation moved(tunan_mpi_kind kind, const at::Tensor& out, const at::Tensor& in, int64_t bytes,
                                   int peer = 0, int tag = 0) {
    if (!out.device().is_cpu() || !in.device().is_cpu()) throw UsageError("MPI moves tensors of the CPU alone");
    tunan_mpi_operation operation{};
    operation.kind = kind;
    operation.in = in.data_ptr();
    operation.out = out.data_ptr();
    operation.count = bytes;
    operation.peer = peer;
    operation.tag = tag;
    return operation;
  }

  std::unique_ptr<Request> ask(const tunan_mpi_operation& operation, std::vector<at::Tensor> tensors) {
    Task task;
    task.begin = [shared = shared_, operation](tunan_mpi_request** request) {
      return mpi->calls.begin(shared->group, &operation, request);
    };
    task.tensors = std::move(tensors);
    return ask(std::move(task));
  }

  static std::unique_ptr<Request> ask(Task task) { return std::make_unique<MpiRequest>(mpi->give(std::move(task))); }

  const std::vector<int> ranks_;
  const int rank_, size_;
  const std::shared_ptr<Communicator> shared_ = std::make_shared<Communicator>();
};

}  // namespace

void loadMpi(const std::string& path) {
  if (mpi != nullptr) return;
  // Global: MPI's own plug-ins look for its symbols.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* calls = library == nullptr ? nullptr : dlsym(library, "tunan_mpi");
  if (calls == nullptr) throw UsageError(std::string("MPI does not load: ") + dlerror());
  mpi = new MpiThread(reinterpret_cast<const tunan_mpi_calls* (*)()>(calls)());
#ifdef __GLIBC__
  // Runs before MPI's own destructors, under which its thread must not be. One that is inside a call that does not come
  // back cannot be stopped; then nothing more is destroyed.
  on_exit(
      [](int status, void*) {
        if (mpi->stop(milliseconds(500))) return;
        std::fflush(nullptr);
        _exit(status);
      },
      nullptr);
#endif
}

std::unique_ptr<Transport> mpiTransport(std::vector<int> ranks, int rank, int size) {
  if (mpi == nullptr) throw UsageError("MPI is not loaded");
  return std::make_unique<MpiTransport>(std::move(ranks), rank, size);
}

}  // namespace tunan
