// Collectives inside autograd: Megatron's conjugate pairs (Shoeybi et al. 2019, arXiv 1909.08053; with sequence parallelism Korthikanti et
// al. 2022, arXiv 2205.05198). A group is named by its number, so they are operators of the dispatcher like any other. All of them wait.
//
//   operator                       forward            backward
//   copy_to_group                  identity           all-reduce
//   reduce_from_group              all-reduce         identity
//   gather_from_group (dim)        all-gather         own part
//   scatter_to_group (dim)         own part           all-gather
//   all_gather_in_group (dim)      all-gather         reduce-scatter
//   reduce_scatter_in_group (dim)  reduce-scatter     all-gather
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "../guard.h"
#include "group.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor reduced(const at::Tensor& x, int64_t group) {
  const at::Tensor out = x.contiguous().clone();
  groupOf(group)->allReduce(out, Reduction::kSum)->wait();
  return out;
}

// (..., n, ...) of each rank → (..., size n, ...), in the order of the ranks.
at::Tensor gathered(const at::Tensor& x, int64_t number, int64_t dim) {
  const auto group = groupOf(number);
  const int64_t size = group->size();
  const at::Tensor first = x.movedim(dim, 0).contiguous();
  std::vector<int64_t> shape = first.sizes().vec();
  shape[0] *= size;
  const at::Tensor out = at::empty(shape, first.options());
  group->allGather(out, first)->wait();
  return out.movedim(0, dim).contiguous();
}

int64_t partOf(const at::Tensor& x, const Group& group, int64_t dim, const char* name) {
  if (x.size(dim) % group.size() != 0) {
    throw UsageError(std::string(name) + ": " + std::to_string(x.size(dim)) + " of dim " + std::to_string(dim) +
                     " cannot be divided by " + std::to_string(group.size()) + " ranks");
  }
  return x.size(dim) / group.size();
}

at::Tensor ownPart(const at::Tensor& x, int64_t number, int64_t dim) {
  const auto group = groupOf(number);
  const int64_t length = partOf(x, *group, dim, "scatter");
  return x.narrow(dim, group->rank() * length, length).contiguous();
}

at::Tensor reduceScattered(const at::Tensor& x, int64_t number, int64_t dim) {
  const auto group = groupOf(number);
  const at::Tensor first = x.movedim(dim, 0).contiguous();
  std::vector<int64_t> shape = first.sizes().vec();
  shape[0] = partOf(x, *group, dim, "reduce-scatter");
  const at::Tensor out = at::empty(shape, first.options());
  group->reduceScatter(out, first, Reduction::kSum)->wait();
  return out.movedim(0, dim).contiguous();
}

// Forward and Backward are (x, group, dim) → tensor; what the table above says.
template <at::Tensor (*Forward)(const at::Tensor&, int64_t, int64_t),
          at::Tensor (*Backward)(const at::Tensor&, int64_t, int64_t)>
class Conjugate : public torch::autograd::Function<Conjugate<Forward, Backward>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t group, int64_t dim) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->saved_data["group"] = group;
    context->saved_data["dim"] = dim;
    return Forward(x, group, dim);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    return {Backward(gradients[0], context->saved_data["group"].toInt(), context->saved_data["dim"].toInt()),
            at::Tensor(), at::Tensor()};
  }
};

at::Tensor same(const at::Tensor& x, int64_t, int64_t) { return x.view_as(x); }
at::Tensor reducedOver(const at::Tensor& x, int64_t group, int64_t) { return reduced(x, group); }

int64_t dimOf(const at::Tensor& x, int64_t dim) {
  const int64_t positive = dim < 0 ? dim + x.dim() : dim;
  TORCH_CHECK(positive >= 0 && positive < x.dim(), "there is no dim ", dim, " in a tensor of ", x.dim(), " dims");
  return positive;
}

at::Tensor copyToGroup(const at::Tensor& x, int64_t group) {
  return Conjugate<same, reducedOver>::apply(x, group, 0);
}
at::Tensor reduceFromGroup(const at::Tensor& x, int64_t group) {
  return Conjugate<reducedOver, same>::apply(x, group, 0);
}
at::Tensor gatherFromGroup(const at::Tensor& x, int64_t group, int64_t dim) {
  return Conjugate<gathered, ownPart>::apply(x, group, dimOf(x, dim));
}
at::Tensor scatterToGroup(const at::Tensor& x, int64_t group, int64_t dim) {
  return Conjugate<ownPart, gathered>::apply(x, group, dimOf(x, dim));
}
at::Tensor allGatherInGroup(const at::Tensor& x, int64_t group, int64_t dim) {
  return Conjugate<gathered, reduceScattered>::apply(x, group, dimOf(x, dim));
}
at::Tensor reduceScatterInGroup(const at::Tensor& x, int64_t group, int64_t dim) {
  return Conjugate<reduceScattered, gathered>::apply(x, group, dimOf(x, dim));
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("copy_to_group(Tensor x, int group) -> Tensor");
  library.def("reduce_from_group(Tensor x, int group) -> Tensor");
  library.def("gather_from_group(Tensor x, int group, int dim) -> Tensor");
  library.def("scatter_to_group(Tensor x, int group, int dim) -> Tensor");
  library.def("all_gather_in_group(Tensor x, int group, int dim) -> Tensor");
  library.def("reduce_scatter_in_group(Tensor x, int group, int dim) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("copy_to_group", copyToGroup);
  library.impl("reduce_from_group", reduceFromGroup);
  library.impl("gather_from_group", gatherFromGroup);
  library.impl("scatter_to_group", scatterToGroup);
  library.impl("all_gather_in_group", allGatherInGroup);
  library.impl("reduce_scatter_in_group", reduceScatterInGroup);
}

}  // namespace
}  // namespace tunan
