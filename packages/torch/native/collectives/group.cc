#include "group.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "../guard.h"
#include "../tensor-handle.h"
#include "world.h"

namespace tunan {
namespace {

using std::chrono::milliseconds;

// Shorter than that nothing is looked up: most collectives take microseconds.
constexpr milliseconds kFirstLook{2000};
constexpr milliseconds kLook{500};

at::Tensor bytesOf(const at::Tensor& contiguous) { return contiguous.view(-1).view(at::kByte); }

// float32, float64 and integers reduce as they are; narrower floats are added up as float32.
at::ScalarType reducedAs(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
    case at::kDouble:
    case at::kLong:
    case at::kInt:
      return dtype;
    case at::kBFloat16:
    case at::kHalf:
      return at::kFloat;
    default:
      throw UsageError(std::string("a tensor of ") + c10::toString(dtype) + " cannot be reduced");
  }
}

void requireAverageable(at::ScalarType dtype, Reduction reduction) {
  if (reduction == Reduction::kAverage && !at::isFloatingType(dtype))
    throw UsageError("integers have no average: take their sum");
}

std::string pretty(milliseconds time) {
  std::string out = std::to_string(double(time.count()) / 1000);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out + " s";
}

std::string listed(const std::vector<int>& ranks) {
  std::string out = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size(); i++) out += (i ? ", " : "") + std::to_string(ranks[i]);
  return out;
}

bool isExtreme(Reduction reduction) { return reduction == Reduction::kMaximum || reduction == Reduction::kMinimum; }

bool hasBadNumber(const at::Tensor& tensor, bool extremes) {
  if (!at::isFloatingType(tensor.scalar_type()) || tensor.numel() == 0) return false;
  return extremes ? tensor.isnan().any().item<bool>() : !tensor.isfinite().all().item<bool>();
}

// Not done before a moment.
class DelayedRequest : public Request {
 public:
  DelayedRequest(std::unique_ptr<Request> request, Clock::time_point due, std::function<void(int64_t)> count)
      : request_(std::move(request)), due_(due), count_(std::move(count)) {}
  bool done() override { return Clock::now() >= due_ && request_->done(); }
  bool wait(milliseconds limit) override {
    const auto began = Clock::now();
    if (count_ != nullptr && began < due_) count_(std::chrono::duration_cast<std::chrono::microseconds>(due_ - began).count());
    count_ = nullptr;
    if (began < due_ && due_ - began > limit) {
      std::this_thread::sleep_for(limit);
      return false;
    }
    std::this_thread::sleep_until(due_);
    return request_->wait(limit);
  }
  void abort() override { request_->abort(); }
  bool sliced() const override { return request_->sliced(); }

 private:
  std::unique_ptr<Request> request_;
  Clock::time_point due_;
  std::function<void(int64_t)> count_;
};

std::mutex registryMutex;
std::map<int64_t, std::shared_ptr<Group>>& registry() {
  // Never destroyed: c10d's threads may still run when the process ends.
  static auto* groups = new std::map<int64_t, std::shared_ptr<Group>>();
  return *groups;
}
int64_t nextNumber = 1;

}  // namespace

Pending::Pending(std::shared_ptr<Group> group, std::unique_ptr<Request> request, std::function<void()> finish, std::string what,
                 std::vector<int> awaited, int64_t count)
    : group_(std::move(group)),
      request_(std::move(request)),
      finish_(std::move(finish)),
      what_(std::move(what)),
      awaited_(std::move(awaited)),
      count_(count) {}

bool Pending::done() { return request_ == nullptr || request_->done(); }

void Pending::wait(bool patient) {
  if (!failure_.empty()) throw UsageError(failure_);
  if (request_ != nullptr) {
    try {
      waitForRequest(patient);
    } catch (const std::exception& error) {
      failure_ = error.what();
      throw UsageError(failure_);
    }
    request_.reset();
  }
  if (!finish_) return;
  at::NoGradGuard noGrad;
  finish_();
  finish_ = nullptr;
}

