// Attention of the new rows of many sequences over what is kept of each (its keys and values, in blocks that may lie
// anywhere and be shared), all sequences in one call (after Kwon et al. 2023). The new keys and values are put into the
// blocks on the way.
//
// A block holds kPositions positions of all layers: (layers, 2, Hkv, kPositions, W) with W the head's width padded
// to 16. Keys stand turned, (W, kPositions) in the same memory: scores of a block are then sums over its rows, without
// adding up the lanes of a vector. Values stand position by position.
#include <torch/library.h>

#include <atomic>
#include <cmath>

#include "block-parts.h"
#include "small-products.h"

namespace tunan {
namespace {

constexpr int64_t kPositions = 32;
// Queries computed together, those of a group of heads side by side.
constexpr int64_t kTileQueries = 24;
// Rows of turned keys, and of values, between which the next block is asked for.
constexpr int64_t kKeyRows = 16, kValueRows = 8;

int64_t paddedWidth(int64_t D) { return padded<float>(D); }

// One head of a sequence: block b of the layer begins at blocks[b].
template <typename Stored>
struct Blocks {
  Stored* const* first;
  int64_t keys, values;  // from there to the head's
  int64_t width;

  TUNAN_INLINE Stored* keysOf(int64_t block) const { return first[block] + keys; }
  TUNAN_INLINE Stored* valuesOf(int64_t block) const { return first[block] + values; }
};

// Rows of heads (N, H, D) by element strides.
template <typename Stored>
struct RowHeads {
  Stored* data;
  int64_t row, head;
};

// Puts position `past` + t of a head in its place, for `rows` rows.
struct KeepPositions {
  template <typename Stored>
  static TUNAN_INLINE void run(Blocks<Stored> blocks, int64_t past, int64_t rows, int64_t D,
                               RowHeads<const Stored> keys, RowHeads<const Stored> values) {
    for (int64_t t = 0; t < rows; t++) {
      const int64_t block = (past + t) / kPositions, place = (past + t) % kPositions;
      Stored* to = blocks.keysOf(block) + place;
      const Stored* key = keys.data + t * keys.row;
      for (int64_t d = 0; d < D; d++) to[d * kPositions] = key[d];
      std::memcpy(blocks.valuesOf(block) + place * blocks.width, values.data + t * values.row,
                  size_t(D) * sizeof(Stored));
    }
  }
};

// Queries i, i + 1 … of one head of keys: i counts the heads of its group at the first row, then at the second.
template <typename Stored>
struct Tile {
  RowHeads<const Stored> queries;  // at the segment's first row and the group's first head
  RowHeads<Stored> out;
  int64_t group, first, count;
  int64_t past, rows;
  bool bothWays;
};

template <int Bytes>
struct AttendTile {
  // memory: kTileQueries rows of width, of the padded keys, and of width.
  template <typename Stored>
  static TUNAN_INLINE void run(Tile<Stored> tile, Blocks<Stored> blocks, int64_t D, float scale, float* memory) {
    const int64_t W = blocks.width;
    const auto seenOf = [&](int64_t i) {
      return tile.past + (tile.bothWays ? tile.rows : (tile.first + i) / tile.group + 1);
    };
    const int64_t keys = seenOf(tile.count - 1), whole = (keys + kPositions - 1) / kPositions;
    const int64_t keyRow = rowWidth<float>(whole * kPositions);
    float *queries = memory, *out = queries + kTileQueries * W, *scores = out + kTileQueries * W;
    for (int64_t i = 0; i < tile.count; i++) {
      const int64_t row = (tile.first + i) / tile.group, head = (tile.first + i) % tile.group;
      const Stored* from = tile.queries.data + row * tile.queries.row + head * tile.queries.head;
      for (int64_t d = 0; d < D; d++) queries[i * W + d] = load(from[d]) * scale;
    }
    // Blocks lie anywhere: no prefetcher of the processor finds the next one by itself.
    for (int64_t b = 0; b < whole; b++) {
      const Stored *block = blocks.keysOf(b), *next = b + 1 < whole ? blocks.keysOf(b + 1) : blocks.valuesOf(0);
      for (int64_t d = 0; d < D; d += kKeyRows) {
        const int64_t depth = std::min(kKeyRows, D - d);
        prefetchLines(next + d * kPositions, depth * kPositions);
        multiplySmall<Bytes>(tile.count, kPositions, depth, (const float*)(queries + d), W, int64_t(1),
                             block + d * kPositions, kPositions, scores + b * kPositions, keyRow, d > 0);
      }
    }
    float inverse[kTileQueries];
    for (int64_t i = 0; i < tile.count; i++) {
      float* row = scores + i * keyRow;
      const int64_t seen = seenOf(i);
      float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
      for (int64_t s = 0; s < seen; s++) largest = row[s] > largest ? row[s] : largest;
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t s = 0; s < seen; s++) {
        row[s] = exponential(row[s] - largest);
        sum += row[s];
      }
      for (int64_t s = seen; s < keys; s++) row[s] = 0.0f;
      inverse[i] = 1.0f / sum;
    }
    for (int64_t b = 0; b < whole; b++) {
      const Stored *block = blocks.valuesOf(b), *next = b + 1 < whole ? blocks.valuesOf(b + 1) : block;
      const int64_t count = std::min(kPositions, keys - b * kPositions);
      for (int64_t s = 0; s < count; s += kValueRows) {
        const int64_t depth = std::min(kValueRows, count - s);
        prefetchLines(next + s * W, depth * W);
        multiplySmall<Bytes>(tile.count, W, depth, (const float*)(scores + b * kPositions + s), keyRow, int64_t(1),
                             block + s * W, W, out, W, b + s > 0);
      }
    }
    for (int64_t i = 0; i < tile.count; i++) {
      const int64_t row = (tile.first + i) / tile.group, head = (tile.first + i) % tile.group;
      Stored* to = tile.out.data + row * tile.out.row + head * tile.out.head;
      for (int64_t d = 0; d < D; d++) store(to[d], out[i * W + d] * inverse[i]);
    }
  }
};

struct Segment {
  int64_t row, rows, past, entry;  // entry: of its first block in the table
  bool bothWays;
};

// Part of the work: one head of keys of one segment, queries [first, first + count) of it.
struct Item {
  int32_t segment, head, first, count;
};

// Calls work(item) for all, each on the next free thread: sequences have all lengths.
template <typename Items, typename Work>
void forEachItem(const Items& items, const Work& work) {
  std::atomic<int64_t> next{0};
  const int64_t count = int64_t(items.size());
  at::parallel_for(0, std::min<int64_t>(at::get_num_threads(), count), 1, [&](int64_t begin, int64_t end) {
    for (int64_t share = begin; share < end; share++) {
      for (int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) work(items[i]);
    }
  });
}

int64_t scratchFloats(int64_t keys, int64_t width) {
  return kTileQueries * (2 * width + rowWidth<float>((keys + kPositions - 1) / kPositions * kPositions));
}

template <typename Stored>
void attendAll(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::vector<Segment>& segments,
               const std::vector<Stored*>& blocks, const at::Tensor& out) {
  const int64_t H = q.size(1), Hkv = k.size(1), D = q.size(2), W = paddedWidth(D), group = H / Hkv;
  const float scale = float(1.0 / std::sqrt(double(D)));
  std::vector<Item> kept, tiles;  // what is kept first: more queries than a tile's look at it from several threads
  int64_t longest = 0;
  for (size_t s = 0; s < segments.size(); s++) {
    const int64_t queries = segments[s].rows * group;
    longest = std::max(longest, segments[s].past + segments[s].rows);
    for (int64_t h = 0; h < Hkv; h++) {
      if (queries > kTileQueries) kept.push_back({int32_t(s), int32_t(h), 0, 0});
      for (int64_t i = 0; i < queries; i += kTileQueries)
        tiles.push_back({int32_t(s), int32_t(h), int32_t(i), int32_t(std::min(kTileQueries, queries - i))});
    }
  }
  const auto blocksOf = [&](const Item& item) {
    const int64_t head = kPositions * W;
    return Blocks<Stored>{blocks.data() + segments[item.segment].entry, item.head * head, (Hkv + item.head) * head, W};
  };
  const auto rowsOf = [&](const at::Tensor& heads, const Item& item, int64_t h) {
    return RowHeads<const Stored>{
        dataOf<Stored>(heads) + segments[item.segment].row * heads.stride(0) + h * heads.stride(1), heads.stride(0),
        heads.stride(1)};
  };
  const auto keep = [&](const Item& item) {
    const Segment& segment = segments[item.segment];
    vectorised<KeepPositions>(blocksOf(item), segment.past, segment.rows, D, rowsOf(k, item, item.head),
                              rowsOf(v, item, item.head));
  };
  if (!kept.empty()) forEachItem(kept, keep);
  const int64_t elements = scratchFloats(longest, W);
  forEachItem(tiles, [&](const Item& item) {
    thread_local std::vector<float> memory;
    if (int64_t(memory.size()) < elements) memory.resize(size_t(elements));
    const Segment& segment = segments[item.segment];
    if (segment.rows * group <= kTileQueries) keep(item);
    const int64_t h = item.head * group;
    const Tile<Stored> tile{rowsOf(q, item, h),
                            {dataOf<Stored>(out) + (segment.row * H + h) * D, H * D, D},
                            group,
                            item.first,
                            item.count,
                            segment.past,
                            segment.rows,
                            segment.bothWays};
    vectorisedByWidth<AttendTile>(tile, blocksOf(item), D, scale, memory.data());
  });
}

// (count, columns) int32 of a table given by TypeScript.
const int32_t* tableOf(const at::Tensor& table, int64_t columns, const char* name) {
  TORCH_CHECK(table.is_cpu() && table.dim() == 2 && table.size(1) == columns && table.scalar_type() == at::kInt &&
                  table.is_contiguous(),
              "attend_cached: ", name, " must be int32 of shape (…, ", columns, ") on the CPU, got ",
              table.scalar_type(), " ", table.sizes());
  return table.data_ptr<int32_t>();
}

void checkSlab(const at::Tensor& slab, const at::Tensor& k, int64_t layer) {
  TORCH_CHECK(slab.dim() == 6 && slab.is_contiguous() && slab.is_cpu() && slab.scalar_type() == k.scalar_type() &&
                  slab.size(2) == 2 && slab.size(3) == k.size(1) && slab.size(4) == kPositions &&
                  slab.size(5) == paddedWidth(k.size(2)),
              "attend_cached expects slabs (blocks, layers, 2, ", k.size(1), ", ", kPositions, ", ",
              paddedWidth(k.size(2)), ") ", k.scalar_type(), ", got ", slab.sizes(), " ", slab.scalar_type());
  TORCH_CHECK(layer >= 0 && layer < slab.size(1), "attend_cached: no layer ", layer, " in slabs ", slab.sizes());
}

}  // namespace

