/**
 * Time of a training step: products by tiles and waves, elementwise kernels by bytes, collectives by links, the bubble of the pipeline. What each
 * term is and where it comes from: docs/planning.md.
 */
import type { Device } from './devices.ts';
import { EFFICIENCY, type Efficiency, type Runtime } from './efficiency.ts';
import { devicesOf, type Layout, microBatches } from './layout.ts';
import { blockParameters, type ModelShape } from './shape.ts';

/** Seconds of one step. */
export interface StepTime {
  readonly total: number;
  /** Products, attention and elementwise kernels of a stage, over all micro batches. */
  readonly compute: number;
  /** Collectives of the tensor's devices that nothing hides. */
  readonly tensor: number;
  /** Sends between stages that nothing hides. */
  readonly pipeline: number;
  /** Waiting for the first and the last micro batch, and for the stage with the head. */
  readonly bubble: number;
  /** Reduction of gradients that nothing hides. */
  readonly data: number;
  readonly optimizer: number;
  /** Of one micro batch on one piece of a stage, for a simulation; send is to the next stage, head what the last stage does beside. */
  readonly piece: { readonly forward: number; readonly backward: number; readonly send: number; readonly head: number };
}

export interface StepRequest {
  readonly shape: ModelShape;
  readonly layout: Layout;
  /** Samples. */
  readonly globalBatch: number;
  /** Tokens a sample. */
  readonly time: number;
  readonly device: Device;
  readonly runtime: Runtime;
  readonly efficiency?: Efficiency;
}

export function stepTime(request: StepRequest): StepTime {
  const { shape, layout, globalBatch, runtime, efficiency = EFFICIENCY } = request;
  const { pipeline, chunks } = layout;
  const micro = microBatches(layout, globalBatch);
  const block = blockTimes(request, efficiency, micro > 1);
  const head = headTimes(request, efficiency);
  const layers = shape.layers / pipeline;
  const forward = layers * block.forward;
  const backward = layers * block.backward;
  const collectives = layers * (block.forwardCollectives + block.backwardCollectives);
  const stage = forward + backward + collectives;
  const send = pipeline === 1 ? 0 : sendTime(request, efficiency);
  // Both directions, for every piece; sends that wait for each other count twice.
  const sends = 2 * chunks * send * (runtime.overlapsPipeline ? 0.3 : runtime.scatterGather ? 1 : 2);
  const slowest = stage + head + sends;
  const rampUp = ((pipeline - 1) / chunks) * (stage + sends);
  const steps = micro * slowest + rampUp;
  const { data, optimizer } = updateTimes(request, efficiency, steps / micro);
  return {
    total: steps + data + optimizer,
    // The head works for all stages; the others wait for it.
    compute: micro * (forward + backward + head / pipeline),
    tensor: micro * collectives,
    pipeline: micro * sends,
    bubble: rampUp + micro * head * (1 - 1 / pipeline),
    data,
    optimizer,
    piece: {
      forward: (forward + layers * block.forwardCollectives) / chunks,
      backward: (backward + layers * block.backwardCollectives) / chunks,
      send,
      head,
    },
  };
}

/** Tiles of a product's result, and what they reach beside the largest. */
const TILES = [
  { rows: 256, columns: 128, reach: 1 },
  { rows: 128, columns: 256, reach: 1 },
  { rows: 128, columns: 128, reach: 0.92 },
  { rows: 128, columns: 64, reach: 0.75 },
  { rows: 64, columns: 64, reach: 0.55 },
];

/** Seconds of (m, k) x (k, n), `count` of them at once. */
function product(m: number, n: number, k: number, device: Device, efficiency: Efficiency, count = 1): number {
  // The best of the tilings; the last wave of tiles leaves processors idle.
  const filled = Math.max(
    ...TILES.map(({ rows, columns, reach }) => {
      const waves = Math.ceil((Math.ceil(m / rows) * Math.ceil(n / columns) * count) / device.processors);
      return (reach * m * n * count) / (waves * device.processors * rows * columns);
    }),
  );
  const aligned = k % 64 === 0 && n % 64 === 0 ? 1 : efficiency.unaligned;
  const share = efficiency.product * device.attainable * filled * aligned * (k / (k + efficiency.halfWidth));
  const arithmetic = (2 * m * n * k * count) / (device.peak * share);
  const traffic = (2 * (m * k + k * n + m * n) * count) / (device.bandwidth * efficiency.memory);
  return Math.max(arithmetic, traffic) + efficiency.kernel;
}