void Pending::waitForRequest(bool patient) {
  World& world = group_->world();
  const milliseconds limit = world.options().timeout;
  const auto began = Clock::now();
  const auto over = [&]() -> std::string {
    const std::vector<int> late = count_ < 0 ? awaited_ : world.missing(group_->name(), awaited_, count_);
    const std::string whom = late.empty() ? "some of " + listed(awaited_) : listed(late) + " of " + std::to_string(group_->world().options().size);
    return whom + " did not arrive at " + what_ + " within " + pretty(limit);
  };
  const auto blame = [&](const std::string& reason) {
    return UsageError(world.fail(reason));
  };
  const auto broken = [&](const std::exception& error) {
    const std::string gone = world.findGone(group_->ranks());
    return blame(gone.empty() ? what_ + " failed: " + error.what() : gone + " (noticed at " + what_ + ")");
  };
  if (request_->sliced()) {
    milliseconds slice = kFirstLook;
    while (true) {
      try {
        if (request_->wait(std::min(slice, limit))) return;
      } catch (const std::exception& error) {
        throw broken(error);
      }
      slice = kLook;
      const std::string trouble = world.trouble(awaited_);
      if (!trouble.empty()) throw blame(trouble + " (noticed at " + what_ + ")");
      if (!patient && Clock::now() - began > limit) throw blame(over());
    }
  }
  // Waited for once, while a second thread looks after the others.
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::string trouble;
  std::thread look([&] {
    std::unique_lock<std::mutex> lock(mutex);
    milliseconds slice = kFirstLook;
    while (!changed.wait_for(lock, std::min(slice, limit), [&] { return done; })) {
      slice = kLook;
      trouble = world.trouble(awaited_);
      if (trouble.empty() && Clock::now() - began > limit) trouble = over();
      if (trouble.empty()) continue;
      request_->abort();
      return;
    }
  });
  const auto end = [&] {
    {
      std::lock_guard<std::mutex> lock(mutex);
      done = true;
    }
    changed.notify_all();
    look.join();
  };
  try {
    request_->wait(std::chrono::hours(24 * 7));
    end();
  } catch (const std::exception& error) {
    end();
    if (!trouble.empty()) throw blame(trouble.find(what_) == std::string::npos ? trouble + " (noticed at " + what_ + ")" : trouble);
    throw broken(error);
  }
}

Group::Group(std::shared_ptr<World> world, std::string name, std::vector<int> ranks,
             std::unique_ptr<Transport> transport)
    : world_(std::move(world)), name_(std::move(name)), ranks_(std::move(ranks)), transport_(std::move(transport)) {
  for (size_t i = 0; i < ranks_.size(); i++)
    if (ranks_[i] == world_->options().rank) rank_ = int(i);
}

std::vector<int> Group::others() const {
  std::vector<int> out;
  for (int rank : ranks_)
    if (rank != world_->options().rank) out.push_back(rank);
  return out;
}

void Group::open() {
  if (transport_ == nullptr) return;
  world_->begun(name_, 0);
  auto request = transport_->open();
  if (request != nullptr) Pending(shared_from_this(), std::move(request), nullptr, "the meeting of group " + name_, others(), 0).wait();
}

void Group::leave() {
  world_->leave();
  if (transport_ == nullptr || !transport_->endsTogether()) return;
  const std::vector<int> awaited = others();
  try {
    if (!world_->trouble(awaited, true).empty()) return;
    const auto here = transport_->barrier();
    while (!here->wait(kLook))
      if (!world_->trouble(awaited, true).empty()) return;
    transport_->end();
  } catch (const std::exception&) {
    // This rank is done; what keeps the others is theirs to say.
  }
}

void Group::requireRank(int rank, const char* what) const {
  if (rank >= 0 && rank < size()) return;
  throw UsageError(std::string(what) + " " + std::to_string(rank) + " is no rank of a group of " +
                   std::to_string(size()));
}

void Group::lookAtGiven(const at::Tensor& given, bool extremes) const {
  NumberWatch& numbers = world_->numbers();
  if (numbers.on && transport_ != nullptr && !numbers.got && !numbers.gave) numbers.gave = hasBadNumber(given, extremes);
}

std::function<void()> Group::andLook(const at::Tensor& got, std::function<void()> finish, bool extremes) {
  if (!world_->numbers().on || transport_ == nullptr) return finish;
  return [self = shared_from_this(), got, finish = std::move(finish), extremes] {
    if (finish) finish();
    NumberWatch& numbers = self->world_->numbers();
    if (numbers.on && !numbers.got) numbers.got = hasBadNumber(got, extremes);
  };
}

