// A model of 124 M parameters with a context of 1024 trains in less than 6 GiB of the process's memory, in less still with recomputation.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { memory, resetPeakMemory, trimMemory } from '@tunan/torch';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { train } from './train.ts';

const limit = 6 * 2 ** 30;
const gpt2 = { contextLength: 1024, layers: 12, width: 768, heads: 12, vocabularySize: 50257 };
const peaks = new Map<string, number>();

/** The leaner first: the process's own peak never comes down again. */
for (const recomputation of [true, false]) {
  for (const precision of ['bfloat16', 'float32'] as const) {
    const name = `${precision}${recomputation ? ', recomputation' : ''}`;
    test(`124 M parameters, context 1024, ${name}`, async (t) => {
      const directory = temporaryDirectory(t);
      const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'corpus'), 1, { documents: 200 })], {
        model: gpt2,
        sequenceLength: 1024,
        microBatch: 1,
        globalBatch: 2,
        steps: 2,
        precision,
        recomputation,
      });
      trimMemory();
      resetPeakMemory();
      const { lastLine } = await train({ recipe, directory: path.join(directory, 'run') });
      assert.ok(Number.isFinite(lastLine!.loss));
      peaks.set(name, memory().peakBytes);
      const resident = process.resourceUsage().maxRSS * 1024;
      t.diagnostic(
        `tensors ${(memory().peakBytes / 2 ** 20).toFixed(0)} MiB, process ${(resident / 2 ** 20).toFixed(0)} MiB`,
      );
      assert.ok(resident < limit, `${resident} bytes`);
    });
  }
}

test('recomputation spares most of the activations', () => {
  const spared = (precision: string) => peaks.get(precision)! - peaks.get(`${precision}, recomputation`)!;
  assert.ok(spared('float32') > 300 * 2 ** 20 && spared('bfloat16') > 200 * 2 ** 20, JSON.stringify([...peaks]));
});
