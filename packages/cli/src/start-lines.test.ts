import assert from 'node:assert/strict';
import test from 'node:test';
import type { RunPlan } from '@tunan/training';
import { startLines } from './start-lines.ts';

const plan = { steps: 9, device: 'cpu', precision: 'float32', askedPrecision: 'bfloat16' } as RunPlan;

test('a run tells what it does first; one that is finished measures nothing and does not say that it will', () => {
  const [only] = startLines({ plan, step: 0, damaged: [], rows: [] });
  assert.match(only!, /^9 steps on cpu in float32: the recipe asks for bfloat16.*; first the peak/);
  const [place, work] = startLines({ plan, step: 4, checkpoint: 'run/step-4', damaged: [], rows: [] });
  assert.equal(place, 'goes on from run/step-4');
  assert.match(work!, /first the peak/);
  const finished = startLines({ plan, step: 9, checkpoint: 'run/step-9', damaged: ['run/step-9.damaged'], rows: [] });
  assert.deepEqual(finished, [
    'damaged, left aside: run/step-9.damaged',
    'goes on from run/step-9',
    'all 9 steps are done',
  ]);
});

test('rows of documents are counted: those that are cut, and what stays empty', () => {
  const rows = [{ source: 'poems', rows: 10, documents: 55, cut: 2, filled: 285 }];
  const [counts, work] = startLines({
    plan: { ...plan, sequenceLength: 30, prefix: { least: 0, most: 1 } } as RunPlan,
    step: 0,
    damaged: [],
    rows,
  });
  assert.equal(counts, 'poems: 55 documents in 10 rows an epoch; 2 longer than a row take several; 5.0 % padding');
  assert.match(work!, /^9 steps of a prefix language model on cpu/);
});
