import assert from 'node:assert/strict';
import test from 'node:test';
import { DEVICES } from './devices.ts';
import { EFFICIENCY, RUNTIMES } from './efficiency.ts';
import { type Layout, misfits } from './layout.ts';
import { deviceMemory, layerActivationBytes } from './memory.ts';
import { judgeLayout, planTraining, suggestShapes, USABLE_MEMORY } from './plan-training.ts';
import { BLOOM_SWEEP, HELD_OUT, MEGATRON_2021, predictRun } from './published-runs.ts';
import { gptShape, parametersOf, stepFlops } from './shape.ts';
import { simulateStep } from './step-simulation.ts';

const a100 = DEVICES.find(({ name }) => name === 'a100-40g')!;
const yuan = gptShape(76, 16_384, 128, 53_248);
const yuanLayout: Layout = {
  data: 7,
  tensor: 8,
  pipeline: 38,
  chunks: 1,
  microBatch: 1,
  recomputation: 'full',
  sequenceParallel: false,
  shardedOptimizer: false,
};
const errors = (runs: typeof BLOOM_SWEEP.runs) =>
  runs.map((run) => Math.abs(predictRun(run, EFFICIENCY) / run.measured - 1)).sort((a, b) => a - b);

test('published runs that were not fitted: half within 5 %, all within 15 %, and a third of what a constant share errs by', () => {
  const runs = HELD_OUT.flatMap((table) => table.runs);
  const own = errors(runs);
  assert.ok(own[runs.length >> 1]! <= 0.05, `median ${own[runs.length >> 1]}`);
  assert.ok(own.at(-1)! <= 0.15, `largest ${own.at(-1)}`);
  const fitted = MEGATRON_2021.runs;
  const share = fitted.reduce((sum, run) => sum + run.measured / run.device.peak, 0) / fitted.length;
  const constant = runs.map((run) => Math.abs((share * run.device.peak) / run.measured - 1)).sort((a, b) => a - b);
  assert.ok(own[runs.length >> 1]! <= constant[runs.length >> 1]! / 2);
  assert.ok(errors(fitted).at(-1)! <= 0.05);
});

test("BLOOM's sweep: the layout that was measured as the fastest is predicted as the fastest", () => {
  const fastest = BLOOM_SWEEP.runs.reduce((best, run) =>
    predictRun(run, EFFICIENCY) > predictRun(best, EFFICIENCY) ? run : best,
  );
  assert.equal(fastest.measured, Math.max(...BLOOM_SWEEP.runs.map(({ measured }) => measured)));
});

test('Yuan-245B: 245.7 B parameters; 44.8 % of the peak within 3 points', () => {
  assert.ok(Math.abs(parametersOf(yuan) / 245.735e9 - 1) < 0.001);
  const request = {
    shape: yuan,
    device: a100,
    devices: 2128,
    globalBatch: 3360,
    time: 2048,
    runtime: RUNTIMES['megatron-2021'],
  };
  const { hardwareShare } = judgeLayout(request, yuanLayout);
  assert.ok(Math.abs(hardwareShare - 0.448) < 0.03, `${hardwareShare}`);
});

test('FLOPs are those of the published formulas', () => {
  const [B, s, L, h, V] = [512, 2048, 76, 16_384, 53_248];
  const model = 72 * B * s * L * h * h * (1 + s / (6 * h) + V / (12 * L * h));
  const hardware = 96 * B * s * L * h * h * (1 + s / (6 * h) + V / (16 * L * h));
  assert.ok(Math.abs(stepFlops(yuan, B, s, 'model') / model - 1) < 1e-9);
  assert.ok(Math.abs(stepFlops(yuan, B, s, 'hardware') / hardware - 1) < 1e-9);
});

