/** Functions over several tensors, and the switches of autograd and randomness. */

import { arange, tensor } from './creation.ts';
import { codeOfDtype, type DType } from './dtype.ts';
import { guarded } from './guard.ts';
import { native } from './native.ts';
import { scope } from './scope.ts';
import { differentiable, others, Tensor } from './tensor.ts';

export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return differentiable.cat(tensors, dim);
}

export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return differentiable.stack(tensors, dim);
}

/** Elements of `yes` where the condition holds, else of `no`. */
export function where(condition: Tensor, yes: Tensor, no: Tensor): Tensor {
  return differentiable.where(condition, yes, no);
}

/** Rows of weight (V, C) named by int64 ids (…) → (…, C). */
export function embedding(weight: Tensor, ids: Tensor): Tensor {
  return differentiable.embedding(weight, ids);
}

/**
 * Rows of tokens (V, C) named by int64 ids (B, T) plus rows past … past + T - 1 of positions (P, C) → (B, T, C), at least float32.
 * Backward needs no atomics: each vocabulary row's places are summed in order by one thread.
 */
export function tokenEmbedding(ids: Tensor, tokens: Tensor, positions: Tensor, past = 0): Tensor {
  return differentiable.tokenEmbedding(ids, tokens, positions, past);
}

/**
 * x (…, K) · weight (K, M) + bias (M), the layout of GPT-2's Conv1D. Weight and bias may be float32 while x is bfloat16: the product
 * is in x's dtype, the gradients of weight and bias in theirs.
 */
export function affine(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return differentiable.affine(x, weight, bias);
}

/** gelu_tanh(x · weight + bias), as affine(). */
export function affineGelu(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return differentiable.affineGelu(x, weight, bias);
}

/** gelu_tanh, as affineGelu() has it, of what is more than one product. */
export function geluTanh(x: Tensor): Tensor {
  return differentiable.geluTanh(x);
}

/** residual + (x · weight + bias), as affine(), in the residual's dtype. residual (…, M). */
export function affineResidual(residual: Tensor, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return differentiable.affineResidual(residual, x, weight, bias);
}

/** x (…, K) · weightᵀ (M, K) + bias (M), the layout of torch.nn.Linear; dtypes as affine(). The gradient of the weight is (M, K). */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return differentiable.linear(x, weight, bias);
}

/** residual + (x · weightᵀ + bias), as linear(), in the residual's dtype. residual (…, M). */
export function linearResidual(residual: Tensor, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return differentiable.linearResidual(residual, x, weight, bias);
}

/** A matrix (K, N) of eight bits: column n stands for scale[n] times its elements, -127 … 127. */
export interface Int8Matrix {
  readonly weight: Tensor; // (K, N) int8
  readonly scale: Tensor; // (N) float32
}

/**
 * Rounds each column, the weights of one output, to 255 steps of its largest magnitude over 127.
 * @param layout of the weight: (K, N), or (N, K) as torch.nn.Linear has it
 */
export function quantizeColumns(matrix: Tensor, layout: 'in-out' | 'out-in'): Int8Matrix {
  const [weight, scale] = others.quantizeColumns(matrix, layout === 'out-in');
  return { weight, scale };
}

/**
 * x (…, K) · matrix (K, N) + bias (N), in the arithmetic of x, float32 or bfloat16 with float32 sums: exact but for the rounding of the
 * weights. No gradients.
 * @param after gelu_tanh of the sum, and a residual (…, N) that is added last and gives its dtype
 */
export function linearInt8(
  x: Tensor,
  { weight, scale }: Int8Matrix,
  bias?: Tensor,
  after: { readonly gelu?: boolean; readonly residual?: Tensor } = {},
): Tensor {
  return others.linearInt8(x, weight, scale, bias, after.gelu ?? false, after.residual);
}

/**
 * Normalises x (…, C) over the last dimension. Ba et al. 2016.
 * @param options.dtype of the result, in the same pass; x's own unless told.
 */
export function layerNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  options: { readonly epsilon?: number; readonly dtype?: DType } = {},
): Tensor {
  return differentiable.layerNorm(
    x,
    weight,
    bias,
    options.epsilon ?? 1e-5,
    options.dtype && codeOfDtype(options.dtype),
  );
}

/**
 * The same for a residual stream: gives x itself, to go on with, and its norm. In backward the gradient of the stream is added in the
 * pass of the norm.
 */
export function residualLayerNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  options: { readonly epsilon?: number; readonly dtype?: DType } = {},
): { stream: Tensor; normed: Tensor } {
  const { epsilon = 1e-5, dtype } = options;
  const [stream, normed] = differentiable.residualLayerNorm(x, weight, bias, epsilon, dtype && codeOfDtype(dtype));
  return { stream, normed };
}

