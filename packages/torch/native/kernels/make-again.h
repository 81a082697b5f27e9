// What makes again what an operator gave, so that it need not be kept for backward: make-again.cc.
#pragma once
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <functional>
#include <memory>

namespace tunan {

using Maker = std::function<at::Tensor()>;

// What makes a node's result again of what the node has saved: `again` is given its context, until its backward has
// run. Empty where the node is of another operator.
template <typename Operator>
Maker makerOf(const std::shared_ptr<torch::autograd::Node>& node,
              at::Tensor (*again)(torch::autograd::AutogradContext&)) {
  const auto own = std::dynamic_pointer_cast<torch::autograd::CppNode<Operator>>(node);
  if (own == nullptr) return {};
  return [own, again] { return again(own->ctx_); };
}

// Each knows its own operators: the norm of a residual stream, gelu of a product, silu(gate) · up.
Maker layerNormMaker(const std::shared_ptr<torch::autograd::Node>& node);
Maker rmsNormMaker(const std::shared_ptr<torch::autograd::Node>& node);
Maker geluMaker(const std::shared_ptr<torch::autograd::Node>& node);
Maker swigluMaker(const std::shared_ptr<torch::autograd::Node>& node);

}  // namespace tunan
