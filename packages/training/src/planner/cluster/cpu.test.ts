import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import type { CpuFigures } from './cpu-figures.ts';
import { cpuProcessMemory } from './cpu-memory.ts';
import { cpuDevice } from './devices.ts';
import type { Layout } from './layout.ts';
import { type PlanFromOptions, planFrom } from './plan-from.ts';
import { judgeLayout, planTraining } from './plan-training.ts';
import { gptShape } from './shape.ts';

/** Leaves the vocabulary to its data. */
const RECIPE = {
  model: { family: 'llama', contextLength: 512, layers: 6, width: 256, heads: 4, kvHeads: 2 },
  data: [{ corpus: 'tokens' }],
  ...{ sequenceLength: 512, microBatch: 8, globalBatch: 16, steps: 100, optimizer: { learningRate: 1e-3 } },
};
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-plan-'));
after(() => rmSync(folder, { recursive: true }));
const recipe = { file: path.join(folder, 'small.json'), home: folder };
writeFileSync(recipe.file, JSON.stringify(RECIPE));
const options: PlanFromOptions = { recipe, vocabulary: 4096, devices: 2, device: 'cpu', runtime: 'tunan' };

/** Of a core, one process on it. */
const CORE: CpuFigures = {
  cores: 1,
  processes: 1,
  threads: 1,
  precision: 'bfloat16',
  peak: 9e11,
  bandwidth: 1e10,
  attention: 1.5e11,
  logit: 1.7e-9,
  kernel: 3e-6,
  memory: 2 ** 33,
  empty: 2 ** 28,
  meeting: 0,
  sumRate: Number.MAX_VALUE,
  message: 0,
  link: Number.MAX_VALUE,
};
const TALKING = { meeting: 5e-5, sumRate: 1e9, message: 6e-5, link: 4e9 };
const alone: Layout = {
  ...{ data: 1, tensor: 1, pipeline: 1, chunks: 1, microBatch: 2 },
  recomputation: 'none',
  sequenceParallel: false,
  shardedOptimizer: false,
};
const shape = gptShape(8, 256, 4, 8192);
const judge = (figures: Partial<CpuFigures>, layout: Partial<Layout>) => {
  const device = cpuDevice({ ...CORE, ...figures });
  const devices = device.cpu!.processes;
  return judgeLayout({ shape, device, devices, globalBatch: 16, time: 256 }, { ...alone, ...layout });
};

test('processes that share a core are no faster than one; with a core each they are', () => {
  const one = judge({}, {}).tokensPerSecond;
  const layouts: Partial<Layout>[] = [
    { data: 2, shardedOptimizer: true },
    { tensor: 2, sequenceParallel: true },
    { pipeline: 2 },
  ];
  for (const layout of layouts) {
    const shared = judge({ ...TALKING, processes: 2 }, layout);
    assert.ok(shared.tokensPerSecond < one, JSON.stringify(layout));
    const own = judge({ ...TALKING, processes: 2, cores: 2 }, layout);
    assert.ok(own.tokensPerSecond > shared.tokensPerSecond * 1.2 && own.tokensPerSecond < 2 * one);
    for (const { step } of [shared, own]) {
      const parts = step.compute + step.tensor + step.pipeline + step.bubble + step.data + step.optimizer;
      assert.ok(Math.abs(parts / step.total - 1) < 1e-9, `${JSON.stringify(layout)}: ${parts} of ${step.total}`);
    }
  }
  // Who waits for another stage leaves the core to it.
  assert.equal(judge({ ...TALKING, processes: 2 }, { pipeline: 2 }).step.bubble, 0);
  assert.ok(judge({ ...TALKING, processes: 2, cores: 2 }, { pipeline: 2 }).step.bubble > 0);
});

test('memory of a process: state of 16 bytes a parameter, divided by the layout, and a copy while it is written', () => {
  const bytes = (layout: Partial<Layout>, checkpoint: boolean) =>
    cpuProcessMemory(shape, { ...alone, ...layout }, { globalBatch: 16, time: 256, cpu: CORE, checkpoint });
  const parameters = 8 * 12 * 256 ** 2 + 8192 * 256;
  const whole = bytes({}, false);
  assert.equal(whole.weights + whole.optimizer, CORE.empty + 16 * parameters);
  assert.equal(bytes({}, true).total - whole.total, 12 * parameters);
  const half = bytes({ tensor: 2, sequenceParallel: true }, false);
  assert.equal(half.weights + half.optimizer, CORE.empty + 8 * parameters);
  assert.ok(half.activations < whole.activations);
});

test('plans of a processor keep activations or compute them again, and fit its memory', () => {
  const device = cpuDevice({ ...CORE, ...TALKING, processes: 4 });
  const plans = planTraining({ shape, device, devices: 4, globalBatch: 16, time: 256 });
  assert.ok(plans.length > 5);
  for (const { layout, memory } of plans) {
    assert.ok(layout.recomputation !== 'selective');
    assert.ok(memory.total < device.memory);
  }
});

test('this machine is measured, and its plan has neither energy nor a price unless one is given', async () => {
  const { device, best, journey } = await planFrom({ ...options, price: 0.1 });
  const { cpu } = device;
  assert.ok(cpu !== undefined && best.length > 0);
  assert.equal(cpu.processes, 2);
  for (const [name, value] of Object.entries(cpu)) {
    if (name === 'precision' || name === 'logit') continue; // too small to be told from noise where a product is slow
    assert.ok(Number.isFinite(value) && (value as number) > 0, `${name}: ${value}`);
  }
  assert.equal(journey.energy, undefined);
  assert.ok(journey.cost! > 0);
});

test('what does not make sense is refused in one line', async () => {
  const refused = (change: Partial<PlanFromOptions>, message: RegExp) =>
    assert.rejects(planFrom({ ...options, ...change }), { code: 'TRAINING_BAD_PLAN', message });
  const most = 4 * availableParallelism();
  await refused({ devices: most + 1 }, new RegExp(`^--gpus ${most + 1}: .* at most ${most}, `));
  await refused({ runtime: 'deepspeed' }, /^--runtime deepspeed: on cpu only tunan trains/);
  await refused({ vocabulary: undefined }, /small\.json leaves the vocabulary to its data: give --vocabulary N/);
  await refused({ device: 'a100' }, /^--gpu a100: there are .*; did you mean a100-40g or a100-80g\?$/);
  await refused({ device: 'h100', price: -1 }, /^--price -1: 0 or more/);
  await refused({ device: 'h100', devices: 7 }, /^no layout of .* fits 7 x h100 .*nearest that fit: [56], 8$/);
  await refused(
    { device: 'h100', recipe: undefined, vocabulary: undefined, parameters: 5e6 },
    /a vocabulary of \d+ takes/,
  );
});
