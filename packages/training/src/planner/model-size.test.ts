import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { TokenSources } from '../data/token-source.ts';
import { planRun } from '../recipe/plan.ts';
import { temporaryDirectory, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { chooseRun, promisedBits } from './model-size.ts';
import { batchFor, type ModelSize } from './size-ladder.ts';

test('the law: more parameters and more tokens promise less; tokens seen again are worth less than new ones', () => {
  assert.ok(promisedBits(2e6, 1e7, 1e9) < promisedBits(1e6, 1e7, 1e9));
  assert.ok(promisedBits(1e6, 2e7, 1e9) < promisedBits(1e6, 1e7, 1e9));
  assert.ok(promisedBits(1e6, 2e7, 1e9) < promisedBits(1e6, 2e7, 1e7));
  assert.equal(promisedBits(1e6, 1e7, 1e9), promisedBits(1e6, 1e7, 1e7)); // seen once, it does not matter how many there are
  const worthless = promisedBits(1e6, 1e12, 1e7) - promisedBits(1e6, 1e11, 1e7);
  assert.ok(Math.abs(worthless) < 1e-9, 'what has been seen a thousand times teaches nothing more');
});

test('sizes are tried from the smallest, and the best one has a recipe that can be planned', (t) => {
  const tokens = writeTinyCorpus(path.join(temporaryDirectory(t), 'tokens'), 1);
  using sources = new TokenSources([tokens]);
  const { tokenizer, list } = sources;
  const request = {
    tokens,
    trainingTokens: list[0]!.train.tokenCount,
    vocabularySize: tokenizer.vocabularySize,
    seconds: 1,
    seed: 1,
  };
  const tried: ModelSize[] = [];
  const { candidates, chosen, recipe, precision } = chooseRun(request, (size) => tried.push(size));
  assert.deepEqual(
    tried,
    candidates.map(({ layers, width }) => ({ layers, width })),
  );
  assert.deepEqual(tried[0], { layers: 2, width: 128 });
  assert.equal(chosen.promised, Math.min(...candidates.map(({ promised }) => promised)));
  const plan = planRun(recipe, { tokenizer });
  assert.deepEqual([plan.model.layers, plan.model.width, plan.precision], [chosen.layers, chosen.width, precision]);
  // Two steps are the shortest run: on a slow machine a second allows less than one.
  assert.ok(
    plan.samples * plan.sequenceLength <=
      Math.max(chosen.tokens, 2 * batchFor(chosen, { context: 128, isLong: false }) * 128),
  );
});