std::shared_ptr<Pending> Group::begin(const char* what, const at::Tensor& moved,
                                      const std::function<std::unique_ptr<Request>()>& start,
                                      std::function<void()> finish) {
  if (transport_ == nullptr || (moved.defined() && moved.numel() == 0)) {
    // Alone, or nothing to do: what follows is done at once.
    auto out = std::make_shared<Pending>(shared_from_this(), nullptr, std::move(finish), what, std::vector<int>(), 0);
    out->wait();
    return out;
  }
  collectives_++;
  if (moved.defined()) bytes_ += int64_t(moved.nbytes());
  world_->begun(name_, collectives_);
  const std::string name = std::string(what) + " #" + std::to_string(collectives_) + " of group " + name_;
  std::unique_ptr<Request> request;
  try {
    request = delayed(start());
  } catch (const std::exception& error) {
    throw UsageError(name + ": " + error.what());
  }
  return std::make_shared<Pending>(shared_from_this(), std::move(request), std::move(finish), name, others(), collectives_);
}

std::unique_ptr<Request> Group::delayed(std::unique_ptr<Request> request) {
  if (delay_ == 0) return request;
  free_ = std::max(free_, Clock::now()) + std::chrono::microseconds(delay_);
  added_ += delay_;
  return std::make_unique<DelayedRequest>(std::move(request), free_, [this](int64_t waited) { waited_ += waited; });
}

std::shared_ptr<Pending> Group::allReduce(const at::Tensor& tensor, Reduction reduction) {
  at::NoGradGuard noGrad;
  const at::ScalarType wide = reducedAs(tensor.scalar_type());
  requireAverageable(tensor.scalar_type(), reduction);
  const bool extremes = isExtreme(reduction);
  lookAtGiven(tensor, extremes);
  if (transport_ != nullptr && transport_->native()) {
    const at::Tensor moved = tensor.contiguous();
    const auto finish = [tensor, moved] {
      if (!moved.is_same(tensor)) tensor.copy_(moved);
    };
    return begin("all-reduce", moved, [&] { return transport_->allReduce(moved, reduction); }, andLook(tensor, finish, extremes));
  }
  const at::Tensor moved = tensor.to(wide).contiguous();
  const Reduction carried = reduction == Reduction::kAverage ? Reduction::kSum : reduction;
  const int64_t ranks = size();
  const auto finish = [tensor, moved, reduction, ranks] {
    if (reduction == Reduction::kAverage) moved.div_(ranks);
    if (!moved.is_same(tensor)) tensor.copy_(moved);
  };
  return begin("all-reduce", moved, [&] { return transport_->allReduce(moved.view(-1), carried); }, andLook(tensor, finish, extremes));
}

std::shared_ptr<Pending> Group::allGather(const at::Tensor& out, const at::Tensor& in) {
  at::NoGradGuard noGrad;
  if (out.scalar_type() != in.scalar_type() || out.numel() != in.numel() * size()) {
    throw UsageError("all-gather: an output of " + describeTensor(out) + " does not hold " + std::to_string(size()) +
                     " times " + describeTensor(in));
  }
  const at::Tensor given = in.contiguous();
  const at::Tensor moved = out.is_contiguous() ? out : at::empty(out.sizes(), out.options());
  if (transport_ == nullptr) {
    out.copy_(given.view(out.sizes()));
    return begin("all-gather", moved, nullptr, nullptr);
  }
  lookAtGiven(given);
  const auto finish = [out, moved] {
    if (!moved.is_same(out)) out.copy_(moved);
  };
  return begin("all-gather", moved, [&] { return transport_->allGather(bytesOf(moved), bytesOf(given)); }, andLook(out, finish));
}

