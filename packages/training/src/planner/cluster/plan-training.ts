/** Enumerates the layouts of a model on a number of devices, and ranks those that fit by the tokens a second they promise. */
import { cpuProcessMemory } from './cpu-memory.ts';
import { cpuStepTime } from './cpu-step-time.ts';
import type { Device } from './devices.ts';
import { RUNTIMES, type Runtime } from './efficiency.ts';
import {
  chunkChoices,
  devicesOf,
  divisorsOf,
  type Layout,
  microBatches,
  misfits,
  type Recomputation,
} from './layout.ts';
import { type DeviceMemory, deviceMemory } from './memory.ts';
import { type ModelShape, parametersOf, stepFlops } from './shape.ts';
import { type StepTime, stepTime } from './step-time.ts';

export interface PlanRequest {
  readonly shape: ModelShape;
  readonly device: Device;
  readonly devices: number;
  /** Samples a step. */
  readonly globalBatch: number;
  /** Tokens a sample. */
  readonly time: number;
  readonly runtime?: Runtime;
  /** What is fixed; the rest is searched. */
  readonly fixed?: Partial<Layout>;
}

export interface PlannedLayout {
  readonly layout: Layout;
  readonly memory: DeviceMemory;
  readonly step: StepTime;
  readonly tokensPerSecond: number;
  /** Model FLOP/s over the peak of all devices (MFU, without recomputation). */
  readonly modelShare: number;
  /** The same with what full recomputation runs again (HFU), where the layout does. */
  readonly hardwareShare: number;
}

/** Of the memory, what a plan may fill; the rest is for the allocator and the communicators. */
export const USABLE_MEMORY = 0.95;
const MICRO_BATCHES = [1, 2, 4, 8, 16];
const RECOMPUTATIONS: readonly Recomputation[] = ['none', 'selective', 'full'];
const CPU_RECOMPUTATIONS: readonly Recomputation[] = ['none', 'full'];

/** Fastest first. */
export function planTraining(request: PlanRequest): PlannedLayout[] {
  const { shape, device, globalBatch } = request;
  const planned: PlannedLayout[] = [];
  for (const layout of layoutsOf(request)) {
    if (misfits(shape, layout, globalBatch).length > 0) continue;
    const memory = memoryOf(request, layout);
    if (memory.total > USABLE_MEMORY * device.memory) continue;
    planned.push(judgeLayout(request, layout));
  }
  return planned.sort((a, b) => b.tokensPerSecond - a.tokensPerSecond);
}

function memoryOf({ shape, device, globalBatch, time }: PlanRequest, layout: Layout): DeviceMemory {
  if (device.cpu === undefined) return deviceMemory(shape, layout, globalBatch, time);
  return cpuProcessMemory(shape, layout, { globalBatch, time, cpu: device.cpu });
}

/** What one layout promises, whether or not it fits. */
export function judgeLayout(request: PlanRequest, layout: Layout): PlannedLayout {
  const { shape, device, devices, globalBatch, time, runtime = RUNTIMES.tunan } = request;
  const memory = memoryOf(request, layout);
  const asked = { shape, layout, globalBatch, time, device, runtime };
  const step = device.cpu === undefined ? stepTime(asked) : cpuStepTime(asked, device.cpu);
  const share = (kind: 'model' | 'hardware') =>
    stepFlops(shape, globalBatch, time, kind) / step.total / devices / device.peak;
  const modelShare = share('model');
  return {
    layout,
    memory,
    step,
    tokensPerSecond: (globalBatch * time) / step.total,
    modelShare,
    hardwareShare: layout.recomputation === 'full' ? share('hardware') : modelShare,
  };
}