test('memory of Korthikanti et al. 2022: weights with optimizer, and activations by kind, within 5 %', () => {
  const GiB = 2 ** 30;
  const rows = [
    // L, C, heads, p, v, B, b: weights and optimizer, activations kept whole, sequence parallel and selective
    [48, 6144, 64, 1, 1, 4, 4, 45.56, 59.25, 9.56],
    [96, 12288, 96, 8, 3, 64, 1, 45.56, 66.84, 12.35],
    [105, 20480, 128, 35, 3, 280, 1, 31.64, 114.02, 23.08],
    [128, 25600, 160, 64, 1, 512, 1, 32.96, 131.25, 26.56],
  ] as const;
  for (const [layers, width, heads, pipeline, chunks, batch, microBatch, state, whole, selective] of rows) {
    const shape = gptShape(layers, width, heads, 51_200);
    const layout: Layout = { ...yuanLayout, data: 1, pipeline, chunks, microBatch, recomputation: 'none' };
    const kept = deviceMemory(shape, layout, batch, 2048);
    const near = (found: number, published: number, what: string) =>
      assert.ok(
        Math.abs(found / GiB / published - 1) < 0.05,
        `${layers} layers, ${what}: ${found / GiB} for ${published}`,
      );
    // The paper counts the blocks alone.
    const table = (18 * 51_200 * width) / layout.tensor;
    near(kept.weights + kept.optimizer - table, state, 'state');
    near(kept.activations, whole, 'activations');
    const spared: Layout = { ...layout, recomputation: 'selective', sequenceParallel: true };
    near(deviceMemory(shape, spared, batch, 2048).activations, selective, 'sequence parallel and selective');
  }
  const shape = gptShape(96, 12_288, 96, 51_200);
  const layer = (layout: Partial<Layout>) =>
    layerActivationBytes(shape, { ...yuanLayout, recomputation: 'none', ...layout }, 2048);
  const relative = (layout: Partial<Layout>) => (100 * layer(layout)) / layer({});
  const parts: [Partial<Layout>, number][] = [
    [{ sequenceParallel: true }, 62.04],
    [{ recomputation: 'selective' }, 56.53],
    [{ recomputation: 'selective', sequenceParallel: true }, 18.49],
    [{ recomputation: 'full' }, 8.71],
  ];
  for (const [layout, published] of parts) assert.ok(Math.abs(relative(layout) / published - 1) < 0.05);
});

test('layouts that do not divide are named with the numbers and the nearest that do', () => {
  const [first] = misfits(yuan, { ...yuanLayout, pipeline: 30 }, 3360);
  assert.match(first!.en, /layers .* 76 is not divisible by 30; .*19, 38/);
  assert.deepEqual(misfits(yuan, yuanLayout, 3360), []);
});

test('a plan fits the memory, is sorted, and every layout takes all devices', () => {
  const request = { shape: gptShape(40, 5120, 40, 53_248), device: a100, devices: 64, globalBatch: 512, time: 2048 };
  const plans = planTraining(request);
  assert.ok(plans.length > 10);
  for (const [i, { layout, memory, tokensPerSecond }] of plans.entries()) {
    assert.equal(layout.data * layout.tensor * layout.pipeline, 64);
    assert.ok(memory.total <= USABLE_MEMORY * a100.memory);
    assert.ok(i === 0 || tokensPerSecond <= plans[i - 1]!.tokensPerSecond);
  }
  const twice = planTraining({ ...request, devices: 128, globalBatch: 1024 })[0]!;
  const gain = twice.tokensPerSecond / plans[0]!.tokensPerSecond;
  assert.ok(gain > 1.8 && gain < 2.02, `${gain}`);
});

test('what is predicted for a pipeline is what its simulation takes', () => {
  const request = {
    shape: yuan,
    device: a100,
    devices: 2128,
    globalBatch: 1064,
    time: 2048,
    runtime: RUNTIMES['megatron-2021'],
  };
  const { step } = judgeLayout(request, yuanLayout);
  const simulated = simulateStep({ stages: 38, chunks: 1, microBatches: 152 }, step.piece).total;
  const predicted = step.total - step.data - step.optimizer - 152 * step.piece.head;
  assert.ok(Math.abs(simulated / predicted - 1) < 0.03, `${simulated} s, predicted ${predicted} s`);
});

test('shapes of a size are ranked; the published one is among them', () => {
  const request = { device: a100, devices: 2128, globalBatch: 3360, time: 2048, vocabulary: 53_248, isGated: false };
  const shapes = suggestShapes({ ...request, fixed: { tensor: 8, pipeline: 38 } }, 245.7e9);
  assert.ok(shapes.some(({ shape }) => shape.width === 16_384 && shape.layers === 76));
});
