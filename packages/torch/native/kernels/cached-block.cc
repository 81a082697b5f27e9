// A whole transformer block over the new rows of many sequences behind their caches, in one call. A step of generation
// is a dozen small operations a block, and where rows are few, calling each of them from TypeScript takes longer than
// the serial part of its arithmetic. Each part is the kernel of its own operation, so the numbers are the same; the
// formulas are those of packages/model/src/families. On the CPU, without gradients.
#include <ATen/core/grad_mode.h>
#include <torch/library.h>

#include "block-parts.h"

namespace tunan {
namespace {

using OptionalList = c10::List<OptionalTensor>;

OptionalTensor given(const OptionalList& list, size_t place) { return list.get(place); }

// An affine map: three entries of a list, weight, scale of an int8 weight (K, N), bias.
struct Map {
  at::Tensor weight;
  OptionalTensor scale, bias;

  static Map at(const OptionalList& maps, size_t place) {
    const OptionalTensor weight = given(maps, 3 * place);
    TORCH_CHECK(weight.has_value(), "a block has no weight for its map ", place);
    return {*weight, given(maps, 3 * place + 1), given(maps, 3 * place + 2)};
  }
};

// The weights of plain maps are (K, N) in GPT-2, (N, K) elsewhere.
at::Tensor columns(const at::Tensor& x, const Map& map) {
  return map.scale ? linearInt8(x, map.weight, *map.scale, map.bias, false, {}) : affine(x, map.weight, map.bias);
}

at::Tensor columnsGelu(const at::Tensor& x, const Map& map) {
  TORCH_CHECK(map.bias.has_value(), "the map before a gelu has a bias");
  return map.scale ? linearInt8(x, map.weight, *map.scale, map.bias, true, {}) : affineGelu(x, map.weight, *map.bias);
}

at::Tensor columnsAdded(const at::Tensor& stream, const at::Tensor& x, const Map& map) {
  return map.scale ? linearInt8(x, map.weight, *map.scale, map.bias, false, stream)
                   : affineResidual(stream, x, map.weight, map.bias);
}

at::Tensor rows(const at::Tensor& x, const Map& map) {
  return map.scale ? linearInt8(x, map.weight, *map.scale, map.bias, false, {})
                   : tunan::linear(x, map.weight, map.bias);
}

at::Tensor rowsAdded(const at::Tensor& stream, const at::Tensor& x, const Map& map) {
  return map.scale ? linearInt8(x, map.weight, *map.scale, map.bias, false, stream)
                   : linearResidual(stream, x, map.weight, map.bias);
}

// (N, C) → the rows that go on behind attention; all where absent.
at::Tensor chosen(const at::Tensor& x, const OptionalTensor& wanted) {
  return wanted.has_value() ? x.index_select(0, *wanted) : x;
}

void check(const at::Tensor& x, size_t norms, size_t expectedNorms, size_t maps, size_t expectedMaps,
           const char* operation) {
  TORCH_CHECK(x.is_cpu() && x.dim() == 2 && x.size(0) > 0, operation, " expects rows (N, C) on the CPU, got ",
              x.sizes(), " on ", x.device());
  TORCH_CHECK(norms == expectedNorms && maps == 3 * expectedMaps, operation, " expects ", expectedNorms,
              " tensors of norms and ", expectedMaps, " maps of three, got ", norms, " and ", maps);
}

// x (N, C), the residual stream → (N, C), or (wanted, C). norms: weight and bias before attention, then before the MLP.
// maps: queries, keys and values side by side; attention's output; the MLP up and down. The rest as in attend_cached.
at::Tensor gpt2CachedBlock(const at::Tensor& x, at::TensorList norms, const OptionalList& maps, int64_t headDim,
                           double epsilon, c10::optional<int64_t> dtype, at::TensorList slabs,
                           const at::Tensor& segments, const at::Tensor& blocks, int64_t layer,
                           const OptionalTensor& wanted) {
  check(x, norms.size(), 4, maps.size(), 4, "gpt2_cached_block");
  const at::NoGradGuard noGradient;
  const at::Tensor joint = columns(layerNorm(x, norms[0], norms[1], epsilon, dtype), Map::at(maps, 0));
  TORCH_CHECK(headDim > 0 && joint.size(1) % (3 * headDim) == 0, "gpt2_cached_block: ", joint.size(1),
              " columns are not queries, keys and values of heads of ", headDim);
  const at::Tensor three = joint.view({x.size(0), 3, -1, headDim});
  const at::Tensor mixed =
      attendCached(three.select(1, 0), three.select(1, 1), three.select(1, 2), slabs, segments, blocks, layer);
  const at::Tensor stream = columnsAdded(chosen(x, wanted), chosen(mixed, wanted), Map::at(maps, 1));
  const at::Tensor wide = columnsGelu(layerNorm(stream, norms[2], norms[3], epsilon, dtype), Map::at(maps, 2));
  return columnsAdded(stream, wide, Map::at(maps, 3));
}

// The same of the llama family. positions int64 (N). norms: before attention, before the MLP, of each head of queries
// and of keys, these two where heads are normed. maps: queries, keys, values, attention's output, the MLP's gate, up,
// down.
at::Tensor llamaCachedBlock(const at::Tensor& x, const at::Tensor& positions, const OptionalList& norms,
                            const OptionalList& maps, int64_t headDim, at::ArrayRef<double> frequencies,
                            double queryScale, double epsilon, c10::optional<int64_t> dtype, at::TensorList slabs,
                            const at::Tensor& segments, const at::Tensor& blocks, int64_t layer,
                            const OptionalTensor& wanted) {
  check(x, norms.size(), 4, maps.size(), 7, "llama_cached_block");
  const OptionalTensor before = given(norms, 0), beforeMlp = given(norms, 1);
  TORCH_CHECK(before.has_value() && beforeMlp.has_value(), "llama_cached_block: a block has two norms");
  TORCH_CHECK(headDim > 0, "llama_cached_block: heads of ", headDim, " elements");
  const at::NoGradGuard noGradient;
  const at::Tensor normed = rmsNorm(x, *before, epsilon, dtype);
  const auto headsOf = [&](size_t map) { return rows(normed, Map::at(maps, map)).view({x.size(0), -1, headDim}); };
  at::Tensor queries = rotary(headsOf(0), positions, frequencies, given(norms, 2), epsilon);
  if (queryScale != 1) queries = queries * queryScale;
  const at::Tensor keys = rotary(headsOf(1), positions, frequencies, given(norms, 3), epsilon);
  const at::Tensor mixed = attendCached(queries, keys, headsOf(2), slabs, segments, blocks, layer);
  const at::Tensor stream = rowsAdded(chosen(x, wanted), chosen(mixed, wanted), Map::at(maps, 3));
  const at::Tensor second = rmsNorm(stream, *beforeMlp, epsilon, dtype);
  return rowsAdded(stream, swiglu(rows(second, Map::at(maps, 4)), rows(second, Map::at(maps, 5))), Map::at(maps, 6));
}

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def(
      "gpt2_cached_block(Tensor x, Tensor[] norms, Tensor?[] maps, int head_dim, float epsilon, int? dtype, "
      "Tensor[] slabs, Tensor segments, Tensor blocks, int layer, Tensor? wanted=None) -> Tensor");
  library.def(
      "llama_cached_block(Tensor x, Tensor positions, Tensor?[] norms, Tensor?[] maps, int head_dim, "
      "float[] frequencies, float query_scale, float epsilon, int? dtype, Tensor[] slabs, Tensor segments, "
      "Tensor blocks, int layer, Tensor? wanted=None) -> Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) {
  library.impl("gpt2_cached_block", gpt2CachedBlock);
  library.impl("llama_cached_block", llamaCachedBlock);
}

}  // namespace
}  // namespace tunan
