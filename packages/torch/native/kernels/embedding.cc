// Token and position embeddings of a batch, added. Backward sums by vocabulary row: the places where each token stands
// are sorted, so that a row belongs to one thread and its sum has one order, without atomics.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <numeric>

#include "rows.h"

namespace tunan {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct AddTwoRows {
  template <typename Stored, typename Real>
  static TUNAN_INLINE void run(const Stored* __restrict__ a, const Stored* __restrict__ b, Real* __restrict__ y,
                               int64_t C) {
    for (int64_t j = 0; j < C; j++) y[j] = Real(load(a[j])) + Real(load(b[j]));
  }
};

struct AccumulateRow {
  template <typename Real>
  static TUNAN_INLINE void run(const Real* __restrict__ x, Real* __restrict__ sums, int64_t C) {
    for (int64_t j = 0; j < C; j++) sums[j] += x[j];
  }
};

at::ScalarType streamType(const at::Tensor& weight) {
  return weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

at::Tensor lookUp(const at::Tensor& ids, const at::Tensor& tokens, const at::Tensor& positions, int64_t past) {
  const int64_t T = ids.size(1), C = tokens.size(1), V = tokens.size(0);
  if (!ids.is_cpu()) {
    const at::Tensor places = at::arange(past, past + T, ids.options());
    return at::embedding(tokens, ids).to(streamType(tokens)) + at::embedding(positions, places).to(streamType(tokens));
  }
  const at::Tensor flat = ids.contiguous(), table = tokens.contiguous(), placeTable = positions.contiguous();
  const int64_t* id = flat.data_ptr<int64_t>();
  for (int64_t i = 0; i < flat.numel(); i++)
    TORCH_CHECK(id[i] >= 0 && id[i] < V, "token ", id[i], " is outside the vocabulary of ", V);
  const at::Tensor y = at::empty({ids.size(0), T, C}, tokens.options().dtype(streamType(tokens)));
  dispatchStored(tokens.scalar_type(), "token_embedding", [&](auto stored) {
    using Stored = decltype(stored);
    const Stored *a = dataOf<Stored>(table), *b = dataOf<Stored>(placeTable);
    WideOf<Stored>* out = dataOf<WideOf<Stored>>(y);
    at::parallel_for(0, flat.numel(), 32, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++)
        vectorised<AddTwoRows>(a + id[i] * C, b + (past + i % T) * C, out + i * C, C);
    });
  });
  return y;
}

// dy (B T, C) summed into the rows of the vocabulary.
at::Tensor tokenGradient(const at::Tensor& ids, const at::Tensor& dy, int64_t V) {
  const int64_t N = ids.numel(), C = dy.size(-1);
  const int64_t* id = ids.data_ptr<int64_t>();
  std::vector<int64_t> start(size_t(V + 1), 0), places(static_cast<size_t>(N));
  for (int64_t i = 0; i < N; i++) start[id[i] + 1]++;
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  for (int64_t i = 0; i < N; i++) places[next[id[i]]++] = i;
  const at::Tensor out = at::empty({V, C}, dy.options());
  dispatchStored(dy.scalar_type(), "token_embedding", [&](auto stored) {
    using Real = WideOf<decltype(stored)>;
    if constexpr (std::is_same_v<Real, decltype(stored)>) {
      const Real* from = dataOf<Real>(dy);
      Real* to = dataOf<Real>(out);
      at::parallel_for(0, V, 64, [&](int64_t begin, int64_t end) {
        std::fill(to + begin * C, to + end * C, Real(0));
        for (int64_t place = start[begin]; place < start[end]; place++) {
          vectorised<AccumulateRow>(from + places[place] * C, to + id[places[place]] * C, C);
        }
      });
    }
  });
  return out;
}

class TokenEmbedding : public torch::autograd::Function<TokenEmbedding> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& ids, const at::Tensor& tokens,
                            const at::Tensor& positions, int64_t past) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({ids.contiguous()});
    context->saved_data["past"] = past;
    context->saved_data["V"] = tokens.size(0);
    context->saved_data["places"] = positions.size(0);
    context->saved_data["tokens"] = int64_t(tokens.scalar_type());
    context->saved_data["positions"] = int64_t(positions.scalar_type());
    return lookUp(ids, tokens, positions, past);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const at::Tensor ids = context->get_saved_variables()[0];
    const at::Tensor dy = gradients[0].contiguous();  // (B, T, C)
    const int64_t past = context->saved_data["past"].toInt(), V = context->saved_data["V"].toInt(),
                  places = context->saved_data["places"].toInt();
    const int64_t T = ids.size(1), C = dy.size(-1);
    at::Tensor dTokens, dPositions;
    if (context->needs_input_grad(1)) {
      dTokens = ids.is_cpu() ? tokenGradient(ids, dy, V) : at::embedding_dense_backward(dy, ids, V, -1, false);
      dTokens = dTokens.to(at::ScalarType(context->saved_data["tokens"].toInt()));
    }
    if (context->needs_input_grad(2)) {
      dPositions = at::zeros({places, C}, dy.options());
      dPositions.narrow(0, past, T).copy_(dy.sum(0));
      dPositions = dPositions.to(at::ScalarType(context->saved_data["positions"].toInt()));
    }
    return {at::Tensor(), dTokens, dPositions, at::Tensor()};
  }
};

at::Tensor tokenEmbedding(const at::Tensor& ids, const at::Tensor& tokens, const at::Tensor& positions, int64_t past) {
  TORCH_CHECK(ids.dim() == 2 && ids.scalar_type() == at::kLong && tokens.dim() == 2 && positions.dim() == 2 &&
                  tokens.size(1) == positions.size(1),
              "token_embedding expects ids (B, T) int64, tokens (V, C) and positions (P, C), got ", ids.sizes(), ", ",
              tokens.sizes(), " and ", positions.sizes());
  TORCH_CHECK(ids.device() == tokens.device() && ids.device() == positions.device(),
              "token_embedding: ids and tables must be on one device");
  TORCH_CHECK(tokens.scalar_type() == positions.scalar_type(), "token_embedding: both tables must have one dtype");
  TORCH_CHECK(past >= 0 && past <= positions.size(0) - ids.size(1), "token_embedding: positions ", past, " to ",
              past + ids.size(1), " do not fit into ", positions.size(0));
  return TokenEmbedding::apply(ids, tokens, positions, past);
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def("token_embedding(Tensor ids, Tensor tokens, Tensor positions, int past=0) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("token_embedding", tokenEmbedding); }

}  // namespace
}  // namespace tunan
