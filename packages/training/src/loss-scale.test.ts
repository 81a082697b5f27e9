// float16 with dynamic loss scaling: the curve of float32, small gradients kept, overflow skipped on every rank, exact resume.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { LanguageModel } from '@tunan/model';
import { randint, scope } from '@tunan/torch';
import { LossScale } from './loss-scale.ts';
import { planRun } from './recipe/plan.ts';
import type { RunRecipe } from './recipe/schema.ts';
import { lastGood, newestGoodCheckpoint } from './run/checkpoint.ts';
import { readRunLog } from './run/run-log.ts';
import { trainInLayout } from './testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { train } from './train.ts';

const sizes = { contextLength: 32, layers: 2, width: 32, heads: 4 };
const models = { gpt2: sizes, llama: { ...sizes, family: 'llama', kvHeads: 2 } } as const;
/** Gradients of this overflow until it has fallen a few times. */
const LARGE = 2 ** 26;

test('the scale is halved by overflow and doubled after enough good steps; below 1 there is none', () => {
  const scale = new LossScale({ initial: 4, growAfter: 2 });
  const seen = [true, false, false, false, true, true].map((overflows) => {
    scale.take(overflows);
    return scale.scale;
  });
  assert.deepEqual(seen, [2, 2, 4, 4, 2, 1]);
  const goneOn = new LossScale({ initial: 4, growAfter: 2 }, JSON.parse(JSON.stringify(scale.state)));
  assert.equal(goneOn.take(false), true);
  assert.deepEqual(goneOn.state, { scale: 1, goodSteps: 1 });
  assert.equal(goneOn.take(true), false);
});

for (const [family, model] of Object.entries(models)) {
  test(`${family}: a scale that is too large falls, and the curve is that of float32`, async (t) => {
    const directory = temporaryDirectory(t);
    const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
      model,
      steps: 20,
      microBatch: 4,
      optimizer: { learningRate: 2e-3 },
      threads: 1,
    });
    const run = async (name: string, change: Partial<RunRecipe>) => {
      await train({ recipe: { ...recipe, ...change }, directory: path.join(directory, name) });
      return readRunLog(path.join(directory, name, 'log.jsonl'));
    };
    const float16 = await run('float16', { precision: 'float16', lossScale: { initial: LARGE }, steps: 40 });
    assert.equal(float16[0]!.skipped, true);
    assert.equal(float16.at(-1)!.skipped, undefined);
    let scale = LARGE;
    for (const { step, skipped = false, lossScale, gradientNorm } of float16) {
      assert.equal(lossScale, scale, `step ${step}`);
      assert.equal(gradientNorm === undefined, skipped);
      if (skipped) scale /= 2;
    }
    assert.ok(scale < LARGE / 2);
    const normal = await run('normal', { precision: 'float16' });
    const float32 = await run('float32', {});
    assert.ok(float32.at(-1)!.loss < float32[0]!.loss - 0.3);
    for (const [at, line] of normal.entries()) {
      assert.equal(line.lossScale, 2 ** 16);
      const { loss, gradientNorm } = float32[at]!;
      assert.ok(Math.abs(line.loss / loss - 1) < 2e-3, `step ${line.step}: ${line.loss}, float32 ${loss}`);
      assert.ok(
        Math.abs(line.gradientNorm! / gradientNorm! - 1) < 0.02,
        `step ${line.step}: norm ${line.gradientNorm}`,
      );
    }
  });
}

