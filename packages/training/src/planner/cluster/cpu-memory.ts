/** Memory of a process that trains on the CPU: float32 weights, gradients and moments, activations in the precision of the products. */
import type { CpuFigures } from './cpu-figures.ts';
import { type Layout, microBatches } from './layout.ts';
import { type DeviceMemory, deviceParameters } from './memory.ts';
import type { ModelShape } from './shape.ts';

/** Weights and gradients. */
const WEIGHT_BYTES = 4 + 4;
/** Two moments. */
const OPTIMIZER_BYTES = 4 + 4;
/** Of copies: gradients and parameters lie once more in the buckets in which they go off. */
const BUCKET_BYTES = 4 + 4;

/** Weights and moments while a thread writes them. */
const CHECKPOINT_BYTES = { weights: 4, moments: 8 };

interface Surroundings {
  /** Whether a copy of the state lies in memory while it is written; as it does unless told. */
  readonly checkpoint?: boolean;
  readonly globalBatch: number;
  readonly time: number;
  readonly cpu: CpuFigures;
}

/** Of the fullest process, one of the first stage; `weights` has in it what a process takes before it has any, `optimizer` a checkpoint. */
export function cpuProcessMemory(
  shape: ModelShape,
  layout: Layout,
  { globalBatch, time, cpu, checkpoint = true }: Surroundings,
): DeviceMemory {
  const { data, pipeline, recomputation } = layout;
  const parameters = deviceParameters(shape, layout);
  const weights = cpu.empty + (WEIGHT_BYTES + (data > 1 ? BUCKET_BYTES : 0)) * parameters;
  const shared = layout.shardedOptimizer ? data : 1;
  const copied = checkpoint ? CHECKPOINT_BYTES.weights + CHECKPOINT_BYTES.moments / shared : 0;
  const optimizer = (OPTIMIZER_BYTES / shared + copied) * parameters;
  const layer = layerBytes(shape, layout, time, cpu);
  const flying = Math.min(pipeline, microBatches(layout, globalBatch));
  const layers = shape.layers / pipeline;
  const tokens = layout.microBatch * time;
  const kept = recomputation === 'full' ? layers * flying * 4 * tokens * shape.width + layer : layers * flying * layer;
  const activations = kept + workBytes(shape, layout, tokens);
  return { weights, optimizer, activations, total: weights + optimizer + activations };
}

/** What a layer keeps of a micro batch for its backward pass. */
function layerBytes(shape: ModelShape, layout: Layout, time: number, { precision }: CpuFigures): number {
  const { width, heads, kvHeads, headDim, mlpWidth, isGated } = shape;
  const { tensor, microBatch, sequenceParallel, recomputation } = layout;
  // What the norms and the nonlinearity give is made again.
  const again = recomputation === 'selective' ? 1 : 0;
  const bytes = precision === 'bfloat16' ? 2 : 4;
  // The stream before each norm, float32, and what the norms give.
  const stream = (2 * 4 + 2 * (1 - again) * bytes) * width;
  const inner = bytes * (headDim * (2 * heads + 2 * kvHeads) + ((isGated ? 3 : 2) - again) * mlpWidth);
  return microBatch * time * (stream / (sequenceParallel ? tensor : 1) + inner / tensor);
}

/** What a backward pass has beside: gradients of the stream and of the widest map of a block. */
function workBytes({ width, mlpWidth }: ModelShape, { tensor }: Layout, tokens: number): number {
  return 4 * tokens * (3 * width + (2 * mlpWidth) / tensor);
}
