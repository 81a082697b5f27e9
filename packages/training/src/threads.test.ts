/** The number of threads decides the speed of a run, not one bit of it; under every instruction set by tests/instruction-sets.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { getThreads, setThreads } from '@tunan/torch';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { train } from './train.ts';

for (const precision of ['float32', 'bfloat16'] as const) {
  test(`the same weights and moments with 1, 2 and 4 threads, ${precision}`, async (t) => {
    const before = getThreads();
    t.after(() => setThreads(before));
    const directory = temporaryDirectory(t);
    const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
    const results: Buffer[][] = [];
    for (const threads of [1, 2, 4]) {
      const recipe = tinyRecipe([corpus], {
        // Wider than one part of a product in rows and in columns.
        model: { contextLength: 32, layers: 2, width: 192, heads: 3 },
        optimizer: { kind: 'muon', learningRate: 1e-2, warmupSteps: 2 },
        microBatch: 20,
        globalBatch: 20,
        steps: 3,
        precision,
        threads,
      });
      const { checkpoint } = await train({ recipe, directory: path.join(directory, String(threads)) });
      const files = ['model.safetensors', 'optimizer.safetensors'];
      results.push(files.map((name) => readFileSync(path.join(checkpoint, name))));
    }
    for (const [i, result] of results.entries())
      assert.ok(
        result.every((bytes, file) => bytes.equals(results[0]![file]!)),
        `${[1, 2, 4][i]} threads`,
      );
  });
}
