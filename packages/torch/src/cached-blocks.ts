/**
 * A whole transformer block over rows behind caches, in one call into the addon, for generation on the CPU: the operations of a block
 * one by one cost more to call than their serial part takes where rows are few. The numbers are those of the single operations.
 */

import { codeOfDtype, type DType } from './dtype.ts';
import type { CachedSequences } from './functions.ts';
import { others, type Tensor } from './tensor.ts';

/** x W + b. W is (K, M) in GPT-2 and (M, K) in the llama family; with a scale (M) it is of eight bits and (K, M). */
export interface PlainMap {
  readonly weight: Tensor;
  readonly scale?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
}

export interface CachedBlockOptions {
  readonly headDim: number;
  /** Of the norms. */
  readonly epsilon: number;
  /** Of the branches; the stream is float32. */
  readonly dtype: DType;
}

export interface Gpt2BlockParts {
  /** Weight and bias of the norm before attention, then of that before the MLP. */
  readonly norms: readonly Tensor[];
  /** Queries, keys and values side by side; attention's output; the MLP up and down. */
  readonly maps: readonly PlainMap[];
}

export interface LlamaBlockParts {
  /** Before attention, before the MLP; of each head of queries and of keys where heads are normed. */
  readonly norms: readonly [Tensor, Tensor, Tensor | undefined, Tensor | undefined];
  /** Queries, keys, values, attention's output, the MLP's gate, up and down. */
  readonly maps: readonly PlainMap[];
  /** Of rotary(). */
  readonly frequencies: readonly number[];
  readonly queryScale: number;
}

/** Where the rows of a block belong. */
export interface CachedRowsOf {
  readonly kept: CachedSequences;
  readonly layer: number;
  /** int64: the rows that go on behind attention; all where absent. */
  readonly wanted?: Tensor | undefined;
}

const flat = (maps: readonly PlainMap[]) => maps.flatMap(({ weight, scale, bias }) => [weight, scale, bias]);

/** x (N, C) → (N, C), or as many rows as are wanted. Without gradients. */
export function gpt2CachedBlock(
  x: Tensor,
  { norms, maps }: Gpt2BlockParts,
  { headDim, epsilon, dtype }: CachedBlockOptions,
  { kept: { slabs, segments, blocks }, layer, wanted }: CachedRowsOf,
): Tensor {
  const code = codeOfDtype(dtype);
  return others.gpt2CachedBlock(x, norms, flat(maps), headDim, epsilon, code, slabs, segments, blocks, layer, wanted);
}

/** The same of the llama family. @param positions int64 (N) */
export function llamaCachedBlock(
  x: Tensor,
  positions: Tensor,
  { norms, maps, frequencies, queryScale }: LlamaBlockParts,
  { headDim, epsilon, dtype }: CachedBlockOptions,
  { kept: { slabs, segments, blocks }, layer, wanted }: CachedRowsOf,
): Tensor {
  const turned = [headDim, frequencies, queryScale, epsilon, codeOfDtype(dtype)];
  return others.llamaCachedBlock(x, positions, norms, flat(maps), ...turned, slabs, segments, blocks, layer, wanted);
}