test('gradients that float16 cannot tell from zero are kept by the scale', () => {
  const config = { ...models.llama, vocabularySize: 64, outputInit: 'normal' } as const;
  using model = LanguageModel.create(config, { seed: 1, dtype: 'float16' });
  using exact = LanguageModel.create(config, { seed: 1 });
  const name = 'model.layers.0.mlp.gate_proj.weight';
  scope(() => {
    const ids = randint(0, 64, [4, 32]);
    /** As of one prediction among very many: a share of the loss that is next to nothing. */
    const gradientOf = (one: LanguageModel, scale: number): number[] => {
      const parameter = one.namedParameters().get(name)!;
      parameter.grad = undefined;
      one
        .loss(ids, ids, { training: true })
        .mul(1e-5 * scale)
        .backward();
      return Array.from(parameter.grad!.toArray() as Float32Array, (value) => value / scale);
    };
    const norm = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const expected = gradientOf(exact, 1);
    const [plain, scaled] = [1, 2 ** 16].map((scale) => gradientOf(model, scale)) as [number[], number[]];
    const error = (found: number[]) => norm(found.map((value, at) => value - expected[at]!)) / norm(expected);
    assert.ok(error(scaled) < 0.02, `with the scale ${error(scaled)}`);
    assert.ok(error(plain) > 0.3, `without ${error(plain)}`);
    assert.ok(plain.filter((value) => value === 0).length > plain.length / 10);
  });
});

test('overflow alone, gone on with to the bit, and in two copies, selectively recomputed: the same steps make no update', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    model: models.llama,
    steps: 14,
    microBatch: 2,
    precision: 'float16',
    lossScale: { initial: LARGE, growAfter: 3 },
    checkpoint: { every: 14, keep: 1 },
    threads: 1,
  });
  const at = (name: string) => path.join(directory, name);
  const linesOf = (name: string) =>
    readRunLog(path.join(at(name), 'log.jsonl')).map(({ loss, gradientNorm, lossScale, skipped }) => ({
      ...{ loss, gradientNorm, lossScale, skipped },
    }));
  await train({ recipe, directory: at('one') });
  const one = linesOf('one');
  const scales = one.map(({ lossScale }) => lossScale!);
  assert.ok(
    scales.some((scale, step) => step > 0 && scale < scales[step - 1]!),
    'it falls',
  );
  assert.ok(
    scales.some((scale, step) => step > 0 && scale > scales[step - 1]!),
    'it rises',
  );

  const controller = new AbortController();
  const stop = {
    signal: controller.signal,
    onProgress: ({ line }: { line: { step: number } }) => line.step === 8 && controller.abort(),
  };
  await train({ recipe, directory: at('stopped'), ...stop });
  const { good } = newestGoodCheckpoint(path.join(at('stopped'), 'checkpoints'))!;
  assert.equal(good.state.lossScale!.scale, scales[8], lastGood(good.directory).en);
  await train({ recipe, directory: at('stopped'), resume: 'always' });
  assert.deepEqual(linesOf('stopped'), one);

  await trainInLayout({ ...recipe, recomputation: 'selective' }, at('copies'), { data: 2 });
  for (const [step, line] of linesOf('copies').entries()) {
    const { loss, lossScale, skipped } = one[step]!;
    assert.deepEqual([line.lossScale, line.skipped], [lossScale, skipped], `step ${step + 1}`);
    assert.ok(Math.abs(line.loss / loss - 1) < 1e-3, `step ${step + 1}: ${line.loss}, ${loss}`);
  }
});

test('mistakes: a scale without float16; overflow at every scale', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 3, threads: 1 });
  assert.throws(() => planRun({ ...recipe, lossScale: {} }), /lossScale: only with precision "float16"/);
  assert.throws(() => planRun({ ...recipe, precision: 'float16', lossScale: { initial: 0.5 } }), /lossScale\.initial/);
  // What is fed back is more than float16 holds, whatever the scale.
  const run = train({
    recipe: { ...recipe, precision: 'float16', lossScale: { initial: 2 } },
    directory: path.join(directory, 'run'),
    onReady: async (_, data) => {
      (data as { objective: typeof data.objective }).objective = (_model, hidden) => ({
        gradient: hidden.to('float32').sum().mul(1e9),
        loss: 1,
        measures: {},
      });
    },
  });
  await assert.rejects(
    run,
    /step 2: gradients overflow float16 at a loss scale of 1, and halved it would be below 1; no checkpoint/,
  );
});
