#include "gradient-buckets.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "../guard.h"

namespace tunan {
namespace {

// Called by autograd when the gradient of one parameter is whole.
class Arrival : public torch::autograd::FunctionPostHook {
 public:
  explicit Arrival(std::function<void()> then) : then_(std::move(then)) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    then_();
    return outputs;
  }

 private:
  std::function<void()> then_;
};

}  // namespace

std::shared_ptr<GradientBuckets> GradientBuckets::make(std::shared_ptr<Group> group, std::vector<at::Tensor> parameters,
                                                       std::vector<int> owners, int64_t bucketBytes) {
  if (!owners.empty() && owners.size() != parameters.size())
    throw UsageError("there are " + std::to_string(owners.size()) + " owners of " + std::to_string(parameters.size()) +
                     " parameters");
  std::shared_ptr<GradientBuckets> out(new GradientBuckets(std::move(group), !owners.empty()));
  out->lay(std::move(parameters), owners, bucketBytes);
  out->hook();
  return out;
}

void GradientBuckets::lay(std::vector<at::Tensor> parameters, const std::vector<int>& owners, int64_t bucketBytes) {
  const int parts = owned_ ? group_->size() : 1;
  std::vector<int64_t> filled(parts, 0);
  int64_t bytes = 0;
  const auto close = [&] {
    if (!buckets_.empty()) buckets_.back().part = *std::max_element(filled.begin(), filled.end());
    std::fill(filled.begin(), filled.end(), 0);
    bytes = 0;
  };
  for (size_t i = 0; i < parameters.size(); i++) {
    const at::Tensor& parameter = parameters[i];
    const int owner = owned_ ? owners[i] : 0;
    if (owner < 0 || owner >= parts) throw UsageError("a parameter has an owner that is no rank of the group");
    // One bucket holds one dtype.
    const bool other = !buckets_.empty() && slots_[buckets_.back().slots.back()].parameter.scalar_type() != parameter.scalar_type();
    if (buckets_.empty() || bytes >= bucketBytes || other) {
      close();
      buckets_.emplace_back();
    }
    slots_.push_back({parameter, owner, filled[owner], false});
    bucketOf_.push_back(buckets_.size() - 1);
    buckets_.back().slots.push_back(i);
    filled[owner] += parameter.numel();
    bytes += int64_t(parameter.nbytes());
  }
  close();
}

void GradientBuckets::hook() {
  std::weak_ptr<GradientBuckets> self = shared_from_this();
  for (size_t i = 0; i < slots_.size(); i++) {
    const auto accumulator = torch::autograd::impl::grad_accumulator(slots_[i].parameter);
    if (accumulator == nullptr) throw UsageError("a parameter without gradient cannot be reduced");
    accumulator->add_post_hook(std::make_unique<Arrival>([self, i] {
      if (const auto buckets = self.lock()) buckets->arrived(i);
    }));
    accumulators_.push_back(accumulator);
  }
}

void GradientBuckets::arm() {
  armed_ = true;
  next_ = 0;
  for (Slot& slot : slots_) slot.ready = false;
  for (Bucket& bucket : buckets_) bucket.missing = bucket.slots.size();
}

void GradientBuckets::arrived(size_t index) {
  if (!armed_ || slots_[index].ready) return;
  slots_[index].ready = true;
  buckets_[bucketOf_[index]].missing--;
  sendReady();
}

// In the order of the buckets on every rank, whatever order their gradients come in.
void GradientBuckets::sendReady() {
  while (next_ < buckets_.size() && buckets_[next_].missing == 0) begin(buckets_[next_++]);
}

at::Tensor GradientBuckets::view(const at::Tensor& flat, const Bucket& bucket, const Slot& slot) const {
  return flat.narrow(0, slot.owner * bucket.part + slot.offset, slot.parameter.numel()).view(slot.parameter.sizes());
}

void GradientBuckets::begin(Bucket& bucket) {
  at::NoGradGuard noGrad;
  const int parts = owned_ ? group_->size() : 1;
  bucket.sent = at::empty({parts * bucket.part}, slots_[bucket.slots[0]].parameter.options().requires_grad(false));
  if (owned_) bucket.sent.zero_();  // parts are of one length: what a shorter one leaves free must be a number
  for (size_t index : bucket.slots) {
    const Slot& slot = slots_[index];
    const at::Tensor& gradient = slot.parameter.grad();
    at::Tensor place = view(bucket.sent, bucket, slot);
    if (gradient.defined())
      place.copy_(gradient);
    else
      place.zero_();
  }
  if (!owned_) {
    bucket.work = group_->allReduce(bucket.sent, Reduction::kSum);
    return;
  }
  bucket.received = at::empty({bucket.part}, bucket.sent.options());
  bucket.work = group_->reduceScatter(bucket.received, bucket.sent, Reduction::kSum);
}

void GradientBuckets::finish() {
  at::NoGradGuard noGrad;
  if (!armed_) arm();  // nothing went off in the backward pass
  armed_ = false;
  for (; next_ < buckets_.size(); next_++) begin(buckets_[next_]);
  for (Bucket& bucket : buckets_) {
    bucket.work->wait();
    for (size_t index : bucket.slots) {
      Slot& slot = slots_[index];
      at::Tensor& gradient = slot.parameter.mutable_grad();
      if (!owned_) {
        gradient = view(bucket.sent, bucket, slot);
      } else if (slot.owner == group_->rank()) {
        gradient = bucket.received.narrow(0, slot.offset, slot.parameter.numel()).view(slot.parameter.sizes());
      } else {
        gradient = at::Tensor();
      }
    }
    bucket.work = nullptr;
    bucket.sent = at::Tensor();
    bucket.received = at::Tensor();
  }
}

void GradientBuckets::gatherParameters() {
  if (!owned_) return;
  at::NoGradGuard noGrad;
  std::vector<at::Tensor> whole;
  std::vector<std::shared_ptr<Pending>> works;
  for (Bucket& bucket : buckets_) {
    const auto options = slots_[bucket.slots[0]].parameter.options().requires_grad(false);
    const at::Tensor own = at::zeros({bucket.part}, options);
    for (size_t index : bucket.slots) {
      const Slot& slot = slots_[index];
      if (slot.owner == group_->rank()) own.narrow(0, slot.offset, slot.parameter.numel()).copy_(slot.parameter.view(-1));
    }
    whole.push_back(at::empty({group_->size() * bucket.part}, options));
    works.push_back(group_->allGather(whole.back(), own));
  }
  for (size_t b = 0; b < buckets_.size(); b++) {
    works[b]->wait();
    for (size_t index : buckets_[b].slots) {
      const Slot& slot = slots_[index];
      if (slot.owner != group_->rank()) slot.parameter.copy_(view(whole[b], buckets_[b], slot));
    }
  }
}

}  // namespace tunan
