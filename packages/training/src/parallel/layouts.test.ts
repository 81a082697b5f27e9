/** Processes that hold a model together train as one process does; a checkpoint goes on in any layout. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { readModelConfig, sizesOf } from '@tunan/model';
import { readRunLog } from '../run/run-log.ts';
import { assertSameCurve, trainInLayout } from '../testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

test('two tensor ranks in two uneven stages with recomputation, then one process: the curve of one process', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, '语料'), 1)], {
    model: { family: 'llama', contextLength: 32, layers: 3, width: 32, heads: 4, kvHeads: 2 },
    steps: 10,
    microBatch: 2,
    evaluation: { every: 5, windows: 5 },
    checkpoint: { every: 5, keep: 2 },
    threads: 1,
  });
  const [one, parts] = ['one', 'parts'].map((name) => path.join(directory, name)) as [string, string];
  await train({ recipe, directory: one });
  await trainInLayout(
    { ...recipe, recomputation: true, evaluateEvery: { steps: 4, suite: 'parameters', data: '.', limit: 1 } },
    parts,
    { tensor: 2, pipeline: 2, sequenceParallel: true },
    { until: 6 },
  );
  const [line] = readRunLog(path.join(parts, 'log.jsonl')).filter(({ tasks }) => tasks !== undefined);
  const model = readModelConfig(path.join(parts, 'checkpoints', 'step-6'));
  assert.deepEqual(line!.tasks, { parameters: sizesOf(model).parameters.total }); // of the whole model
  await train({ recipe, directory: parts, resume: 'always' });
  assertSameCurve(parts, one);
});
