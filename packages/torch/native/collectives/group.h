// One group of processes as the rest of the addon sees it: collectives over tensors of any dtype, counted, with errors that name a rank.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport.h"

namespace tunan {

class World;
class Group;

// A collective under way. Dropping it unfinished is allowed; its tensors live until the transport is done.
class Pending {
 public:
  Pending(std::shared_ptr<Group> group, std::unique_ptr<Request> request, std::function<void()> finish, std::string what,
          std::vector<int> awaited, int64_t count);
  // Throws UsageError with one line that names the rank that is to blame, where one is found. A patient one waits as long as all are
  // alive: another has long work of its own to do.
  void wait(bool patient = false);
  bool done();

 private:
  void waitForRequest(bool patient);

  std::shared_ptr<Group> group_;
  std::unique_ptr<Request> request_;
  std::function<void()> finish_;
  std::string what_;
  std::vector<int> awaited_;
  // Of the collectives of the group, 0 being the group itself; -1 for a message between two.
  int64_t count_;
  std::string failure_;
};

class Group : public std::enable_shared_from_this<Group> {
 public:
  Group(std::shared_ptr<World> world, std::string name, std::vector<int> ranks, std::unique_ptr<Transport> transport);

  int rank() const { return rank_; }
  int size() const { return int(ranks_.size()); }
  int64_t collectives() const { return collectives_; }
  int64_t bytes() const { return bytes_; }
  const std::vector<int>& ranks() const { return ranks_; }
  const std::string& name() const { return name_; }
  World& world() { return *world_; }
  std::string backend() const { return transport_ == nullptr ? "none" : transport_->name(); }

  // Comes back when all ranks of the group have called it.
  void open();
  // Of the group of all ranks: ends what they must end together, where nothing has failed.
  void leave();

  std::shared_ptr<Pending> allReduce(const at::Tensor& tensor, Reduction reduction);
  std::shared_ptr<Pending> allGather(const at::Tensor& out, const at::Tensor& in);
  std::shared_ptr<Pending> reduceScatter(const at::Tensor& out, const at::Tensor& in, Reduction reduction);
  std::shared_ptr<Pending> broadcast(const at::Tensor& tensor, int root);
  std::shared_ptr<Pending> send(const at::Tensor& tensor, int to, int tag);
  std::shared_ptr<Pending> receive(const at::Tensor& tensor, int from, int tag);
  std::shared_ptr<Pending> barrier();

  // From now on every collective and every message received takes at least so long, one behind the other as on a link: for measuring
  // what of it is hidden behind other work. In microseconds.
  void delay(int64_t microseconds) { delay_ = microseconds; }
  // Of the delays: all that was added, and what somebody waited for.
  int64_t added() const { return added_; }
  int64_t waited() const { return waited_; }

 private:
  std::unique_ptr<Request> delayed(std::unique_ptr<Request> request);
  std::shared_ptr<Pending> begin(const char* what, const at::Tensor& moved,
                                 const std::function<std::unique_ptr<Request>()>& start, std::function<void()> finish);
  void requireRank(int rank, const char* what) const;
  std::vector<int> others() const;
  // Where numbers are watched: looks at what goes out, now, and at what comes in, behind `finish`. Of a largest or smallest infinity is a value
  // like others.
  void lookAtGiven(const at::Tensor& given, bool extremes = false) const;
  std::function<void()> andLook(const at::Tensor& got, std::function<void()> finish, bool extremes = false);

  std::shared_ptr<World> world_;
  const std::string name_;
  const std::vector<int> ranks_;
  int rank_ = 0;
  std::unique_ptr<Transport> transport_;
  int64_t collectives_ = 0;
  int64_t bytes_ = 0;
  int64_t delay_ = 0, added_ = 0, waited_ = 0;
  std::chrono::steady_clock::time_point free_;  // when the link has carried all that was begun
};

// The groups by number: so an operator of the dispatcher names one. Throws UsageError where it was destroyed.
std::shared_ptr<Group> groupOf(int64_t number);
int64_t keepGroup(std::shared_ptr<Group> group);
void dropGroup(int64_t number);

}  // namespace tunan