std::shared_ptr<Pending> Group::reduceScatter(const at::Tensor& out, const at::Tensor& in, Reduction reduction) {
  at::NoGradGuard noGrad;
  const at::ScalarType dtype = in.scalar_type(), wide = reducedAs(dtype);
  requireAverageable(dtype, reduction);
  if (out.scalar_type() != dtype || in.numel() != out.numel() * size()) {
    throw UsageError("reduce-scatter: an input of " + describeTensor(in) + " is not " + std::to_string(size()) +
                     " times an output of " + describeTensor(out));
  }
  const at::Tensor given = in.contiguous();
  if (transport_ == nullptr) {
    out.copy_(given.view(out.sizes()));
    return begin("reduce-scatter", given, nullptr, nullptr);
  }
  // Every part goes to its owner, who adds in the order of the ranks: as many bytes as a ring moves, in one round, and sums that do not
  // depend on who came first. (Gloo has no reduce-scatter of its own in libtorch 1.13.)
  const at::Tensor parts = at::empty({size(), out.numel()}, given.options());
  lookAtGiven(given, isExtreme(reduction));
  const auto finish = [out, parts, reduction, wide] {
    const at::Tensor all = parts.to(wide);
    at::Tensor one;
    switch (reduction) {
      case Reduction::kSum:
        one = all.sum(0);
        break;
      case Reduction::kAverage:
        one = all.sum(0).div_(all.size(0));
        break;
      case Reduction::kMaximum:
        one = all.amax(0);
        break;
      case Reduction::kMinimum:
        one = all.amin(0);
        break;
    }
    out.copy_(one.view(out.sizes()));
  };
  return begin("reduce-scatter", given, [&] { return transport_->allToAll(bytesOf(parts), bytesOf(given)); },
               andLook(out, finish, isExtreme(reduction)));
}

std::shared_ptr<Pending> Group::broadcast(const at::Tensor& tensor, int root) {
  at::NoGradGuard noGrad;
  requireRank(root, "the root");
  const at::Tensor moved = tensor.contiguous();
  if (root == rank_) lookAtGiven(moved);
  const auto finish = [tensor, moved] {
    if (!moved.is_same(tensor)) tensor.copy_(moved);
  };
  return begin("broadcast", moved, [&] { return transport_->broadcast(bytesOf(moved), root); }, andLook(tensor, finish));
}

std::shared_ptr<Pending> Group::send(const at::Tensor& tensor, int to, int tag) {
  at::NoGradGuard noGrad;
  requireRank(to, "the receiver");
  if (transport_ == nullptr || to == rank_) throw UsageError("a rank cannot send to itself");
  const at::Tensor moved = tensor.contiguous();
  lookAtGiven(moved);
  bytes_ += int64_t(moved.nbytes());
  const std::string what = "the message with tag " + std::to_string(tag) + " from rank " +
                           std::to_string(ranks_[rank_]) + " to rank " + std::to_string(ranks_[to]);
  return std::make_shared<Pending>(shared_from_this(), moved.numel() == 0 ? nullptr : transport_->send(bytesOf(moved), to, tag),
                                   nullptr, what, std::vector<int>{ranks_[to]}, -1);
}

std::shared_ptr<Pending> Group::receive(const at::Tensor& tensor, int from, int tag) {
  at::NoGradGuard noGrad;
  requireRank(from, "the sender");
  if (transport_ == nullptr || from == rank_) throw UsageError("a rank cannot receive from itself");
  const at::Tensor moved = tensor.is_contiguous() ? tensor : at::empty(tensor.sizes(), tensor.options());
  const std::string what = "the message with tag " + std::to_string(tag) + " from rank " +
                           std::to_string(ranks_[from]) + " to rank " + std::to_string(ranks_[rank_]);
  return std::make_shared<Pending>(
      shared_from_this(), moved.numel() == 0 ? nullptr : delayed(transport_->receive(bytesOf(moved), from, tag)),
      andLook(tensor,
              [tensor, moved] {
                if (!moved.is_same(tensor)) tensor.copy_(moved);
              }),
      what, std::vector<int>{ranks_[from]}, -1);
}

std::shared_ptr<Pending> Group::barrier() {
  return begin("barrier", at::Tensor(), [&] { return transport_->barrier(); }, nullptr);
}

std::shared_ptr<Group> groupOf(int64_t number) {
  std::lock_guard<std::mutex> lock(registryMutex);
  const auto found = registry().find(number);
  if (found == registry().end()) throw UsageError("there is no such group of processes, or it was destroyed");
  return found->second;
}

int64_t keepGroup(std::shared_ptr<Group> group) {
  std::lock_guard<std::mutex> lock(registryMutex);
  registry()[nextNumber] = std::move(group);
  return nextNumber++;
}

void dropGroup(int64_t number) {
  std::lock_guard<std::mutex> lock(registryMutex);
  registry().erase(number);
}

}  // namespace tunan