function* layoutsOf({ shape, device, devices, globalBatch, runtime = RUNTIMES.tunan, fixed = {} }: PlanRequest) {
  const choose = <T>(given: T | undefined, all: readonly T[]): readonly T[] => (given === undefined ? all : [given]);
  // A fused attention kernel never writes the scores: what selective recomputation spares is spared anyhow.
  const recomputations = device.cpu
    ? CPU_RECOMPUTATIONS
    : runtime.fusedAttention
      ? RECOMPUTATIONS.slice(1)
      : RECOMPUTATIONS;
  // Products are shared inside a server: everywhere else the network is ten times as slow.
  const tensors = divisorsOf(devices).filter((tensor) => tensor <= device.perServer);
  for (const tensor of choose(fixed.tensor, tensors)) {
    for (const pipeline of choose(fixed.pipeline, divisorsOf(devices / tensor))) {
      const data = fixed.data ?? devices / tensor / pipeline;
      if (devicesOf({ data, tensor, pipeline }) !== devices || pipeline > shape.layers) continue;
      for (const microBatch of choose(fixed.microBatch, MICRO_BATCHES)) {
        if (!Number.isInteger(microBatches({ data, microBatch }, globalBatch))) continue;
        const pieces = runtime.scatterGather ? chunkChoices(shape, { data, pipeline, microBatch }, globalBatch) : [1];
        for (const chunks of choose(fixed.chunks, pieces)) {
          for (const recomputation of choose(fixed.recomputation, recomputations)) {
            const sequenceParallel = fixed.sequenceParallel ?? tensor > 1;
            const shardedOptimizer = fixed.shardedOptimizer ?? data > 1;
            yield { data, tensor, pipeline, microBatch, chunks, recomputation, sequenceParallel, shardedOptimizer };
          }
        }
      }
    }
  }
}

export interface Journey {
  readonly tokens: number;
  readonly steps: number;
  readonly days: number;
  readonly deviceHours: number;
  /** kWh at the devices' rated power, their share of the server with it; where it is known. */
  readonly energy?: number | undefined;
  /** Dollars, where a price is known. */
  readonly cost?: number | undefined;
  /** PFLOP/s-days that the model needs, recomputation apart. */
  readonly petaflopDays: number;
}

/** From the first to the last token. @param price dollars a device hour */
export function journey(request: PlanRequest, planned: PlannedLayout, tokens: number, price?: number): Journey {
  const { device, devices, globalBatch, time, shape } = request;
  const seconds = tokens / planned.tokensPerSecond;
  const deviceHours = (seconds / 3600) * devices;
  const steps = Math.ceil(tokens / (globalBatch * time));
  const hourly = price ?? device.hourlyPrice;
  return {
    tokens,
    steps,
    days: seconds / 86_400,
    deviceHours,
    energy: device.power && (deviceHours * device.power) / 1000,
    cost: hourly === undefined ? undefined : deviceHours * hourly,
    petaflopDays: (steps * stepFlops(shape, globalBatch, time, 'model')) / 1e15 / 86_400,
  };
}

/** The least width that is suggested. */
export const NARROWEST = 256;

/**
 * Shapes of about so many parameters, fastest first: Yuan's way (arXiv 2110.04725, 3.2), which designs the model with the layout, because
 * a wider and shallower one of the same size makes larger products. Heads are of 128, widths multiples of 128 x the tensor's devices.
 * @param parameters with the embedding
 */
export function suggestShapes(
  request: Omit<PlanRequest, 'shape'> & { readonly vocabulary: number; readonly isGated: boolean },
  parameters: number,
): { shape: ModelShape; best: PlannedLayout }[] {
  const { vocabulary, isGated } = request;
  const found: { shape: ModelShape; best: PlannedLayout }[] = [];
  for (let width = NARROWEST; width * vocabulary < parameters; width += width < 2048 ? 256 : 1024) {
    const layers = Math.round((parameters - vocabulary * width) / (12 * width * width));
    // Published models have between 32 and 256 channels a layer; beyond that quality falls (Levine et al. 2020).
    if (layers < 2 || width / layers < 32 || width / layers > 256) continue;
    const heads = Math.max(1, width / 128);
    const mlpWidth = isGated ? Math.round((8 * width) / 3 / 256) * 256 : 4 * width;
    const shape = {
      layers,
      width,
      heads,
      kvHeads: heads,
      headDim: width / heads,
      mlpWidth,
      isGated,
      vocabulary,
      isTied: true,
      positions: 0,
    };
    if (Math.abs(parametersOf(shape) / parameters - 1) > 0.08) continue;
    const [best] = planTraining({ ...request, shape });
    if (best !== undefined) found.push({ shape, best });
  }
  return found.sort((a, b) => b.best.modelShare - a.best.modelShare);
}
