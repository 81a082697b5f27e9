/** Steps that leap are skipped: which ones, that nothing is updated then, and that a run that goes on skips the same ones. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { readSafetensors } from '@tunan/torch';
import { readRunLog } from './run/run-log.ts';
import { SpikeRule } from './spike-rule.ts';
import { assertSameCurve, trainInLayout } from './testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { train } from './train.ts';

/** Which of the steps leap, by their number. */
function leaps(steps: readonly { loss: number; gradientNorm: number }[], rule: SpikeRule): number[] {
  return steps.flatMap((step, index) => (rule.take(step) ? [index] : []));
}

test('a loss or a norm far above those of the window, once half of it is known', () => {
  // Mean 2.5 and standard deviation 0.527 of ten alternating steps: the border of 3 deviations is at 4.081.
  const calm = Array.from({ length: 10 }, (_, step) => ({ loss: 2 + (step % 2), gradientNorm: 1 + (step % 2) / 2 }));
  const rule = () => new SpikeRule({ deviations: 3, window: 20 });
  assert.deepEqual(leaps([...calm, { loss: 4.09, gradientNorm: 1 }], rule()), [10]);
  assert.deepEqual(leaps([...calm, { loss: 4.07, gradientNorm: 1 }], rule()), []);
  assert.deepEqual(leaps([...calm, { loss: 0, gradientNorm: 9 }], rule()), [10]);
  assert.deepEqual(leaps([...calm.slice(1), { loss: 99, gradientNorm: 9 }], rule()), []);
});

test('what stays high is accepted after some steps; a rule that goes on from the recent steps says the same', () => {
  const steps = Array.from({ length: 60 }, (_, step) => ({
    loss: (step < 30 ? 2 : 5) + (step % 3) / 10,
    gradientNorm: 1,
  }));
  const options = { deviations: 3, window: 16 };
  const all = leaps(steps, new SpikeRule(options));
  assert.equal(all[0], 30);
  assert.ok(all.length < 8 && all.at(-1)! < 40, all.join());
  const first = new SpikeRule(options);
  leaps(steps.slice(0, 31), first);
  const recent = JSON.parse(JSON.stringify(first.recent));
  assert.equal(recent.length, 16);
  assert.deepEqual(
    leaps(steps.slice(31), new SpikeRule(options, recent)).map((index) => index + 31),
    all.slice(1),
  );
});

test('a run skips them, alone, in two tensor ranks and gone on with: the same steps, no update', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 24,
    microBatch: 4,
    optimizer: { learningRate: 1e-4 },
    skipSpikes: { deviations: 1.2, window: 8 }, // so that the noise of a tiny model is enough
    checkpoint: { every: 24, keep: 1 },
    threads: 1,
  });
  const [one, parts] = ['one', 'parts'].map((name) => path.join(directory, name)) as [string, string];
  const { checkpoint } = await train({ recipe, directory: one });
  const lines = readRunLog(path.join(one, 'log.jsonl'));
  const rule = new SpikeRule({ deviations: 1.2, window: 8 });
  const expected = lines.map(({ loss, gradientNorm }) => rule.take({ loss, gradientNorm: gradientNorm! }));
  assert.deepEqual(
    lines.map(({ skipped = false }) => skipped),
    expected,
  );
  const skipped = expected.filter((leap) => leap).length;
  assert.ok(skipped > 1 && expected.indexOf(true) < 12, expected.join());
  using moments = readSafetensors(path.join(checkpoint, 'optimizer.safetensors'));
  assert.equal(Number(moments.metadata.step), 24 - skipped);

  await trainInLayout(recipe, parts, { tensor: 2 }, { until: 13 });
  await trainInLayout(recipe, parts, { data: 2 }, { resume: 'always' });
  assertSameCurve(parts, one);
  assert.deepEqual(
    readRunLog(path.join(parts, 'log.jsonl')).map(({ skipped: leap = false }) => leap),
    expected,
  );
});
