/**
 * Time of a training step in processes of one machine that talk over Gloo. What a process computes is counted in seconds of its own cores,
 * from what was measured of them (CpuFigures). Where every process has cores of its own, a step takes what its longest way takes, waiting
 * included; where processes share cores, those that wait leave them to the others, and a step takes at least all work over all cores.
 */
import type { CpuFigures } from './cpu-figures.ts';
import { type Layout, microBatches } from './layout.ts';
import { blockParameters, type ModelShape } from './shape.ts';
import type { StepRequest, StepTime } from './step-time.ts';

/** What was not measured of the machine but fitted to runs, by bench/planner-cpu.ts --fit; shares, and counts of operations. */
export interface CpuEfficiency {
  /** Share of the measured peak that products of many values reach inside a run. */
  readonly product: number;
  /** Least width at which a product reaches half of that. */
  readonly halfWidth: number;
  /** Share of the measured bandwidth at which elementwise operations move their bytes. */
  readonly memory: number;
  /** Operations of a block, forward and backward, as many times the measured smallest one. */
  readonly kernels: number;
  /** Of a step beside its micro batches: data, sums, the log. */
  readonly stepKernels: number;
  /** What it costs to meet inside a run, where caches are cold and threads asleep, as many times the measured cost. */
  readonly meeting: number;
  /** Share of the measured speed of sums and messages. */
  readonly link: number;
  /** How much longer work takes where processes take each other's caches on shared cores. */
  readonly shared: number;
}

export const CPU_EFFICIENCY: CpuEfficiency = {
  product: 0.51,
  halfWidth: 29.5,
  memory: 4.19,
  kernels: 455,
  stepKernels: 481,
  meeting: 5.43,
  link: 0.221,
  shared: 1.29,
};

/** Bytes of elementwise operations for each value of the stream, forward and backward: norms, residuals, casts, in float32. */
const STREAM_BYTES = 80;
/** For each hidden value of the MLP. */
const MLP_BYTES = { plain: 20, gated: 40 };
/** For each value of queries and keys that is turned and normed. */
const ROTARY_BYTES = 40;
/** For each weight of a micro batch in bfloat16: rounded forward and backward; its gradient made and added. In float32: the latter alone. */
const WEIGHT_BYTES = { bfloat16: 24, float32: 12 };
/** A parameter's in an update: state, gradient and weight; norm, clipping and zeroing, which sharding does not divide. */
const UPDATE_BYTES = { sharded: 28, whole: 20 };

/** What of a request a processor's time depends on. */
type CpuStepRequest = Omit<StepRequest, 'device' | 'runtime' | 'efficiency'>;

/** Sums of a few values over all processes in a step: what counts, the loss, the norm, whether to stop. */
const MEETINGS = 8;

/** Seconds of one process, for one micro batch. */
interface ProcessWork {
  readonly forward: number;
  readonly backward: number;
  readonly head: number;
}

export function cpuStepTime(request: CpuStepRequest, cpu: CpuFigures, efficiency = CPU_EFFICIENCY): StepTime {
  const { layout, globalBatch } = request;
  const { data, tensor, pipeline, chunks } = layout;
  const processes = data * tensor * pipeline;
  const sharing = Math.max(1, (processes * cpu.threads) / cpu.cores);
  const slower = sharing > 1 ? efficiency.shared : 1;
  const micro = microBatches(layout, globalBatch);
  const work = workOf(request, cpu, efficiency);
  const [forward, backward, head] = [work.forward * slower, work.backward * slower, work.head * slower];
  const update = slower * updateTime(request, cpu, efficiency);
  const once = slower * efficiency.stepKernels * cpu.kernel + MEETINGS * efficiency.meeting * cpu.meeting;

  // Of one micro batch, of one copy of a stage.
  const sums = collectivesOf(request, cpu, efficiency, processes);
  const send = pipeline === 1 ? 0 : sendTime(request, cpu, efficiency);
  const sends = 2 * chunks * send;
  const gradients = data === 1 ? 0 : exchangeTime(request, cpu, efficiency, processes);

  // The longest way: the last stage has the head beside its layers.
  const stage = forward + backward + sums.blocks;
  const slowest = stage + head + sums.head + sends;
  const rampUp = ((pipeline - 1) / chunks) * (stage + sends);
  const way = micro * slowest + rampUp;
  // All work over all cores: what waits costs nothing. Sums were measured while all take part in them.
  const messages = (micro * sends * (pipeline - 1) * data * tensor) / processes;
  const busy =
    sharing * (micro * (forward + backward + head / pipeline) + messages) +
    micro * (sums.blocks + sums.head / pipeline);
  const isShared = sharing > 1;
  const steps = isShared ? Math.max(way, busy) : way;
  const optimizer = sharing * update + once;
  const computed = micro * (forward + backward + head / pipeline);
  return {
    total: steps + gradients + optimizer,
    compute: sharing * computed,
    tensor: micro * (sums.blocks + sums.head / pipeline),
    pipeline: isShared ? sharing * messages : micro * sends,
    bubble: isShared ? steps - busy : rampUp + micro * (head + sums.head) * (1 - 1 / pipeline),
    data: gradients,
    optimizer,
    piece: {
      forward: (forward + sums.blocks / 2) / chunks,
      backward: (backward + sums.blocks / 2) / chunks,
      send,
      head,
    },
  };
}

