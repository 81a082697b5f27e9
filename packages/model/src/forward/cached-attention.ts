/**
 * Attention of the new rows of many sequences over their caches: on the CPU by one kernel for all of them (attendCached), elsewhere
 * sequence by sequence by libtorch's operations on the same blocks.
 */

import {
  attendCached,
  attention,
  CACHE_POSITIONS,
  type CachedSequences,
  cat,
  full,
  type Tensor,
  tensor,
} from '@tunan/torch';
import type { Heads } from '../family.ts';
import type { KeyValueCache } from './key-value-cache.ts';
import type { Slab } from './key-value-pool.ts';

/** Rows of one sequence, which go behind what its cache holds. */
export interface CachedRows {
  readonly cache: KeyValueCache;
  readonly count: number;
  /** They see each other in both directions. */
  readonly bothWays: boolean;
}

/** Of all positions, in their order: (1, S, Hkv, D). */
export interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** How rows attend over their caches in a layer: heads (N, …) → (N, H D). */
export interface CachedAttention {
  readonly attend: (heads: QueriesKeysValues, layer: number) => Tensor;
  /** The tables of the kernel, on the CPU. */
  readonly kept: CachedSequences | undefined;
}

type QueriesKeysValues = Pick<Heads, 'queries' | 'keys' | 'values'>;

/**
 * Takes the blocks for the rows. Attention puts the new keys and values into the caches, which count them only by `advance`. The tables
 * belong to the scope they are made in. Without gradients.
 * @throws ModelError MODEL_INPUT_TOO_LONG, MODEL_CACHE_FULL
 */
export function cachedAttention(sequences: readonly CachedRows[], isOnCpu: boolean): CachedAttention {
  for (const { cache, count } of sequences) cache.reserve(count);
  if (!isOnCpu) return { attend: (heads, layer) => attendByOperations(heads, sequences, layer), kept: undefined };
  const slabs = new Map<Slab, number>();
  const places: number[] = [];
  const segments = sequences.flatMap(({ cache, count, bothWays }) => {
    if (count === 0) return [];
    const entry = places.length / 2;
    for (const { slab, place } of cache.blocks) {
      if (!slabs.has(slab)) slabs.set(slab, slabs.size);
      places.push(slabs.get(slab)!, place);
    }
    return [count, cache.length, entry, Number(bothWays)];
  });
  const table = (list: readonly number[], columns: number) =>
    tensor(Int32Array.from(list), { shape: [list.length / columns, columns] });
  const kept = {
    slabs: [...slabs.keys()].map(({ memory }) => memory),
    segments: table(segments, 4),
    blocks: table(places, 2),
  };
  return { attend: ({ queries, keys, values }, layer) => attendCached(queries, keys, values, kept, layer), kept };
}

/** The same by operations, for any device. */
export function attendByOperations(
  { queries, keys, values }: QueriesKeysValues,
  sequences: readonly CachedRows[],
  layer: number,
): Tensor {
  const [, heads, width] = queries.shape as [number, number, number];
  let start = 0;
  const mixed = sequences.map(({ cache, count, bothWays }) => {
    const own = (rows: Tensor) => rows.narrow(0, start, count);
    writeRows(cache, layer, own(keys), own(values));
    const total = cache.length + count;
    const all = readCache(cache, layer, total);
    const range = bothWays ? { last: full([1, count], total, { dtype: 'int64', device: queries.device }) } : {};
    const out = attention(own(queries).unsqueeze(0), all.keys, all.values, range).reshape(count, heads * width);
    start += count;
    return out;
  });
  return cat(mixed);
}

/** Copies of the first `length` positions of one layer. */
export function readCache(cache: KeyValueCache, layer: number, length = cache.length): KeysAndValues {
  const { kvHeads, headDim } = cache.pool.model.sizes;
  const blocks = cache.blocks.slice(0, Math.ceil(length / CACHE_POSITIONS));
  const [keys, values] = [0, 1].map((part) => {
    const pieces = blocks.map(({ slab, place }) => {
      const stored = partOf(slab, place, layer, part);
      const rows = part === 0 ? stored.narrow(1, 0, headDim).permute(2, 0, 1) : stored.transpose(0, 1);
      return rows.narrow(2, 0, headDim); // (positions, Hkv, D)
    });
    return cat(pieces).narrow(0, 0, length).view(1, length, kvHeads, headDim);
  });
  return { keys: keys!, values: values! };
}

/** Rows (T, Hkv, D) behind the filled positions. */
function writeRows(cache: KeyValueCache, layer: number, keys: Tensor, values: Tensor): void {
  const { headDim } = cache.pool.model.sizes;
  const count = keys.shape[0]!;
  for (let done = 0; done < count; ) {
    const position = cache.length + done;
    const place = position % CACHE_POSITIONS;
    const size = Math.min(count - done, CACHE_POSITIONS - place);
    const block = cache.blocks[Math.floor(position / CACHE_POSITIONS)]!;
    const part = (index: number) => partOf(block.slab, block.place, layer, index);
    part(0)
      .narrow(1, 0, headDim)
      .narrow(2, place, size)
      .copy_(keys.narrow(0, done, size).permute(1, 2, 0));
    part(1)
      .narrow(1, place, size)
      .narrow(2, 0, headDim)
      .copy_(values.narrow(0, done, size).transpose(0, 1));
    done += size;
  }
}

/** Of one block and layer: keys (Hkv, W, positions) are part 0, values (Hkv, positions, W) part 1. */
function partOf({ memory }: Slab, place: number, layer: number, part: number): Tensor {
  const stored = memory.select(0, place).select(0, layer).select(0, part); // (Hkv, positions, W)
  const [heads, positions, width] = stored.shape as [number, number, number];
  return part === 0 ? stored.view(heads, width, positions) : stored;
}
