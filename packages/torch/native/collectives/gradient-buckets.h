// Gradients of a model reduced over a group while the backward pass still runs: they are put together in buckets, and a bucket goes off
// as soon as the last of its gradients is there.
#pragma once
#include <torch/csrc/autograd/function.h>

#include <memory>
#include <vector>

#include "group.h"

namespace tunan {

class GradientBuckets : public std::enable_shared_from_this<GradientBuckets> {
 public:
  // Parameters in the order of their gradients (the last of the model first). With `owners` (a rank of the group each) the sum of a
  // gradient comes to its owner alone, and the others let theirs go (ZeRO-1); without, to everybody.
  static std::shared_ptr<GradientBuckets> make(std::shared_ptr<Group> group, std::vector<at::Tensor> parameters,
                                               std::vector<int> owners, int64_t bucketBytes);

  // Before the backward pass whose gradients are the last of the step; each parameter's must be whole when autograd has it. Left out, all
  // goes off in finish().
  void arm();
  // Sends off what has not gone (parameters without a gradient count as zeros), waits, and puts the sums in the place of the gradients.
  void finish();
  // After the update: every parameter as its owner has it.
  void gatherParameters();

 private:
  struct Slot {
    at::Tensor parameter;
    int owner = 0;
    int64_t offset = 0;
    bool ready = false;
  };
  struct Bucket {
    std::vector<size_t> slots;
    // Elements of each owner's part; without owners one part.
    int64_t part = 0;
    size_t missing = 0;
    at::Tensor sent, received;
    std::shared_ptr<Pending> work;
  };

  GradientBuckets(std::shared_ptr<Group> group, bool owned) : group_(std::move(group)), owned_(owned) {}
  void lay(std::vector<at::Tensor> parameters, const std::vector<int>& owners, int64_t bucketBytes);
  void hook();
  void arrived(size_t slot);
  void sendReady();
  void begin(Bucket& bucket);
  at::Tensor view(const at::Tensor& flat, const Bucket& bucket, const Slot& slot) const;

  const std::shared_ptr<Group> group_;
  const bool owned_;
  std::vector<Slot> slots_;
  // Autograd keeps them weakly; without ours the hooks would be lost.
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators_;
  std::vector<size_t> bucketOf_;
  std::vector<Bucket> buckets_;
  size_t next_ = 0;
  bool armed_ = false;
};

}  // namespace tunan