/** Of one process and one micro batch, in seconds of its cores. */
function workOf({ shape, layout, time }: CpuStepRequest, cpu: CpuFigures, efficiency: CpuEfficiency): ProcessWork {
  const { width, heads, kvHeads, headDim, mlpWidth, isGated, vocabulary, layers } = shape;
  const { tensor, microBatch, recomputation, sequenceParallel, pipeline } = layout;
  const tokens = microBatch * time;
  const bandwidth = cpu.bandwidth * efficiency.memory;
  const product = (m: number, n: number, k: number) => {
    const least = Math.min(m, n, k);
    return (2 * m * n * k * (1 + efficiency.halfWidth / least)) / (cpu.peak * efficiency.product);
  };
  const maps = [
    { from: width, to: ((heads + 2 * kvHeads) * headDim) / tensor },
    { from: (heads * headDim) / tensor, to: width },
    { from: width, to: ((isGated ? 2 : 1) * mlpWidth) / tensor },
    { from: mlpWidth / tensor, to: width },
  ];
  const products = sum(maps.map(({ from, to }) => product(tokens, to, from)));
  // Seven products of the causal half, two of them forward.
  const attention = (7 * microBatch * (heads / tensor) * time * time * headDim) / cpu.attention;
  const values =
    (STREAM_BYTES * width) / (sequenceParallel ? tensor : 1) +
    ((isGated ? MLP_BYTES.gated : MLP_BYTES.plain) * mlpWidth) / tensor +
    (isGated ? (ROTARY_BYTES * (heads + kvHeads) * headDim) / tensor : 0);
  const weights = (WEIGHT_BYTES[cpu.precision] * blockParameters(shape)) / tensor;
  const rest = (tokens * values + weights) / bandwidth + efficiency.kernels * cpu.kernel;
  // Of what is no product a third is forward.
  const forward = products + (2 / 7) * attention + rest / 3;
  const backward = 2 * products + (5 / 7) * attention + (2 * rest) / 3 + (recomputation === 'full' ? forward : 0);
  const columns = vocabulary / tensor;
  const head =
    3 * product(tokens, columns, width) +
    tokens * columns * cpu.logit +
    (WEIGHT_BYTES[cpu.precision] * columns * width) / bandwidth;
  return { forward: (layers / pipeline) * forward, backward: (layers / pipeline) * backward, head };
}

/** s of sums of one group, while all other groups of its kind sum too: what all move, at the speed at which all together move it. */
function sumTime(
  bytes: number,
  group: number,
  processes: number,
  cpu: CpuFigures,
  { meeting, link }: CpuEfficiency,
): number {
  if (group === 1) return 0;
  return meeting * cpu.meeting + ((processes / group) * 2 * (group - 1) * bytes) / (cpu.sumRate * link);
}

/** Of the tensor's processes: two sums a block in either direction, and those of the embedding and the head. */
function collectivesOf(
  { shape, layout, time }: CpuStepRequest,
  cpu: CpuFigures,
  efficiency: CpuEfficiency,
  processes: number,
) {
  const { tensor, microBatch, pipeline, recomputation, sequenceParallel } = layout;
  const tokens = microBatch * time;
  const bytes = cpu.precision === 'bfloat16' ? 2 : 4;
  const one = sumTime(bytes * tokens * shape.width, tensor, processes, cpu, efficiency);
  // Divided by positions the way in gathers what was summed, and does so again backward.
  const times = (recomputation === 'full' ? 6 : 4) + (sequenceParallel ? 1 : 0);
  const head = 3 * sumTime(4 * tokens, tensor, processes, cpu, efficiency) + 2 * one;
  return { blocks: (shape.layers / pipeline) * times * one, head };
}

/** The stream of one micro batch to the next stage, in float32. */
function sendTime({ shape, layout, time }: CpuStepRequest, cpu: CpuFigures, { meeting, link }: CpuEfficiency): number {
  const { microBatch, tensor, sequenceParallel } = layout;
  const bytes = (4 * microBatch * time * shape.width) / (sequenceParallel ? tensor : 1);
  return meeting * cpu.message + bytes / (cpu.link * link);
}

/** Gradients summed at their owners, and parameters told to all, both in float32. */
function exchangeTime(
  { shape, layout }: CpuStepRequest,
  cpu: CpuFigures,
  efficiency: CpuEfficiency,
  processes: number,
): number {
  return sumTime(4 * processParameters(shape, layout), layout.data, processes, cpu, efficiency);
}

function updateTime({ shape, layout }: CpuStepRequest, cpu: CpuFigures, efficiency: CpuEfficiency): number {
  const { data, shardedOptimizer } = layout;
  const bytes = UPDATE_BYTES.whole + UPDATE_BYTES.sharded / (shardedOptimizer ? data : 1);
  return (processParameters(shape, layout) * bytes) / (cpu.bandwidth * efficiency.memory);
}

/** Parameters of a process of the first or the last stage. */
function processParameters(shape: ModelShape, { tensor, pipeline }: Layout): number {
  return ((shape.layers / pipeline) * blockParameters(shape) + shape.vocabulary * shape.width) / tensor;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
