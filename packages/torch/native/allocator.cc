// A pooling CPU allocator for libtorch. The default one hands large blocks to the system and takes them back at every
// operation, which costs page faults on each training step; here a freed block waits in a free list of its size class
// for the next tensor. Size classes are spaced by an eighth of a power of two: at most 12.5 % of a block is unused. A
// limit turns what would be a process killed by the system, which promises more memory than it has, into an error.
#include "allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <torch/csrc/api/include/torch/version.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "guard.h"
#include "tensor-handle.h"

namespace tunan {
namespace {

constexpr size_t kAlignment = 64;               // one cache line, and what AVX-512 loads want
constexpr size_t kHugeBlock = size_t(2) << 20;  // blocks from here on are aligned to huge pages and ask for them

// AddressSanitizer sees a use after free or beyond the end only where blocks are the system's own and of the very size.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kPools = false;
#else
constexpr bool kPools = true;
#endif

struct Header {
  size_t classBytes;
};
static_assert(sizeof(Header) <= kAlignment, "the header must fit before the aligned payload");

size_t sizeClass(size_t bytes) {
  if (!kPools) return bytes;
  if (bytes <= 512) return (bytes + 63) & ~size_t(63);
  const int shift = 63 - __builtin_clzll(bytes) - 3;
  const size_t step = size_t(1) << shift;
  return (bytes + step - 1) & ~(step - 1);
}

class PoolingAllocator final : public c10::Allocator {
 public:
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  c10::DataPtr allocate(size_t bytes) override { return take(bytes); }
  void copy_data(void* destination, const void* source, std::size_t count) const override {
    std::memcpy(destination, source, count);
  }
#else
  c10::DataPtr allocate(size_t bytes) const override { return const_cast<PoolingAllocator*>(this)->take(bytes); }
#endif
  c10::DeleterFnPtr raw_deleter() const override { return &PoolingAllocator::give; }

  void trim() {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& entry : free_) {
      for (void* block : entry.second) std::free(block);
      pooled_ -= entry.first * entry.second.size();
      entry.second.clear();
    }
  }
  void resetPeak() { peak_ = allocated_.load(); }
  void limit(size_t bytes) { limit_ = bytes; }
  size_t allocated() const { return allocated_; }
  size_t peak() const { return peak_; }
  size_t pooled() const { return pooled_; }

 private:
  c10::DataPtr take(size_t bytes);
  static void give(void* payload);

  std::mutex mutex_;
  std::unordered_map<size_t, std::vector<void*>> free_;
  std::atomic<size_t> allocated_{0}, peak_{0}, pooled_{0}, limit_{std::numeric_limits<size_t>::max()};
};

// Never destroyed: tensors of other statics may outlive this file's.
PoolingAllocator& pool() {
  static auto* instance = new PoolingAllocator();
  return *instance;
}

void* systemBlock(size_t classBytes) {
  const size_t total = classBytes + kAlignment;
  void* block = nullptr;
  const size_t alignment = total >= kHugeBlock ? kHugeBlock : kAlignment;
  if (posix_memalign(&block, alignment, total) != 0) return nullptr;
#ifdef __linux__
  if (total >= kHugeBlock) madvise(block, total, MADV_HUGEPAGE);
#endif
  static_cast<Header*>(block)->classBytes = classBytes;
  return block;
}

c10::DataPtr PoolingAllocator::take(size_t bytes) {
  const c10::Device cpu(c10::DeviceType::CPU);
  if (bytes == 0) return {nullptr, nullptr, &PoolingAllocator::give, cpu};
  const size_t classBytes = sizeClass(bytes);
  void* block = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = free_.find(classBytes);
    if (found != free_.end() && !found->second.empty()) {
      block = found->second.back();
      found->second.pop_back();
      pooled_ -= classBytes;
    }
  }
  const auto fits = [&](size_t held) { return held <= limit_ && classBytes <= limit_ - held; };
  if (block == nullptr && fits(allocated_ + pooled_)) block = systemBlock(classBytes);
  if (block == nullptr) {  // other classes may be sitting on what is missing
    trim();
    if (fits(allocated_)) block = systemBlock(classBytes);
  }
  if (block == nullptr) {
    throw UsageError("out of memory: could not get " + std::to_string(bytes) + " bytes for a tensor, " +
                     std::to_string(allocated_) + " are in use; take a smaller batch or model, or recomputation");
  }
  const size_t now = allocated_.fetch_add(classBytes) + classBytes;
  size_t seen = peak_.load();
  while (now > seen && !peak_.compare_exchange_weak(seen, now)) {
  }
  void* payload = static_cast<char*>(block) + kAlignment;
  return {payload, payload, &PoolingAllocator::give, cpu};
}

void PoolingAllocator::give(void* payload) {
  if (payload == nullptr) return;
  void* block = static_cast<char*>(payload) - kAlignment;
  const size_t classBytes = static_cast<Header*>(block)->classBytes;
  PoolingAllocator& self = pool();
  self.allocated_ -= classBytes;
  if (!kPools) return std::free(block);
  std::lock_guard<std::mutex> lock(self.mutex_);
  self.free_[classBytes].push_back(block);
  self.pooled_ += classBytes;
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("allocatedBytes", Napi::Number::New(info.Env(), double(pool().allocated())));
  out.Set("peakBytes", Napi::Number::New(info.Env(), double(pool().peak())));
  out.Set("pooledBytes", Napi::Number::New(info.Env(), double(pool().pooled())));
  return out;
}

Napi::Value trimPool(const Napi::CallbackInfo& info) {
  pool().trim();
  return info.Env().Undefined();
}

// memoryLimit(bytes): no tensor is made beyond so many bytes in tensors.
Napi::Value memoryLimit(const Napi::CallbackInfo& info) {
  return guarded(info, "memoryLimit", [&]() -> Napi::Value {
    const int64_t bytes = wholeNumber(info[0]);
    if (bytes < 0) throw UsageError("expected a number of bytes, got " + std::to_string(bytes));
    pool().limit(size_t(bytes));
    return info.Env().Undefined();
  });
}

Napi::Value resetPeak(const Napi::CallbackInfo& info) {
  pool().resetPeak();
  return info.Env().Undefined();
}

}  // namespace

void exportAllocator(Napi::Env env, Napi::Object exports) {
  // Priority 1 is above the default allocator's 0; the addon may be loaded in several threads, the pool is one.
  c10::SetCPUAllocator(&pool(), 1);
  exports.Set("memory", Napi::Function::New(env, memory));
  exports.Set("trimMemory", Napi::Function::New(env, trimPool));
  exports.Set("memoryLimit", Napi::Function::New(env, memoryLimit));
  exports.Set("resetPeakMemory", Napi::Function::New(env, resetPeak));
}

}  // namespace tunan
