// Linear layer and cross-entropy in one: the mean over the targets of -log softmax(hidden · weightᵀ)[target], without ever holding
// the (B·T, V) logits. Rows go in chunks; a chunk's logits are turned in place into their gradient, which at once becomes the
// chunk's share of both gradients, so that backward only scales. Gradients are computed in forward where either input needs one.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <limits>
#include <vector>

#include "vectorise.h"

namespace tunan {
namespace {

// Bounds a chunk of logits to about this many elements: 8 MiB of float32 stay in the outer caches.
constexpr int64_t kChunkElements = int64_t(1) << 21;

// One row: returns -log softmax(row)[target] and overwrites the row with scale * (softmax - onehot) when asked.
template <typename Stored, typename Real>
TUNAN_CLONES Real crossEntropyRow(Stored* row, int64_t V, int64_t target, Real scale, bool gradient) {
  Real largest = -std::numeric_limits<Real>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < V; j++) largest = Real(row[j]) > largest ? Real(row[j]) : largest;
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < V; j++) sum += exponential(Real(row[j]) - largest);
  const Real loss = std::log(sum) + largest - Real(row[target]);
  if (gradient) {
    const Real factor = scale / sum;
    // A NaN in the row must reach the loss and the gradient, or a diverged run would go on unnoticed.
#pragma omp simd
    for (int64_t j = 0; j < V; j++) row[j] = Stored(exponential(Real(row[j]) - largest) * factor);
    row[target] = Stored(Real(row[target]) - scale);
  }
  return loss;
}

template <typename Stored, typename Real>
void crossEntropyRows(at::Tensor& logits, const int64_t* targets, int64_t ignore, double scale, bool gradient, double* losses) {
  const int64_t rows = logits.size(0), V = logits.size(1);
  Stored* data = logits.data_ptr<Stored>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Stored* row = data + i * V;
      if (targets[i] == ignore) {
        losses[i] = 0;
        if (gradient) std::fill(row, row + V, Stored(0));
      } else {
        losses[i] = double(crossEntropyRow<Stored, Real>(row, V, targets[i], Real(scale), gradient));
      }
    }
  });
}

struct Result {
  at::Tensor loss, hiddenGradient, weightGradient;
};

// hidden (N, C), weight (V, C), targets (N) int64.
Result forward(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, int64_t ignore, bool wantHidden, bool wantWeight) {
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && targets.dim() == 1, "expects hidden (N, C), weight (V, C), targets (N)");
  TORCH_CHECK(hidden.size(1) == weight.size(1) && hidden.size(0) == targets.size(0), "hidden (N, C), weight (V, C) and targets (N) do not fit");
  TORCH_CHECK(hidden.scalar_type() == weight.scalar_type(), "hidden and weight must have one dtype");
  TORCH_CHECK(targets.scalar_type() == at::kLong, "targets must be int64");
  const at::Tensor contiguousTargets = targets.contiguous();
  const int64_t* targetData = contiguousTargets.data_ptr<int64_t>();
  const int64_t N = hidden.size(0), C = hidden.size(1), V = weight.size(0);
  int64_t counted = 0;
  for (int64_t i = 0; i < N; i++) {
    if (targetData[i] == ignore) continue;
    TORCH_CHECK(targetData[i] >= 0 && targetData[i] < V, "target ", targetData[i], " is outside the vocabulary of ", V);
    counted++;
  }
  TORCH_CHECK(counted > 0, "no target to score");
  const double scale = 1.0 / double(counted);
  const bool gradient = wantHidden || wantWeight;
  const auto wide = weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;

  std::vector<double> losses(N);
  Result out;
  if (wantHidden) out.hiddenGradient = at::empty({N, C}, hidden.options());
  const int64_t chunk = std::max<int64_t>(1, std::min(N, kChunkElements / V));
  for (int64_t start = 0; start < N; start += chunk) {
    const int64_t rows = std::min(chunk, N - start);
    const at::Tensor h = hidden.narrow(0, start, rows);
    at::Tensor logits = at::linear(h, weight).contiguous();  // (rows, V)
    switch (logits.scalar_type()) {
      case at::kDouble:
        crossEntropyRows<double, double>(logits, targetData + start, ignore, scale, gradient, losses.data() + start);
        break;
      case at::kFloat:
        crossEntropyRows<float, float>(logits, targetData + start, ignore, scale, gradient, losses.data() + start);
        break;
      case at::kBFloat16:
        crossEntropyRows<at::BFloat16, float>(logits, targetData + start, ignore, scale, gradient, losses.data() + start);
        break;
      default:
        TORCH_CHECK(false, "dtype ", logits.scalar_type(), " is not supported on the CPU");
    }
    if (wantHidden) {
      at::Tensor part = out.hiddenGradient.narrow(0, start, rows);
      at::mm_out(part, logits, weight);
    }
    if (wantWeight) {
      const at::Tensor share = at::mm(logits.t(), h);
      if (!out.weightGradient.defined()) {
        out.weightGradient = share.to(wide);
      } else {
        out.weightGradient.add_(share);
      }
    }
  }
  double sum = 0;
  for (const double loss : losses) sum += loss;
  out.loss = at::scalar_tensor(sum * scale, at::TensorOptions().dtype(wide));
  return out;
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                            const at::Tensor& targets, int64_t ignore) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const Result result = tunan::forward(hidden, weight, targets, ignore, hidden.requires_grad(), weight.requires_grad());
    context->save_for_backward({result.hiddenGradient, result.weightGradient});
    context->saved_data["dtype"] = int64_t(weight.scalar_type());
    return result.loss;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto dtype = at::ScalarType(context->saved_data["dtype"].toInt());
    const auto scaled = [&](const at::Tensor& gradient) {
      return gradient.defined() ? gradient.mul(gradients[0].to(gradient.scalar_type())).to(dtype) : at::Tensor();
    };
    return {scaled(saved[0]), scaled(saved[1]), at::Tensor(), at::Tensor()};
  }
};

at::Tensor linearCrossEntropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, int64_t ignore) {
  return LinearCrossEntropy::apply(hidden, weight, targets, ignore);
}

at::Tensor linearCrossEntropyInference(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, int64_t ignore) {
  return forward(hidden, weight, targets, ignore, false, false).loss;
}

// Devices with memory for the logits take libtorch's own kernels.
at::Tensor linearCrossEntropyAny(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, int64_t ignore) {
  return at::cross_entropy_loss(at::linear(hidden, weight).to(at::kFloat), targets, {}, at::Reduction::Mean, ignore);
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("linear_cross_entropy(Tensor hidden, Tensor weight, Tensor targets, int ignore_index=-100) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CPU, library) { library.impl("linear_cross_entropy", linearCrossEntropyInference); }

TORCH_LIBRARY_IMPL(tunan, AutogradCPU, library) { library.impl("linear_cross_entropy", linearCrossEntropy); }

TORCH_LIBRARY_IMPL(tunan, AutogradCUDA, library) { library.impl("linear_cross_entropy", linearCrossEntropyAny); }

TORCH_LIBRARY_IMPL(tunan, CUDA, library) { library.impl("linear_cross_entropy", linearCrossEntropyAny); }

}  // namespace
}  // namespace tunan
