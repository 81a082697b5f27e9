// float16 where processes share a model: all decide alike, or they would wait for each other.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { readRunLog } from './run/run-log.ts';
import { trainInLayout } from './testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { train } from './train.ts';

test('a scale that is too large falls in a tensor group in two stages, recomputed', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    model: { family: 'llama', contextLength: 32, layers: 2, width: 32, heads: 4, kvHeads: 2 },
    steps: 14,
    microBatch: 2,
    precision: 'float16',
    lossScale: { initial: 2 ** 26, growAfter: 3 },
    threads: 1,
  });
  const [one, parts] = ['one', 'parts'].map((name) => path.join(directory, name)) as [string, string];
  await train({ recipe, directory: one });
  await trainInLayout({ ...recipe, recomputation: 'full' }, parts, { tensor: 2, pipeline: 2 });
  const linesOf = (run: string) => readRunLog(path.join(run, 'log.jsonl'));
  const [expected, found] = [linesOf(one), linesOf(parts)];
  // Parts of a sum may overflow where the sum does not: the scale may fall once more.
  assert.equal(found[0]!.skipped, true);
  assert.ok(found.some(({ skipped }) => skipped === undefined));
  for (const [at, tolerance] of [
    [0, 1e-3],
    [-1, 0.1],
  ] as const) {
    const [loss, wanted] = [found.at(at)!.loss, expected.at(at)!.loss];
    assert.ok(Math.abs(loss / wanted - 1) < tolerance, `${loss}, in one process ${wanted}`);
  }
});
