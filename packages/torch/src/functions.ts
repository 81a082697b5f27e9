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

/**
 * Causal attention. q (B, H, T, D); k and v (B, H, S, D) with S >= T: the queries are the last T of S positions, so that a
 * key-value cache fits. Softmax of q kᵀ / sqrt(D) over the positions up to each query's own. → (B, H, T, D).
 */
export function causalAttention(q: Tensor, k: Tensor, v: Tensor): Tensor {
  return differentiable.causalAttention(q, k, v);
}

/** Which keys each query of (B, T) sees: first <= key < last. int64; causal where one is absent. */
export interface AttentionRange {
  readonly first?: Tensor; // (B, T)
  readonly last?: Tensor; // (B, T)
}

/**
 * causalAttention on joint projections (B, T, 3C), queries, keys and values of all heads side by side → (B, T, C), without the
 * copies that taking them apart and putting heads together would make. With a range it is the attention of a prefix language
 * model (prefixRange) or of packed documents (documentRange); a query that sees nothing gives zeros.
 */
export function selfAttention(joint: Tensor, heads: number, range: AttentionRange = {}): Tensor {
  return differentiable.selfAttention(joint, heads, range.first, range.last);
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
