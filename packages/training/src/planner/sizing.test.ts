import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { TokenSources } from '../data/token-source.ts';
import { planRun } from '../recipe/plan.ts';
import { temporaryDirectory, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { measureSize } from './short-runs.ts';
import { matrixParameters, type Surroundings } from './size-ladder.ts';
import { sizeRun } from './sizing.ts';

const TINY = { layers: 1, width: 64 }; // 64 samples of 32 tokens a step

function tinySurroundings(tokens: string): Surroundings {
  return { data: [tokens], vocabularySize: 64, context: 32, isLong: false, precision: 'float32', seed: 1 };
}

test('one run at several lengths: each loss is that of a cooled run, longer ones are better', async (t) => {
  const place = temporaryDirectory(t);
  const surroundings = tinySurroundings(writeTinyCorpus(path.join(place, 'tokens'), 1, { documents: 400 }));
  const steps: number[] = [];
  const points = await measureSize({
    size: TINY,
    surroundings,
    steps: 40,
    rate: 0.25,
    directory: path.join(place, 'short'),
    signal: new AbortController().signal,
    onStep: (done) => steps.push(done),
  });
  assert.deepEqual(
    points.map(({ tokens }) => tokens),
    [10, 20, 40].map((length) => length * 64 * 32),
  );
  assert.ok(points[0]!.loss > points[1]!.loss && points[1]!.loss > points[2]!.loss, JSON.stringify(points));
  assert.ok(points.every(({ parameters }) => parameters === matrixParameters(TINY, surroundings)));
  // The trunk of 30 steps once, and three cool-downs of a quarter.
  assert.equal(steps.at(-1), 30 + 3 + 5 + 10);
  assert.ok(!existsSync(path.join(place, 'short')));
});

test('a signal ends the short runs; what was measured before it stays', async (t) => {
  const place = temporaryDirectory(t);
  const stop = new AbortController();
  const points = await measureSize({
    size: TINY,
    surroundings: tinySurroundings(writeTinyCorpus(path.join(place, 'tokens'), 1)),
    steps: 60,
    rate: 1,
    directory: path.join(place, 'short'),
    signal: stop.signal,
    onStep: (done) => done === 20 && stop.abort(),
  });
  assert.equal(points.length, 1);
});

test('a run is sized on the machine and the data at hand, in the time that is allowed, and its recipe can be planned', async (t) => {
  const place = temporaryDirectory(t);
  const tokens = writeTinyCorpus(path.join(place, 'tokens'), 1, { documents: 400 });
  const shares: number[] = [];
  const sized = await sizeRun({
    data: [tokens],
    tokens: 60_000,
    budget: 600, // never used up: no short run is longer than the run that is asked for
    ladder: [TINY, { layers: 2, width: 64 }, { layers: 3, width: 64 }],
    directory: path.join(place, 'work'),
    seed: 1,
    onProgress: ({ share }) => shares.push(share),
  });
  assert.equal(sized.context, 64, 'the shortest that holds nine documents in ten');
  assert.ok(sized.points.length >= 3);
  assert.ok(sized.seconds >= 1 && shares.every((share) => share >= 0 && share <= 1));
  const { chosen, recipe } = sized;
  assert.ok(chosen.low <= chosen.loss && chosen.loss <= chosen.high);
  assert.ok(chosen.loss > 0 && chosen.loss < Math.log(64), `${chosen.loss} nats of at most ${Math.log(64)}`);
  using sources = new TokenSources([tokens]);
  const plan = planRun(recipe, { tokenizer: sources.tokenizer });
  assert.deepEqual([plan.model.layers, plan.model.width], [chosen.layers, chosen.width]);
  assert.deepEqual(plan.promised, recipe.promised);
  const curve = plan.promised!.curve!;
  assert.ok(Math.abs(curve.at(-1)!.loss - chosen.loss) < 1e-3, 'the curve ends at what is promised');
  assert.ok(curve.every(({ loss }, i) => i === 0 || loss <= curve[i - 1]!.loss));
  assert.ok(Math.abs(plan.samples * plan.sequenceLength - 60_000) <= 64 * sized.batch);
});

test('a budget that pays for no law says so', async (t) => {
  const place = temporaryDirectory(t);
  const data = [writeTinyCorpus(path.join(place, 'tokens'), 1)];
  await assert.rejects(sizeRun({ data, minutes: 1, budget: 0.01, ladder: [TINY], directory: place, seed: 1 }), {
    code: 'TRAINING_BAD_RECIPE',
    message: /--within/,
  });
});
