// All processes of one run: where they meet (a TCPStore), and a thread in each that tells the others it is alive and how far it is, so
// that one that waits can say for whom.
#pragma once
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tunan {

struct WorldOptions {
  std::string host;
  uint16_t port = 0;
  int rank = 0;
  int size = 1;
  // Whether this process holds the store; else another does: rank 0, or the launcher.
  bool holdsStore = false;
  // The CUDA device of this process, where it has one.
  int device = 0;
  // For everybody to arrive, at the start and at each collective.
  std::chrono::milliseconds timeout{600000};
  // A rank that gives no sign of life for so long is taken to be gone.
  std::chrono::milliseconds silence{30000};
};

using Clock = std::chrono::steady_clock;

// What this rank has told and heard since it began to look: whether a number that is not finite went out before one had come in.
struct NumberWatch {
  bool on = false;
  bool gave = false;
  bool got = false;
};

class World {
 public:
  // Throws where the store cannot be reached, or not all ranks arrive in time: with their numbers.
  explicit World(const WorldOptions& options);
  ~World();

  const WorldOptions& options() const { return options_; }
  // For the meeting of one group.
  c10::intrusive_ptr<c10d::Store> storeFor(const std::string& name);

  // What this rank has begun last in a group; the others see it within a beat.
  void begun(const std::string& group, int64_t count);

  // Called by a rank that waits for `ranks`, every now and then. A sentence where one of them is known to be gone or the run to have
  // failed, "" else. One that is leaving itself waits for others that have said the same.
  std::string trouble(const std::vector<int>& ranks, bool leaving = false);
  // Who of `ranks` has not begun operation `count` of the group, 0 being the group itself.
  std::vector<int> missing(const std::string& group, const std::vector<int>& ranks, int64_t count);
  // After a broken connection: looks for the rank that is gone for a few seconds. "" where all are there.
  std::string findGone(const std::vector<int>& ranks);
  // Tells all others why the run ends. The first to tell is heard. Returns what was told first.
  std::string fail(const std::string& message);
  // Says that this rank leaves in peace, so that nobody takes its silence for a failure.
  void leave();

  NumberWatch& numbers() { return numbers_; }

 private:
  struct Seen {
    std::string state;
    Clock::time_point changed;
  };

  // Waits until every rank has been here.
  void arrive();
  void beat();
  void lookAt(const std::vector<int>& ranks);
  std::string stateText();

  const WorldOptions options_;
  c10::intrusive_ptr<c10d::TCPStore> store_;
  // The watching thread's own connection: a get of the other may block it for long.
  c10::intrusive_ptr<c10d::TCPStore> watchStore_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable round_;
  bool stopping_ = false;
  bool leaving_ = false;
  std::vector<int> watched_;
  uint64_t rounds_ = 0;
  Clock::time_point lastRound_;
  uint64_t beats_ = 0;
  std::map<std::string, int64_t> begun_;
  std::map<int, Seen> seen_;
  std::string failure_;
  std::string toTell_;
  NumberWatch numbers_;
  std::thread thread_;
};

}  // namespace tunan
