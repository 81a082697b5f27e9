import assert from 'node:assert/strict';
import test from 'node:test';
import { tinyRecipe } from '../testing/tiny-corpus.ts';
import { trainingError } from '../testing/training-error.ts';
import { fittingRanks, requireLayout } from './parallel-plan.ts';
import { planHash, planRun } from './plan.ts';
import type { RunRecipe } from './schema.ts';

const tokenizer = { vocabularySize: 64, eod: 4 };
const planOf = (parallel: RunRecipe['parallel'], change: Partial<RunRecipe> = {}) =>
  planRun(tinyRecipe(['poems'], { parallel, ...change }), { tokenizer });

test('layouts that a model or a batch does not fit are refused with the numbers', () => {
  const model = { contextLength: 32, layers: 3, width: 36, heads: 6 };
  const refused: [NonNullable<RunRecipe['parallel']>, RegExp][] = [
    [{ tensor: 7 }, /6 heads .* at most 6 devices/],
    [{ pipeline: 2, chunks: 2 }, /2 stages of 2 pieces, but 3 layers: at most 1/],
    [{ chunks: 2 }, /parallel\.chunks: without stages/],
    [{ tensor: 3, sequenceParallel: true }, /sequenceLength 32 is not divisible by tensor 3; nearest that are: 30, 33/],
  ];
  for (const [parallel, message] of refused)
    assert.throws(() => planOf(parallel, { model }), trainingError('TRAINING_BAD_RECIPE', message));

  const plan = planOf({ pipeline: 2, chunks: 2 }, { model: { ...model, layers: 4 }, microBatch: 2, globalBatch: 12 });
  assert.throws(
    () => requireLayout(plan, { tensor: 2, pipeline: 1, data: 1 }),
    trainingError('TRAINING_BAD_LAYOUT', /asks for 1 x 2 processes a model .* these are 2 x 1/),
  );
  assert.throws(
    () => requireLayout(plan, { tensor: 1, pipeline: 2, data: 2 }),
    trainingError('TRAINING_BAD_LAYOUT', /12 samples is not divisible by 8; nearest that are: 8, 16/),
  );
  requireLayout(plan, { tensor: 1, pipeline: 2, data: 3 });
});

test('a run goes on with as many processes as divide each of its steps', () => {
  const laid = { microBatch: 2, globalBatch: 24, parallel: { tensor: 2, pipeline: 2 } };
  assert.deepEqual(fittingRanks(laid, 27), [4, 8, 12, 16, 20, 24]); // uneven counts are dealt out
  const interleaved = { ...laid, parallel: { ...laid.parallel, chunks: 2 } };
  assert.deepEqual(fittingRanks(interleaved, 27), [4, 8, 12, 24]); // 24 samples: 6 rounds of 2 micro batches of 2
  assert.deepEqual(fittingRanks({ ...interleaved, batchRamp: { start: 8, increment: 8, samples: 100 } }, 27), [4, 8]);
  assert.deepEqual(fittingRanks(interleaved, 3), []);
});

test('the layout is no part of what a run is, but where it decides what dropout draws', () => {
  const whole = planHash(planOf({}));
  assert.equal(planHash(planOf({ tensor: 2, pipeline: 2 })), whole);
  const dropout = { dropout: 0.1 };
  const masked = planHash(planOf({}, dropout));
  assert.equal(planHash(planOf({ tensor: 2 }, dropout)), masked); // all draw the same
  assert.notEqual(planHash(planOf({ pipeline: 2 }, dropout)), masked);
  assert.notEqual(planHash(planOf({ tensor: 2, sequenceParallel: true }, dropout)), masked);
});