// q (N, H, D), k and v (N, Hkv, D) → (N, H D).
// segments: int32 (G, 4): rows, positions before them, where its blocks begin in the table, whether its rows see each
// other in both directions; rows lie in their order. blocks: int32 (…, 2): slab, block of it.
at::Tensor attendCached(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, at::TensorList slabs,
                        const at::Tensor& segments, const at::Tensor& blocks, int64_t layer) {
  TORCH_CHECK(query.is_cpu(), "attend_cached runs on the CPU only, got tensors on ", query.device());
  TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && key.sizes() == value.sizes() && query.size(0) == key.size(0) &&
                  query.size(2) == key.size(2) && key.size(1) > 0 && query.size(1) % key.size(1) == 0,
              "attend_cached expects q (N, H, D), k and v (N, Hkv, D) with H a multiple of Hkv, got ", query.sizes(),
              ", ", key.sizes(), " and ", value.sizes());
  TORCH_CHECK(key.scalar_type() == query.scalar_type() && value.scalar_type() == query.scalar_type(),
              "attend_cached: q, k and v must be of one dtype, got ", query.scalar_type(), ", ", key.scalar_type(),
              " and ", value.scalar_type());
  for (const at::Tensor& slab : slabs) checkSlab(slab, key, layer);
  const auto inRows = [](const at::Tensor& heads) {
    const bool lies = heads.size(2) <= 1 || heads.stride(2) == 1;
    return lies ? heads : heads.contiguous();
  };
  const at::Tensor q = inRows(query), k = inRows(key), v = inRows(value);
  const int32_t *segment = tableOf(segments, 4, "segments"), *place = tableOf(blocks, 2, "blocks");
  std::vector<Segment> list;
  int64_t row = 0;
  for (int64_t s = 0; s < segments.size(0); s++, segment += 4) {
    list.push_back({row, segment[0], segment[1], segment[2], segment[3] != 0});
    const Segment& last = list.back();
    const int64_t needed = last.past >= 0 && last.rows > 0 ? (last.past + last.rows + kPositions - 1) / kPositions : -1;
    TORCH_CHECK(needed > 0 && last.entry >= 0 && last.entry + needed <= blocks.size(0), "attend_cached: segment ", s,
                " has ", last.rows, " rows behind ", last.past, " positions, and no blocks for them");
    row += last.rows;
  }
  TORCH_CHECK(row == q.size(0), "attend_cached: segments of ", row, " rows do not fit ", q.size(0));
  const at::Tensor out = at::empty({q.size(0), q.size(1) * q.size(2)}, q.options());
  const auto attendAs = [&](auto stored) {
    using Stored = decltype(stored);
    std::vector<Stored*> starts;
    starts.reserve(size_t(blocks.size(0)));
    for (int64_t b = 0; b < blocks.size(0); b++, place += 2) {
      TORCH_CHECK(
          place[0] >= 0 && place[0] < int64_t(slabs.size()) && place[1] >= 0 && place[1] < slabs[place[0]].size(0),
          "attend_cached: no block ", place[1], " in slab ", place[0]);
      const at::Tensor& slab = slabs[place[0]];
      starts.push_back(dataOf<Stored>(slab) + place[1] * slab.stride(0) + layer * slab.stride(1));
    }
    if (q.numel() > 0) attendAll<Stored>(q, k, v, list, starts, out);
  };
  TORCH_CHECK(q.scalar_type() != at::kDouble, "attend_cached: dtype Double is not supported");
  dispatchStored(q.scalar_type(), "attend_cached", [&](auto stored) {
    if constexpr (!std::is_same_v<decltype(stored), double>) attendAs(stored);
  });
  return out;
}

namespace {

TORCH_LIBRARY_FRAGMENT(tunan, library) {
  library.def(
      "attend_cached(Tensor q, Tensor k, Tensor v, Tensor[] slabs, Tensor segments, Tensor blocks, int layer) -> "
      "Tensor");
}

TORCH_LIBRARY_IMPL(tunan, CompositeImplicitAutograd, library) { library.impl("attend_cached", attendCached); }

}  // namespace
}  // namespace tunan
