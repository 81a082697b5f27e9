/**
 * Layouts and figures of public training runs, to fit and to check the planner by. Sources: Narayanan et al. 2021 (arXiv 2104.04473, table 1);
 * the table of models in the README of Megatron-LM (July 2024); Korthikanti et al. 2022 (arXiv 2205.05198, tables 3 and 5); BLOOM's chronicles
 * (bigscience tr11-176B-ml); Smith et al. 2022 (MT-NLG); GLM-130B's main log. Where a source gives no micro batch or chunks, the planner's
 * own choice stands: the fastest of 1, 2, 4, 8 (chunks up to 4) that fits the memory.
 */
import { DEVICES, type Device } from './devices.ts';
import { type Efficiency, RUNTIMES, type Runtime } from './efficiency.ts';
import { chunkChoices, type Layout } from './layout.ts';
import { deviceMemory } from './memory.ts';
import { USABLE_MEMORY } from './plan-training.ts';
import { gptShape, type ModelShape, stepFlops } from './shape.ts';
import { stepTime } from './step-time.ts';

export interface PublishedRun {
  readonly name: string;
  readonly shape: ModelShape;
  readonly device: Device;
  readonly globalBatch: number;
  readonly time: number;
  readonly runtime: Runtime;
  readonly layout: Partial<Layout> & Pick<Layout, 'data' | 'tensor' | 'pipeline'>;
  /** What its FLOPs count. */
  readonly counts: 'model' | 'hardware';
  /** TFLOP/s a device. */
  readonly measured: number;
}

export interface PublishedTable {
  readonly name: string;
  readonly runs: readonly PublishedRun[];
}

const device = (name: string) => DEVICES.find((one) => one.name === name)!;

/** heads, C, L, t, p, devices, B, TFLOP/s */
const NARAYANAN = [
  [24, 2304, 24, 1, 1, 32, 512, 137],
  [32, 3072, 30, 2, 1, 64, 512, 138],
  [32, 4096, 36, 4, 1, 128, 512, 142],
  [48, 6144, 40, 8, 1, 256, 1024, 135],
  [64, 8192, 48, 8, 2, 512, 1536, 138],
  [80, 10240, 60, 8, 4, 1024, 1792, 140],
  [96, 12288, 80, 8, 8, 1536, 2304, 148],
  [128, 16384, 96, 8, 16, 1920, 2160, 155],
  [128, 20480, 105, 8, 35, 2520, 2520, 163],
  [160, 25600, 128, 8, 64, 3072, 3072, 163],
] as const;

export const MEGATRON_2021: PublishedTable = {
  name: 'Megatron 2021, A100-80G',
  runs: NARAYANAN.map(([heads, width, layers, tensor, pipeline, devices, globalBatch, measured]) => ({
    name: `${layers} x ${width}`,
    shape: gptShape(layers, width, heads, 51_200),
    device: device('a100-80g'),
    globalBatch,
    time: 2048,
    runtime: RUNTIMES['megatron-2021'],
    layout: {
      data: devices / tensor / pipeline,
      tensor,
      pipeline,
      recomputation: 'full',
      sequenceParallel: false,
      shardedOptimizer: false,
    },
    counts: 'hardware',
    measured,
  })),
};

/** heads, C, L, t, p, devices, B, TFLOP/s */
const MEGATRON_CORE = [
  [16, 2048, 24, 1, 1, 48, 192, 408.8],
  [32, 4096, 30, 2, 1, 96, 192, 465.9],
  [48, 6144, 32, 4, 1, 192, 192, 489.1],
  [56, 7168, 48, 8, 1, 384, 192, 459.6],
  [64, 8192, 84, 8, 2, 768, 384, 419.7],
  [80, 10240, 92, 8, 4, 1536, 768, 420.5],
  [96, 12288, 96, 8, 6, 2304, 1152, 432.8],
  [128, 16384, 96, 8, 8, 3072, 1536, 474.4],
  [144, 18432, 112, 8, 16, 6144, 3072, 459.9],
] as const;

