// Linear layer and cross-entropy in one: the mean over the targets of -log softmax(hidden · weightᵀ)[target], without
// ever holding the (B·T, V) logits. Rows go in chunks; a chunk's logits are turned in place into their gradient, which
// at once becomes the chunk's share of both gradients, so that backward only scales. Gradients are computed in forward
// where either input needs one.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <limits>
#include <vector>

#include "product.h"
#include "rows.h"

namespace tunan {
namespace {

// Whether a product of both gives logits: hidden may be narrower than the weight.
void checkDtypes(const at::Tensor& hidden, const at::Tensor& weight) {
  const auto given = hidden.scalar_type(), kept = weight.scalar_type();
  TORCH_CHECK(given == kept || ((given == at::kBFloat16 || given == at::kHalf) && kept == at::kFloat),
              "hidden and weight must have one dtype, or be bfloat16 or float16 and float32");
}

// Bounds a chunk of logits to this many elements. Smaller chunks would stay in nearer caches, but every chunk packs the
// weight anew for its products and adds a (V, C) share to the weight's gradient.
constexpr int64_t kChunkElements = int64_t(1) << 23;
constexpr int64_t kPieceOfRow = 1024;

// One row of logits: returns -log softmax(row)[target] and, when asked, overwrites the row with scale * (softmax -
// onehot). A NaN in the row reaches both, or a diverged run would go on unnoticed.
struct CrossEntropyRow {
  template <typename Stored>
  static TUNAN_INLINE WideOf<Stored> run(Stored* row, int64_t V, int64_t target, WideOf<Stored> scale, bool gradient) {
    using Real = WideOf<Stored>;
    Real largest = -std::numeric_limits<Real>::infinity();
#pragma omp simd reduction(max : largest)
    for (int64_t j = 0; j < V; j++) largest = load(row[j]) > largest ? load(row[j]) : largest;
    const Real targetLogit = load(row[target]);
    // Summed in pieces: a vocabulary is long for one float32 sum.
    double sum = 0;
    for (int64_t first = 0; first < V; first += kPieceOfRow) {
      const int64_t last = std::min(V, first + kPieceOfRow);
      Real piece = 0;
      if (gradient) {
#pragma omp simd reduction(+ : piece)
        for (int64_t j = first; j < last; j++) {
          const Real power = exponential(load(row[j]) - largest);
          piece += power;
          store(row[j], power);
        }
      } else {
#pragma omp simd reduction(+ : piece)
        for (int64_t j = first; j < last; j++) piece += exponential(load(row[j]) - largest);
      }
      sum += double(piece);
    }
    if (gradient) {
      const Real factor = scale / Real(sum);
      for (int64_t j = 0; j < V; j++) store(row[j], load(row[j]) * factor);
      store(row[target], exponential(targetLogit - largest) * factor - scale);
    }
    return Real(std::log(sum) + double(largest) - double(targetLogit));
  }
};

// Logits (rows, V) of a product. A row's stride is not a power of two, or the rows that a product reads together would
// all fall into one set of the nearest cache.
at::Tensor logitsOf(const at::Tensor& hidden, const at::Tensor& weight) {
  if (!hasFusedProducts(hidden)) return product(hidden, weight.t(), hidden.scalar_type());
  const int64_t rows = hidden.size(0), V = weight.size(0);
  Fusion fusion;
  fusion.result = at::empty({rows, (V + 31) / 32 * 32 + 32}, hidden.options()).narrow(1, 0, V);
  return product(hidden, weight.t(), hidden.scalar_type(), fusion);
}

void crossEntropyRows(const at::Tensor& logits, const int64_t* targets, int64_t ignore, double scale, bool gradient,
                      double* losses) {
  const int64_t rows = logits.size(0), V = logits.size(1), stride = logits.stride(0);
  dispatchStored(logits.scalar_type(), "linear_cross_entropy", [&](auto stored) {
    using Stored = decltype(stored);
    Stored* data = dataOf<Stored>(logits);
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        Stored* row = data + i * stride;
        if (targets[i] == ignore) {
          losses[i] = 0;
          if (gradient) std::memset(row, 0, size_t(V) * sizeof(Stored));
        } else {
          losses[i] = double(vectorised<CrossEntropyRow>(row, V, targets[i], WideOf<Stored>(scale), gradient));
        }
      }
    });
  });
}

struct Result {
  at::Tensor loss, hiddenGradient, weightGradient;
  double left = 1;  // what both gradients are still to be multiplied by
};

