// Selective recomputation: what costs little work and much memory, the norms and nonlinearities of a block, is not kept
// between the forward pass and the backward pass of those that read it. Their results have passed through; the memory
// under what they saved is given back at once, and filled again right before their backward passes. The readers know
// nothing of it: maps, adapters and parts of maps on several processes are served alike. (Megatron-LM calls it
// recomputation that discards outputs. Korthikanti et al. 2022, arXiv 2205.05198, recompute the core of attention,
// whose scores attention.cc never keeps.)
#include "make-again.h"

#include <torch/custom_class.h>
#include <torch/library.h>

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Absent : torch::CustomClassHolder {
  at::Tensor made;
  Maker maker;
};

at::DataPtr exchangeMemory(const at::Tensor& tensor, at::DataPtr&& memory) {
  return tensor.storage().unsafeGetStorageImpl()->set_data_ptr(std::move(memory));
}

at::DataPtr noMemory(const at::Tensor& tensor) { return at::DataPtr(nullptr, tensor.device()); }

// Gives its inputs on. Backward begins when the gradients of all of them are there, and none of their own backward
// passes has begun.
class MakeAgain : public torch::autograd::Function<MakeAgain> {
 public:
  static variable_list forward(AutogradContext* context, at::TensorList readers,
                               const c10::intrusive_ptr<torch::CustomClassHolder>& absent) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->saved_data["absent"] = c10::IValue::make_capsule(absent);
    context->set_materialize_grads(false);
    return readers.vec();
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto holder = context->saved_data["absent"].toCapsule();
    Absent& absent = *static_cast<Absent*>(holder.get());
    // Where a graph is kept for a second backward pass, it is there already.
    if (absent.maker) {
      const at::Tensor again = absent.maker();
      TORCH_CHECK(again.nbytes() == absent.made.nbytes(), "make_again: what is made again has another size");
      exchangeMemory(absent.made, exchangeMemory(again, noMemory(again)));
      absent.maker = {};
      absent.made.reset();
    }
    gradients.emplace_back();
    return gradients;
  }
};

Maker makerOfAny(const std::shared_ptr<torch::autograd::Node>& node) {
  for (const auto& find : {layerNormMaker, rmsNormMaker, geluMaker, swigluMaker}) {
    if (Maker maker = find(node)) return maker;
  }
  return {};
}

std::vector<at::Tensor> makeAgain(const at::Tensor& made, at::TensorList readers) {
  const auto node = made.grad_fn();
  const bool isWhole = made.is_contiguous() && made.storage_offset() == 0 && made.storage().nbytes() == made.nbytes();
  const bool hasReaders =
      std::any_of(readers.begin(), readers.end(), [](const auto& one) { return one.requires_grad(); });
  if (node == nullptr || !isWhole || !hasReaders || !at::GradMode::is_enabled()) return readers.vec();
  auto absent = c10::make_intrusive<Absent>();
  absent->maker = makerOfAny(node);
  if (!absent->maker) return readers.vec();
  absent->made = made;
  variable_list given = MakeAgain::apply(readers, c10::intrusive_ptr<torch::CustomClassHolder>(absent));
  exchangeMemory(made, noMemory(made));
  return given;
}

TORCH_LIBRARY_FRAGMENT(tunan, library) { library.def("make_again(Tensor made, Tensor[] readers) -> Tensor[]"); }

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("make_again", makeAgain); }

}  // namespace
}  // namespace tunan