const H100_TABLE: PublishedTable = {
  name: 'Megatron-Core 2024, H100',
  runs: MEGATRON_CORE.map(([heads, width, layers, tensor, pipeline, devices, globalBatch, measured]) => ({
    name: `${layers} x ${width}`,
    shape: { ...gptShape(layers, width, heads, 131_072), isTied: false },
    device: device('h100'),
    globalBatch,
    time: 4096,
    runtime: RUNTIMES['megatron-2024'],
    layout: {
      data: devices / tensor / pipeline,
      tensor,
      pipeline,
      recomputation: 'selective',
      sequenceParallel: true,
      shardedOptimizer: true,
    },
    counts: 'model',
    measured,
  })),
};

/** L, C, heads, p, v, B, b, seconds of full recomputation, seconds of sequence parallel with selective */
const KORTHIKANTI = [
  [48, 6144, 64, 1, 1, 4, 4, 1.42, 1.1],
  [96, 12288, 96, 8, 3, 64, 1, 18.13, 13.75],
  [105, 20480, 128, 35, 3, 280, 1, 49.05, 37.83],
  [128, 25600, 160, 64, 1, 512, 1, 94.42, 71.49],
] as const;

const RECOMPUTATION: PublishedTable = {
  name: 'Recomputation 2022, A100-80G',
  runs: KORTHIKANTI.flatMap(([layers, width, heads, pipeline, chunks, globalBatch, microBatch, full, selective]) =>
    (['full', 'selective'] as const).map((recomputation): PublishedRun => {
      const shape = gptShape(layers, width, heads, 51_200);
      const seconds = recomputation === 'full' ? full : selective;
      return {
        name: `${layers} x ${width} ${recomputation}`,
        shape,
        device: device('a100-80g'),
        globalBatch,
        time: 2048,
        runtime: RUNTIMES['megatron-2022'],
        layout: {
          data: 1,
          tensor: 8,
          pipeline,
          chunks,
          microBatch,
          recomputation,
          sequenceParallel: recomputation === 'selective',
          shardedOptimizer: false,
        },
        counts: 'hardware',
        measured: stepFlops(shape, globalBatch, 2048, 'hardware') / seconds / (8 * pipeline) / 1e12,
      };
    }),
  ),
};

const DEEPSPEED = {
  chunks: 1,
  recomputation: 'full',
  sequenceParallel: false,
  shardedOptimizer: true,
} as const;

const BLOOM: PublishedTable = {
  name: 'BLOOM 2022, A100-80G',
  runs: [
    {
      name: '70 x 14336',
      shape: gptShape(70, 14_336, 112, 250_880),
      device: device('a100-80g'),
      globalBatch: 2048,
      time: 2048,
      runtime: RUNTIMES.deepspeed,
      layout: { ...DEEPSPEED, data: 8, tensor: 4, pipeline: 12, microBatch: 2 },
      counts: 'hardware',
      measured: 149.77,
    },
  ],
};

const MT_NLG: PublishedTable = {
  name: 'MT-NLG 2022, A100-80G',
  runs: (
    [
      [280, 60.1],
      [350, 50.2],
      [420, 44.4],
    ] as const
  ).map(([servers, seconds]) => {
    const shape = gptShape(105, 20_480, 128, 51_200);
    return {
      name: `105 x 20480, ${8 * servers} devices`,
      shape,
      device: device('a100-80g'),
      globalBatch: 1920,
      time: 2048,
      runtime: RUNTIMES['deepspeed-unfused'],
      layout: { ...DEEPSPEED, data: servers / 35, tensor: 8, pipeline: 35, microBatch: 1 },
      counts: 'hardware',
      measured: stepFlops(shape, 1920, 2048, 'hardware') / seconds / (8 * servers) / 1e12,
    };
  }),
};