/**
 * x (…, C) over the root of the mean of its squares, times weight (C). Zhang and Sennrich 2019.
 * @param options.dtype of the result, in the same pass; x's own unless told.
 */
export function rmsNorm(
  x: Tensor,
  weight: Tensor,
  options: { readonly epsilon?: number; readonly dtype?: DType } = {},
): Tensor {
  return differentiable.rmsNorm(x, weight, options.epsilon ?? 1e-6, options.dtype && codeOfDtype(options.dtype));
}

/** The same for a residual stream, as residualLayerNorm(). */
export function residualRmsNorm(
  x: Tensor,
  weight: Tensor,
  options: { readonly epsilon?: number; readonly dtype?: DType } = {},
): { stream: Tensor; normed: Tensor } {
  const { epsilon = 1e-6, dtype } = options;
  const [stream, normed] = differentiable.residualRmsNorm(x, weight, epsilon, dtype && codeOfDtype(dtype));
  return { stream, normed };
}

export interface RotaryOptions {
  /** Base of the frequencies: pair i of D / 2 turns by theta^(-2i / D) a position, in radians. */
  readonly theta: number;
  /** What each of the D / 2 pairs turns by a position instead. */
  readonly frequencies?: readonly number[] | undefined;
  /** (D): each head is normed as by rmsNorm() before it is turned, which Qwen3 does to queries and keys. */
  readonly normWeight?: Tensor | undefined;
  /** Of that norm. */
  readonly epsilon?: number;
}

/**
 * Rotary positions: the first half of each head of x (…, H, D) is turned against its second half by the row's position. Su et al. 2021.
 * In float32, or float64 where x is. D is even.
 * @param positions int64, of the rows, (…), or of their last dimensions: (T) for x (B, T, H, D)
 */
export function rotary(x: Tensor, positions: Tensor, options: RotaryOptions): Tensor {
  const { theta, normWeight, epsilon = 1e-6 } = options;
  const width = x.shape.at(-1) ?? 0;
  const { frequencies = Array.from({ length: width / 2 }, (_, i) => theta ** ((-2 * i) / width)) } = options;
  return differentiable.rotary(x, positions, frequencies, normWeight, epsilon);
}

/** silu(gate) x up, element by element, of one shape and dtype: the inside of a gated MLP. Shazeer 2020. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return differentiable.swiglu(gate, up);
}

/**
 * Gives the memory of `made` back until the backward pass of its readers, right before which it is made again, to the same bits but for
 * gelu of bfloat16 products that were fused (its rounding). `made` must not be read otherwise. Done for what the norms of residual
 * streams, gelu and swiglu give on the CPU, and affineGelu() everywhere; of others, and without gradients, nothing happens.
 * @param readers all that was computed of it with gradients
 * @returns the readers, to go on with
 */
export function makeAgain(made: Tensor, readers: readonly Tensor[]): Tensor[] {
  return differentiable.makeAgain(made, readers);
}

const reductions = { none: 0, mean: 1, sum: 2 };

/**
 * Cross-entropy of logits (N, V) against int64 targets (N), in nats.
 * @param options.ignoreIndex targets of this value are left out.
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options: { readonly reduction?: 'none' | 'mean' | 'sum'; readonly ignoreIndex?: number } = {},
): Tensor {
  return differentiable.crossEntropy(
    logits,
    targets,
    undefined,
    reductions[options.reduction ?? 'mean'],
    options.ignoreIndex ?? -100,
  );
}

/**
 * Mean cross-entropy of hidden (N, C) · weightᵀ (V, C) against targets (N), in nats, without the (N, V) logits in memory. The weight
 * may be float32 while hidden is bfloat16.
 * @param options.ignoreIndex targets of this value are left out.
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  options: { readonly ignoreIndex?: number } = {},
): Tensor {
  return differentiable.linearCrossEntropy(hidden, weight, targets, options.ignoreIndex ?? -100);
}

/**
 * Cross-entropy of each row of hidden (N, C) · weightᵀ (V, C), in nats → (N) float64; neither the logits in memory nor gradients.
 */
export function linearTokenLosses(hidden: Tensor, weight: Tensor, targets: Tensor): Tensor {
  return others.linearTokenLosses(hidden, weight, targets);
}

/** Which keys each query of (B, T) sees: first <= key < last. int64; causal where one is absent. */
export interface AttentionRange {
  readonly first?: Tensor; // (B, T)
  readonly last?: Tensor; // (B, T)
}

