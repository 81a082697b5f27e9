// The global gradient norm. Partial sums are over fixed pieces of each tensor, in double, added in order: the result
// does not depend on the number of threads, which bit-exact resume needs.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <vector>

#include "vectorise.h"

namespace tunan {
namespace {

constexpr int64_t kPiece = 1 << 14;

struct PieceSum {
  template <typename Real>
  static TUNAN_INLINE double run(const Real* values, int64_t count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) sum += double(values[i]) * double(values[i]);
    return sum;
  }
};

double sumOfSquares(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  const int64_t pieces = (values.numel() + kPiece - 1) / kPiece;
  std::vector<double> partial(pieces);
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "gradient_norm", [&] {
    const scalar_t* data = values.data_ptr<scalar_t>();
    at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; piece++) {
        partial[piece] = vectorised<PieceSum>(data + piece * kPiece, std::min(kPiece, values.numel() - piece * kPiece));
      }
    });
  });
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

at::Tensor gradientNormCpu(at::TensorList gradients) {
  double sum = 0;
  for (const at::Tensor& gradient : gradients) sum += sumOfSquares(gradient);
  return at::scalar_tensor(std::sqrt(sum), at::kDouble);
}

// Any device: stays on the device, no host synchronisation.
at::Tensor gradientNormAny(at::TensorList gradients) {
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients) norms.push_back(gradient.norm().to(at::kFloat));
  TORCH_CHECK(!norms.empty(), "no gradients");
  return at::stack(norms).norm();
}

TORCH_LIBRARY_FRAGMENT(tunan, library) { library.def("gradient_norm(Tensor[] gradients) -> Tensor"); }

TORCH_LIBRARY_IMPL(tunan, CPU, library) { library.impl("gradient_norm", gradientNormCpu); }

TORCH_LIBRARY_IMPL(tunan, CUDA, library) { library.impl("gradient_norm", gradientNormAny); }

}  // namespace
}  // namespace tunan