/** Bytes of elementwise kernels a token, for each of its C, F/t or scores. */
const STREAM_BYTES = { forward: 22, backward: 30 };
const MLP_BYTES = { plain: { forward: 4, backward: 6 }, gated: { forward: 12, backward: 18 } };
/** Rotation of queries and keys, kept in float32 between. */
const ROTARY_BYTES = { forward: 32, backward: 48 };
const SCORE_BYTES = { forward: 9, backward: 11 };
/** Softmax in float32 over the vocabulary, kernel by kernel. */
const LOGIT_BYTES = 52;
/** Reading a half-precision gradient and adding it to a float32 one. */
const ACCUMULATION_BYTES = 10;
/** Kernels of a block's forward pass beside its products. */
const KERNELS = 6;
/**
 * What unfused kernels cost a block more, forward, recomputation and backward: a fixed part, and one for each element of the stream. Solved from
 * the two ablations of Narayanan et al. 2021, 5.8 (113 → 135 TFLOP/s at C 12 288, 133 → 148 at 20 480).
 */
const UNFUSED = { fixed: 1.7e-3, element: 1.5e-10, tensor: 8 };

interface BlockTimes {
  readonly forward: number;
  readonly backward: number;
  readonly forwardCollectives: number;
  readonly backwardCollectives: number;
}

/** Of one block and one micro batch on one device. */
function blockTimes(request: StepRequest, efficiency: Efficiency, accumulates: boolean): BlockTimes {
  const { shape, layout, time, device, runtime } = request;
  const { width, heads, kvHeads, headDim, mlpWidth, isGated } = shape;
  const { tensor, microBatch, recomputation, sequenceParallel } = layout;
  const tokens = microBatch * time;
  const bandwidth = device.bandwidth * efficiency.memory;
  const times = (m: number, n: number, k: number, count = 1) => product(m, n, k, device, efficiency, count);
  const maps = [
    { from: width, to: ((heads + 2 * kvHeads) * headDim) / tensor },
    { from: (heads * headDim) / tensor, to: width },
    { from: width, to: ((isGated ? 2 : 1) * mlpWidth) / tensor },
    { from: mlpWidth / tensor, to: width },
  ];
  const mapsForward = sum(maps.map(({ from, to }) => times(tokens, to, from)));
  const mapsBackward = sum(maps.map(({ from, to }) => times(tokens, from, to) + times(from, to, tokens)));
  const attention = attentionTimes(request, efficiency);
  const mlp = isGated ? MLP_BYTES.gated : MLP_BYTES.plain;
  const elementwise = (pass: 'forward' | 'backward') =>
    (tokens *
      ((STREAM_BYTES[pass] * width) / (sequenceParallel ? tensor : 1) +
        (mlp[pass] * mlpWidth) / tensor +
        (isGated ? (ROTARY_BYTES[pass] * width) / tensor : 0))) /
      bandwidth +
    KERNELS * efficiency.kernel;
  const unfused = runtime.fusedKernels
    ? 0
    : (UNFUSED.fixed + (UNFUSED.element * tokens * width * UNFUSED.tensor) / tensor) / 4;
  const accumulation =
    accumulates && !runtime.fusedAccumulation ? (ACCUMULATION_BYTES * blockParameters(shape)) / tensor / bandwidth : 0;
  const forward = mapsForward + attention.forward + elementwise('forward') + unfused;
  const again = recomputation === 'full' ? forward : recomputation === 'selective' ? attention.again : 0;
  const backward = mapsBackward + attention.backward + elementwise('backward') + 2 * unfused + accumulation + again;
  // One all-reduce behind attention and MLP, in either direction (Shoeybi et al. 2019); in half precision.
  const reduce = 2 * allReduceTime(2 * tokens * width, tensor, device, efficiency);
  // What is not hidden of it when collectives run beside the products: half of their time hides it, a fifth always shows.
  const shown = (collective: number, products: number) =>
    runtime.overlapsTensor ? Math.max(collective - products / 2, collective / 5) : collective;
  // With the stream divided, the input of each map is gathered once more in the backward pass.
  const gatherAgain = sequenceParallel ? reduce / 4 : 0;
  const forwardCollectives = shown(reduce, mapsForward);
  return {
    forward,
    backward,
    forwardCollectives,
    backwardCollectives:
      shown(reduce + gatherAgain, mapsBackward) + (recomputation === 'full' ? forwardCollectives : 0),
  };
}

