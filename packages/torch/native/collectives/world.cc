#include "world.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include <algorithm>
#include <sstream>

#include "../guard.h"

namespace tunan {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBeat{500};
// After a broken connection a rank that beats no more for so long is gone.
constexpr milliseconds kGone{2500};

std::vector<uint8_t> bytesOf(const std::string& text) { return {text.begin(), text.end()}; }
std::string textOf(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }
std::string keyOf(int rank) { return "alive/" + std::to_string(rank); }
const char* kFailure = "failure";
const char* kLeft = "left";

std::string seconds(milliseconds time) {
  std::ostringstream out;
  out << double(time.count()) / 1000 << " s";
  return out.str();
}

c10::intrusive_ptr<c10d::TCPStore> connect(const WorldOptions& options, bool holds) {
  c10d::TCPStoreOptions store;
  store.port = options.port;
  store.isServer = holds;
  store.waitWorkers = false;
  store.timeout = options.timeout;
  try {
    return c10::make_intrusive<c10d::TCPStore>(options.host, store);
  } catch (const std::exception& error) {
    const std::string at = options.host + ":" + std::to_string(options.port);
    throw UsageError(holds ? "rank " + std::to_string(options.rank) + " cannot open " + at +
                                 ", where the ranks are to meet: the port is taken, choose another (MASTER_PORT)"
                           : "rank " + std::to_string(options.rank) + " reaches nobody at " + at + " within " +
                                 seconds(options.timeout) +
                                 ": check MASTER_ADDR and MASTER_PORT, and that rank 0 or the launcher runs there");
  }
}

std::string ranksText(const std::vector<int>& ranks) {
  std::string out = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size(); i++) out += (i ? ", " : "") + std::to_string(ranks[i]);
  return out;
}

}  // namespace

World::World(const WorldOptions& options) : options_(options) {
  store_ = connect(options, options.holdsStore);
  watchStore_ = connect(options, false);
  try {
    arrive();
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception&) {
    throw UsageError("rank 0 or the launcher, which holds the store, is gone before all had arrived");
  }
  lastRound_ = Clock::now();
  thread_ = std::thread([this] { beat(); });
}

void World::arrive() {
  store_->set(keyOf(options_.rank), bytesOf("0"));
  const auto end = Clock::now() + options_.timeout;
  std::vector<int> absent;
  for (int rank = 0; rank < options_.size; rank++) absent.push_back(rank);
  while (true) {
    absent.erase(
        std::remove_if(absent.begin(), absent.end(), [&](int rank) { return store_->check({keyOf(rank)}); }),
        absent.end());
    if (absent.empty()) break;
    if (Clock::now() > end) {
      throw UsageError(ranksText(absent) + " of " + std::to_string(options_.size) + " did not arrive at the start within " +
                       seconds(options_.timeout));
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

World::~World() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

c10::intrusive_ptr<c10d::Store> World::storeFor(const std::string& name) {
  return c10::make_intrusive<c10d::PrefixStore>(name, store_);
}

void World::begun(const std::string& group, int64_t count) {
  std::lock_guard<std::mutex> lock(mutex_);
  begun_[group] = count;
}

std::string World::stateText() {
  std::ostringstream out;
  out << beats_++;
  for (const auto& [group, count] : begun_) out << '\n' << group << '\t' << count;
  return out.str();
}

void World::beat() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    const std::string state = leaving_ ? std::string(kLeft) : stateText();
    const std::string tell = toTell_;
    const std::vector<int> ranks = watched_;
    lock.unlock();
    std::string failure;
    std::map<int, std::string> states;
    try {
      watchStore_->set(keyOf(options_.rank), bytesOf(state));
      if (!tell.empty()) {
        failure = textOf(watchStore_->compareSet(kFailure, {}, bytesOf(tell)));
      } else if (watchStore_->check({kFailure})) {
        failure = textOf(watchStore_->get(kFailure));
      }
      for (int rank : ranks) states[rank] = textOf(watchStore_->get(keyOf(rank)));
    } catch (const std::exception&) {
      // The store is gone: its round is never over, which those who wait see.
      lock.lock();
      wake_.wait_for(lock, kBeat, [&] { return stopping_; });
      continue;
    }
    lock.lock();
    const auto now = Clock::now();
    if (!failure.empty()) failure_ = failure;
    for (auto& [rank, text] : states) {
      Seen& seen = seen_[rank];
      if (seen.state != text || seen.changed == Clock::time_point()) seen = {text, now};
    }
    lastRound_ = now;
    rounds_++;
    round_.notify_all();
    wake_.wait_for(lock, kBeat, [&] { return stopping_ || toTell_ != tell || (watched_ != ranks) || (leaving_ && state != kLeft); });
  }
}

// With mutex_ held by the caller's lock: asks for the states of these ranks.
void World::lookAt(const std::vector<int>& ranks) {
  if (watched_ == ranks) return;
  watched_ = ranks;
  seen_.clear();
  wake_.notify_all();
}

std::string World::trouble(const std::vector<int>& ranks, bool leaving) {
  std::lock_guard<std::mutex> lock(mutex_);
  lookAt(ranks);
  if (!failure_.empty()) return failure_;
  const auto now = Clock::now();
  if (now - lastRound_ > options_.silence) {
    const std::string at = options_.host + ":" + std::to_string(options_.port);
    return "the store at " + at + ", held by " + (options_.holdsStore ? "this rank" : "rank 0 or the launcher") +
           ", has not answered for " + seconds(options_.silence);
  }
  std::vector<int> silent;
  for (int rank : ranks) {
    const auto found = seen_.find(rank);
    if (found == seen_.end() || rank == options_.rank) continue;
    if (found->second.state == kLeft) {
      if (leaving) continue;
      return "rank " + std::to_string(rank) + " has ended its run already";
    }
    if (now - found->second.changed > options_.silence) silent.push_back(rank);
  }
  if (silent.empty()) return "";
  return ranksText(silent) + " of " + std::to_string(options_.size) + " gave no sign of life for " +
         seconds(options_.silence) + ": stopped, or its machine is gone";
}

std::vector<int> World::missing(const std::string& group, const std::vector<int>& ranks, int64_t count) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<int> out;
  for (int rank : ranks) {
    const auto found = seen_.find(rank);
    if (rank == options_.rank) continue;
    int64_t begun = -1;
    std::istringstream lines(found == seen_.end() ? "" : found->second.state);
    for (std::string line; std::getline(lines, line);) {
      if (line.compare(0, group.size() + 1, group + "\t") == 0) begun = std::stoll(line.substr(group.size() + 1));
    }
    if (begun < count) out.push_back(rank);
  }
  return out;
}