const GLM: PublishedTable = {
  name: 'GLM-130B 2022, A100-40G',
  runs: (
    [
      [4224, 88.5],
      [6144, 122.5],
    ] as const
  ).map(([globalBatch, seconds]) => {
    const shape = { ...gptShape(70, 12_288, 96, 150_000), mlpWidth: 32_768, isGated: true };
    return {
      name: `70 x 12288, batch ${globalBatch}`,
      shape,
      device: device('a100-40g'),
      globalBatch,
      time: 2048,
      runtime: RUNTIMES['deepspeed-unfused'],
      layout: { ...DEEPSPEED, data: 24, tensor: 4, pipeline: 8, microBatch: 1 },
      counts: 'hardware',
      measured: stepFlops(shape, globalBatch, 2048, 'hardware') / seconds / 768 / 1e12,
    };
  }),
};

/** Layers, C, d, p, devices, TFLOP/s by micro batch: BLOOM's search for a layout, of which the order counts. */
const SWEEP = [
  [72, 14336, 4, 12, { 1: 112.5, 2: 120.3, 4: 130.3, 8: 124.7 }],
  [72, 14336, 8, 6, { 1: 115.3, 2: 123.1, 4: 132.7 }],
  [84, 13824, 4, 12, { 2: 121.5, 4: 131.3 }],
  [84, 13824, 8, 6, { 2: 123.6, 4: 134.1 }],
  [80, 13824, 4, 10, { 1: 120.1, 2: 127.4, 4: 130.5, 8: 126.2 }],
  [80, 14400, 4, 10, { 1: 94.4, 2: 100.4, 4: 100.3, 8: 90.9 }],
] as const;

export const BLOOM_SWEEP: PublishedTable = {
  name: "BLOOM's sweep, A100-80G",
  runs: SWEEP.flatMap(([layers, width, data, pipeline, byMicroBatch]) =>
    Object.entries(byMicroBatch).map(
      ([microBatch, measured]): PublishedRun => ({
        name: `${layers} x ${width} d ${data} p ${pipeline} b ${microBatch}`,
        shape: gptShape(layers, width, width === 14_400 ? 100 : width / 128, 51_200),
        device: device('a100-80g'),
        globalBatch: 2048,
        time: 2048,
        runtime: RUNTIMES['deepspeed-unfused'],
        layout: { ...DEEPSPEED, data, tensor: 8, pipeline, microBatch: Number(microBatch) },
        counts: 'hardware',
        measured,
      }),
    ),
  ),
};

/** Not fitted. */
export const HELD_OUT: readonly PublishedTable[] = [H100_TABLE, RECOMPUTATION, BLOOM, MT_NLG, GLM];

const MICRO_BATCHES = [1, 2, 4, 8];

/** TFLOP/s a device, counted as the run counts them; what its source leaves open is chosen as this file's head says. */
export function predictRun(run: PublishedRun, efficiency: Efficiency): number {
  const { shape, globalBatch, time, device, runtime, counts } = run;
  const { data, tensor, pipeline } = run.layout;
  let fastest = Number.POSITIVE_INFINITY;
  for (const microBatch of run.layout.microBatch === undefined ? MICRO_BATCHES : [run.layout.microBatch]) {
    const isOpen = run.layout.microBatch === undefined;
    if (isOpen && globalBatch % (data * microBatch) !== 0) continue;
    const pieces = chunkChoices(shape, { data, pipeline, microBatch }, globalBatch);
    for (const chunks of run.layout.chunks === undefined ? pieces : [run.layout.chunks]) {
      const layout = { ...COMPLETE, ...run.layout, microBatch, chunks };
      if (isOpen && deviceMemory(shape, layout, globalBatch, time).total > USABLE_MEMORY * device.memory) continue;
      fastest = Math.min(fastest, stepTime({ shape, layout, globalBatch, time, device, runtime, efficiency }).total);
    }
  }
  return stepFlops(shape, globalBatch, time, counts) / fastest / (data * tensor * pipeline) / 1e12;
}

const COMPLETE = { recomputation: 'full', sequenceParallel: false, shardedOptimizer: false } as const;