// hidden (N, C), weight (V, C), targets (N) int64.
Result forward(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets, int64_t ignore,
               bool wantHidden, bool wantWeight) {
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && targets.dim() == 1,
              "expects hidden (N, C), weight (V, C), targets (N)");
  TORCH_CHECK(hidden.size(1) == weight.size(1) && hidden.size(0) == targets.size(0),
              "hidden (N, C), weight (V, C) and targets (N) do not fit");
  checkDtypes(hidden, weight);
  TORCH_CHECK(targets.scalar_type() == at::kLong, "targets must be int64");
  TORCH_CHECK(hidden.device() == weight.device() && hidden.device() == targets.device(),
              "hidden, weight and targets must be on one device");
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
  // A share of thousands of targets is less than float16 can tell from zero: there the gradients are divided by their
  // number only when the loss's own gradient, with the scale in it, is known.
  const bool isLate = hidden.scalar_type() == at::kHalf;
  const bool gradient = wantHidden || wantWeight;
  const auto wide = weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;

  std::vector<double> losses(N);
  Result out;
  if (isLate) out.left = scale;
  const auto gradientType = isLate ? at::kFloat : hidden.scalar_type();
  if (wantHidden) out.hiddenGradient = at::empty({N, C}, hidden.options().dtype(gradientType));
  const int64_t chunk = std::max<int64_t>(1, std::min(N, kChunkElements / V));
  for (int64_t start = 0; start < N; start += chunk) {
    const int64_t rows = std::min(chunk, N - start);
    const at::Tensor h = hidden.narrow(0, start, rows);
    const at::Tensor logits = logitsOf(h, weight);  // (rows, V)
    crossEntropyRows(logits, targetData + start, ignore, isLate ? 1.0 : scale, gradient, losses.data() + start);
    if (wantHidden) out.hiddenGradient.narrow(0, start, rows).copy_(product(logits, weight, gradientType));
    if (!wantWeight) continue;
    if (out.weightGradient.defined() && wide == at::kFloat && hasFusedProducts(logits.t())) {
      Fusion fusion;
      fusion.residual = fusion.result = out.weightGradient;
      product(logits.t(), h, wide, fusion);
    } else if (out.weightGradient.defined()) {
      out.weightGradient.add_(product(logits.t(), h, wide));
    } else {
      out.weightGradient = product(logits.t(), h, wide);
    }
  }
  double sum = 0;
  for (const double loss : losses) sum += loss;
  out.loss = at::scalar_tensor(sum * scale, at::TensorOptions().dtype(wide));
  return out;
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& weight, const at::Tensor& targets, int64_t ignore) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const Result result =
        tunan::forward(hidden, weight, targets, ignore, hidden.requires_grad(), weight.requires_grad());
    context->save_for_backward({result.hiddenGradient, result.weightGradient});
    context->saved_data["dtype"] = int64_t(weight.scalar_type());
    context->saved_data["hidden"] = int64_t(hidden.scalar_type());
    context->saved_data["left"] = result.left;
    return result.loss;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto dtype = at::ScalarType(context->saved_data["dtype"].toInt());
    const auto hiddenType = at::ScalarType(context->saved_data["hidden"].toInt());
    const double scale = gradients[0].item<double>() * context->saved_data["left"].toDouble();
    const auto scaled = [&](const at::Tensor& gradient, at::ScalarType type) {
      if (!gradient.defined()) return at::Tensor();
      return (scale == 1 ? gradient : gradient.mul(scale)).to(type);
    };
    return {scaled(saved[0], hiddenType), scaled(saved[1], dtype), at::Tensor(), at::Tensor()};
  }
};

at::Tensor linearCrossEntropyInference(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                       int64_t ignore) {
  return forward(hidden, weight, targets, ignore, false, false).loss;
}

at::Tensor linearCrossEntropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                              int64_t ignore) {
  // Evaluation runs without gradients over parameters that want them.
  if (!at::GradMode::is_enabled()) return linearCrossEntropyInference(hidden, weight, targets, ignore);
  return LinearCrossEntropy::apply(hidden, weight, targets, ignore);
}

// The loss of each row, (N) in float64, of the same product; not differentiable.
at::Tensor linearTokenLosses(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets) {
  at::NoGradGuard guard;
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && targets.dim() == 1 && hidden.size(1) == weight.size(1) &&
                  hidden.size(0) == targets.size(0),
              "linear_token_losses expects hidden (N, C), weight (V, C), targets (N)");
  checkDtypes(hidden, weight);
  TORCH_CHECK(targets.scalar_type() == at::kLong, "targets must be int64");
  TORCH_CHECK(hidden.device() == weight.device() && hidden.device() == targets.device(),
              "hidden, weight and targets must be on one device");
  const int64_t N = hidden.size(0), V = weight.size(0);
  if (!hidden.is_cpu()) {
    return at::cross_entropy_loss(at::linear(hidden, weight.to(hidden.scalar_type())).to(at::kFloat), targets, {},
                                  at::Reduction::None)
        .to(at::kDouble);
  }
  const at::Tensor contiguousTargets = targets.contiguous();
  const int64_t* targetData = contiguousTargets.data_ptr<int64_t>();
  for (int64_t i = 0; i < N; i++)
    TORCH_CHECK(targetData[i] >= 0 && targetData[i] < V, "target ", targetData[i], " is outside the vocabulary of ", V);
  const at::Tensor losses = at::empty({N}, at::TensorOptions().dtype(at::kDouble));
  const int64_t chunk = std::max<int64_t>(1, std::min(N, kChunkElements / V));
  for (int64_t start = 0; start < N; start += chunk) {
    const int64_t rows = std::min(chunk, N - start);
    const at::Tensor logits = logitsOf(hidden.narrow(0, start, rows), weight);
    crossEntropyRows(logits, targetData + start, -1, 1.0, false, losses.data_ptr<double>() + start);
  }
  return losses;
}

// Devices with memory for the logits take libtorch's own kernels.
at::Tensor linearCrossEntropyAny(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                 int64_t ignore) {
  return at::cross_entropy_loss(at::linear(hidden, weight.to(hidden.scalar_type())).to(at::kFloat), targets, {},
                                at::Reduction::Mean, ignore);
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("linear_cross_entropy(Tensor hidden, Tensor weight, Tensor targets, int ignore_index=-100) -> Tensor");
  library.def("linear_token_losses(Tensor hidden, Tensor weight, Tensor targets) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CPU, library) { library.impl("linear_cross_entropy", linearCrossEntropyInference); }

TORCH_LIBRARY_IMPL(tunan, AutogradCPU, library) { library.impl("linear_cross_entropy", linearCrossEntropy); }

TORCH_LIBRARY_IMPL(tunan, AutogradCUDA, library) { library.impl("linear_cross_entropy", linearCrossEntropyAny); }

TORCH_LIBRARY_IMPL(tunan, CUDA, library) { library.impl("linear_cross_entropy", linearCrossEntropyAny); }

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("linear_token_losses", linearTokenLosses);
}

}  // namespace
}  // namespace tunan