std::string World::findGone(const std::vector<int>& ranks) {
  std::unique_lock<std::mutex> lock(mutex_);
  watched_.clear();
  lookAt(ranks);
  const auto began = Clock::now();
  const auto end = began + 2 * kGone;
  while (Clock::now() < end) {
    round_.wait_for(lock, milliseconds(100));
    if (!failure_.empty()) return failure_;
    const auto now = Clock::now();
    if (now - lastRound_ > kGone) return "rank 0 or the launcher, which holds the store, is gone";
    std::vector<int> gone;
    for (int rank : ranks) {
      const auto found = seen_.find(rank);
      if (rank == options_.rank || found == seen_.end()) continue;
      if (found->second.state == kLeft) return "rank " + std::to_string(rank) + " has ended its run already";
      if (now - found->second.changed > kGone) gone.push_back(rank);
    }
    if (!gone.empty()) return ranksText(gone) + " of " + std::to_string(options_.size) + (gone.size() == 1 ? " is" : " are") + " gone";
  }
  return "";
}

std::string World::fail(const std::string& message) {
  std::unique_lock<std::mutex> lock(mutex_);
  toTell_ = message;
  wake_.notify_all();
  round_.wait_for(lock, kGone, [&] { return !failure_.empty(); });
  const std::string first = failure_.empty() ? message : failure_;
  // The store goes with this process: the others must have read it.
  if (options_.holdsStore) round_.wait_for(lock, 3 * kBeat, [] { return false; });
  return first;
}

void World::leave() {
  std::unique_lock<std::mutex> lock(mutex_);
  leaving_ = true;
  const uint64_t before = rounds_;
  wake_.notify_all();
  round_.wait_for(lock, kGone, [&] { return rounds_ > before; });
  if (!options_.holdsStore) return;
  // The store goes with this process: the others are let go first.
  std::vector<int> others;
  for (int rank = 0; rank < options_.size; rank++)
    if (rank != options_.rank) others.push_back(rank);
  lookAt(others);
  round_.wait_for(lock, kGone, [&] {
    return std::all_of(others.begin(), others.end(), [&](int rank) { return seen_[rank].state == kLeft; });
  });
}

}  // namespace tunan