/**
 * Attention: softmax(q kᵀ / sqrt(D)) v over the keys that each query sees. q (B, T, H, D); k and v (B, S, Hkv, D) with S >= T and H a
 * multiple of Hkv: heads h of queries, H / Hkv at a time, share a head of keys and values (Ainslie et al. 2023). Strides are free but
 * for the last dimension: views of joint projections and of a key-value cache cost no copy. → (B, T, H, D).
 * @param range the prefix language model's (prefixRange), that of packed documents (documentRange) or any other; a query that sees
 * nothing gives zeros. Absent it is causal: the queries are the last T of S positions and see those up to their own.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, range: AttentionRange = {}): Tensor {
  return differentiable.attention(q, k, v, range.first, range.last);
}

/**
 * attention() on joint projections (B, T, 3C), queries, keys and values of all heads side by side → (B, T, C): the gradient is joint
 * too, without the copies that putting three together would make.
 */
export function selfAttention(joint: Tensor, heads: number, range: AttentionRange = {}): Tensor {
  return differentiable.selfAttention(joint, heads, range.first, range.last);
}

/** Positions of a block of cached keys and values. */
export const CACHE_POSITIONS = 32;

/** Elements from one cached row of a head of D elements to the next. */
export function cacheRowWidth(headDim: number): number {
  return Math.ceil(headDim / 16) * 16;
}

/** Where the keys and values of sequences are kept. */
export interface CachedSequences {
  /** Each (blocks, L, 2, Hkv, CACHE_POSITIONS, W), W = cacheRowWidth(D), of the dtype of the heads. Keys stand turned, (W, CACHE_POSITIONS). */
  readonly slabs: readonly Tensor[];
  /** int32 (G, 4), in the order of the rows: rows, positions kept before them, first entry in `blocks`, 1 where rows see those behind. */
  readonly segments: Tensor;
  /** int32 (…, 2), in the order of the positions: slab and block of it, with room for the new rows. */
  readonly blocks: Tensor;
}

/**
 * Attention of the new rows of many sequences at once: puts their keys and values (N, Hkv, D) behind those that are kept, and each of
 * the queries (N, H, D) sees those of its own sequence up to itself. float32 or bfloat16, on the CPU; no gradients. → (N, H D).
 */
export function attendCached(q: Tensor, k: Tensor, v: Tensor, kept: CachedSequences, layer: number): Tensor {
  return others.attendCached(q, k, v, kept.slabs, kept.segments, kept.blocks, layer);
}

/** Positions before prefix (B), int64, see each other in both directions; the others see what is before them. T positions. */
export function prefixRange(prefix: Tensor, T: number): AttentionRange {
  return scope(() => {
    const last = arange(1, T + 1, 1, { device: prefix.device })
      .unsqueeze(0)
      .expand(prefix.shape[0]!, T); // (B, T)
    const until = prefix.unsqueeze(1).expand(prefix.shape[0]!, T);
    const inside = last.le(until);
    return { last: where(inside, until, last).contiguous() };
  });
}

/** Documents packed into rows: starts (B, T), int64, holds for each position where its document begins; none sees another. */
export function documentRange(starts: Tensor): AttentionRange {
  return { first: starts };
}

/** Zeroes elements with probability p and scales the others by 1 / (1 - p); the identity when not training. */
export function dropout(x: Tensor, p: number, training: boolean): Tensor {
  return others.dropout(x, p, training);
}

/** Indices drawn from rows of probabilities (…, V) → (…, samples), int64. */
export function multinomial(probabilities: Tensor, samples: number, replacement = true): Tensor {
  return others.multinomial(probabilities, samples, replacement);
}

/**
 * Runs `body` without recording for backward.
 * @throws Error where `body` is asynchronous: recording would be on again before it ends.
 */
export function noGrad<T>(body: () => T): T {
  const before = native().gradMode(false);
  try {
    const result = body();
    if (result instanceof Promise) throw new Error('noGrad() takes a synchronous function');
    return result;
  } finally {
    native().gradMode(before);
  }
}

/** Seeds the global generators of all devices. */
export function manualSeed(seed: number): void {
  guarded(() => native().manualSeed(seed));
}

/** The CPU generator's state as bytes, for checkpoints. */
export function getRandomState(): Uint8Array {
  return scope(() => new Tensor(native().randomState()!).toArray() as Uint8Array);
}

export function setRandomState(state: Uint8Array): void {
  scope(() => guarded(() => native().randomState(tensor(state).handle)));
}

/** Threads of the engine on the CPU. */
export function setThreads(count: number): void {
  guarded(() => native().threads(count));
}

export function getThreads(): number {
  return native().threads();
}

/** Tensors that JavaScript holds and has not disposed. */
export function liveTensors(): number {
  return native().liveTensors();
}
