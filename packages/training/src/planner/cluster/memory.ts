/**
 * Memory of a device: weights, gradients, state of the optimizer, and activations after Korthikanti et al. 2022 (arXiv 2205.05198), whose
 * table 2 counts bytes of half-precision activations a layer.
 */
import { type Layout, microBatches } from './layout.ts';
import { blockParameters, type ModelShape } from './shape.ts';

export interface DeviceMemory {
  /** Weights and gradients, bytes. */
  readonly weights: number;
  readonly optimizer: number;
  readonly activations: number;
  readonly total: number;
}

/** Half-precision weights, float32 gradients. */
const WEIGHT_BYTES = 2 + 4;
/** float32 weights and two moments. */
const OPTIMIZER_BYTES = 4 + 4 + 4;

/** Of the fullest device, which is one of the first stage: it holds the embedding, and the most micro batches in flight. */
export function deviceMemory(shape: ModelShape, layout: Layout, globalBatch: number, time: number): DeviceMemory {
  const { data, shardedOptimizer } = layout;
  const parameters = deviceParameters(shape, layout);
  const weights = WEIGHT_BYTES * parameters;
  const optimizer = (OPTIMIZER_BYTES * parameters) / (shardedOptimizer ? data : 1);
  const activations = activationBytes(shape, layout, globalBatch, time);
  return { weights, optimizer, activations, total: weights + optimizer + activations };
}

/** Parameters on that device but biases and norms. */
export function deviceParameters(shape: ModelShape, { tensor, pipeline }: Pick<Layout, 'tensor' | 'pipeline'>): number {
  // Devices that share the keys and values of a head have copies of their maps.
  const block = blockParameters({ ...shape, kvHeads: Math.max(shape.kvHeads, tensor) });
  const stage = (shape.layers / pipeline) * block;
  // With one stage an untied head stands on the same device.
  const tables = pipeline === 1 && !shape.isTied ? 2 : 1;
  return (stage + tables * shape.vocabulary * shape.width) / tensor + shape.positions * shape.width;
}

function activationBytes(shape: ModelShape, layout: Layout, globalBatch: number, time: number): number {
  const { pipeline, chunks, recomputation } = layout;
  const perLayer = layerActivationBytes(shape, layout, time);
  const flying = Math.min(pipeline, microBatches(layout, globalBatch));
  // The interleaved schedule warms up with more pieces in flight.
  const interleaved = chunks === 1 ? 1 : 1 + (pipeline - 1) / (pipeline * chunks);
  const kept = (shape.layers / pipeline) * perLayer * flying * interleaved;
  // One block at a time is computed again.
  const again = recomputation === 'full' ? layerActivationBytes(shape, { ...layout, recomputation: 'none' }, time) : 0;
  return kept + again;
}

/** Bytes that one layer keeps of one micro batch. 34 and 5 are those of a GPT with its MLP of 4 C; other blocks are counted alike. */
export function layerActivationBytes(shape: ModelShape, layout: Layout, time: number): number {
  const { width, heads, kvHeads, headDim, mlpWidth, isGated } = shape;
  const { tensor, microBatch, recomputation, sequenceParallel } = layout;
  const tokens = microBatch * time;
  const spread = sequenceParallel ? tensor : 1;
  if (recomputation === 'full') return (2 * tokens * width) / spread;
  // Input of both norms, of the dropouts behind attention and MLP, and what the first maps read: 10 bytes.
  const stream = 10 * width;
  // Queries, keys, values and the input of the projection: 2 bytes each; the MLP's hidden values before and behind the nonlinearity.
  const inner = 2 * headDim * (2 * heads + 2 * kvHeads) + (isGated ? 6 : 4) * mlpWidth;
  const scores = recomputation === 'selective' ? 0 : 5 * heads * time;
  return tokens * (stream / spread + (inner + scores) / tensor);
}