/** @returns `again`: what selective recomputation adds to the backward pass */
function attentionTimes({ shape, layout, time, device, runtime }: StepRequest, efficiency: Efficiency) {
  const { heads, headDim } = shape;
  const { microBatch, tensor } = layout;
  const count = (microBatch * heads) / tensor;
  if (runtime.fusedAttention) {
    // The causal half; backward computes the scores again: five products in place of two.
    const forward = (2 * count * time * time * headDim) / (device.peak * device.attention) + efficiency.kernel;
    return { forward, backward: 2.5 * forward, again: 0 };
  }
  const bandwidth = device.bandwidth * efficiency.memory;
  const products =
    product(time, time, headDim, device, efficiency, count) + product(time, headDim, time, device, efficiency, count);
  const kernels = 2 * efficiency.kernel;
  const forward = products + (SCORE_BYTES.forward * count * time * time) / bandwidth + kernels;
  const backward = 2 * products + (SCORE_BYTES.backward * count * time * time) / bandwidth + kernels;
  return { forward, backward, again: forward };
}

/** Of the output head and the loss, which the last stage has beside its layers; for one micro batch. */
function headTimes({ shape, layout, time, device }: StepRequest, efficiency: Efficiency): number {
  const { width, vocabulary } = shape;
  const { microBatch, tensor, sequenceParallel } = layout;
  const tokens = microBatch * time;
  const columns = vocabulary / tensor;
  const products =
    product(tokens, columns, width, device, efficiency) +
    product(tokens, width, columns, device, efficiency) +
    product(columns, width, tokens, device, efficiency);
  const softmax = (LOGIT_BYTES * tokens * columns) / (device.bandwidth * efficiency.memory);
  const reduced = allReduceTime(12 * tokens, tensor, device, efficiency);
  const gradient = sequenceParallel ? 0 : allReduceTime(tokens * width, tensor, device, efficiency);
  return products + softmax + reduced + gradient;
}

/** Ring all-reduce inside a server; over servers where the group is larger than one. */
function allReduceTime(bytes: number, group: number, device: Device, efficiency: Efficiency): number {
  if (group === 1) return 0;
  const inside = device.link * efficiency.link;
  const speed = group <= device.perServer ? inside : Math.min(inside, device.network * efficiency.network);
  return (2 * (group - 1) * bytes) / group / speed + 2 * efficiency.kernel;
}

/** Activations of one micro batch to the next stage. */
function sendTime({ shape, layout, time, device, runtime }: StepRequest, efficiency: Efficiency): number {
  const { microBatch, tensor, sequenceParallel } = layout;
  const bytes = 2 * microBatch * time * shape.width;
  const sent = runtime.scatterGather ? bytes / tensor : bytes;
  const speed = layoutFitsServer(layout, device) ? device.link * efficiency.link : device.network * efficiency.network;
  const gathers = runtime.scatterGather && !sequenceParallel && tensor > 1;
  const gathered = gathers ? ((tensor - 1) / tensor) * (bytes / (device.link * efficiency.link)) : 0;
  return sent / speed + gathered + 4 * efficiency.kernel;
}

function layoutFitsServer(layout: Layout, { perServer }: Device): boolean {
  return devicesOf(layout) <= perServer;
}

/** Bytes a parameter that the optimizer moves: state, gradient and weight; and those of norm and zeroing, which sharding does not divide. */
const UPDATE_BYTES = { sharded: 28, whole: 12 };

/** @param microTime seconds of one micro batch, behind which reduction can hide */
function updateTimes({ shape, layout, device, runtime }: StepRequest, efficiency: Efficiency, microTime: number) {
  const { data, tensor, pipeline, shardedOptimizer } = layout;
  const parameters = ((shape.layers / pipeline) * blockParameters(shape) + shape.vocabulary * shape.width) / tensor;
  const bandwidth = device.bandwidth * efficiency.memory;
  const optimizer =
    (parameters * (UPDATE_BYTES.whole + UPDATE_BYTES.sharded / (shardedOptimizer ? data : 1))) / bandwidth;
  if (data === 1) return { data: 0, optimizer };
  // Copies on one server bring its adapters together.
  const perServer = Math.max(1, Math.min(data, Math.floor(device.perServer / tensor)));
  const inside = device.link * efficiency.link;
  const speed = layoutFitsServer(layout, device)
    ? inside
    : Math.min(inside, perServer * device.network * efficiency.network);
  // float32 gradients reduced; then float32 sums or half-precision weights come back.
  const bytes = (runtime.overlapsData ? 4 + 2 : 4 + 4) * parameters;
  const whole = (((data - 1) / data) * bytes) / speed;
  return { data: runtime.overlapsData ? Math.max(whole / 10, whole - microTime) : whole, optimizer };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
