/** Every layout within eight processes gives the curve of one process over 20 steps, both families. */
import path from 'node:path';
import test from 'node:test';
import type { RunRecipe } from '../recipe/schema.ts';
import { assertSameCurve, type Layout, trainInLayout } from '../testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

const sizes = { contextLength: 32, layers: 5, width: 32, heads: 4 };
const models = {
  gpt2: sizes,
  qwen3: { ...sizes, family: 'llama', kvHeads: 2, outputInit: 'normal' },
  'qwen2, untied': { ...sizes, family: 'llama', variant: 'qwen2', kvHeads: 2, tiedHead: false, outputInit: 'normal' },
} as const;

const layouts: Layout[] = [1, 2].flatMap((data) =>
  [1, 2, 4].flatMap((tensor) =>
    [1, 2, 4]
      .filter((pipeline) => data * tensor * pipeline <= 8 && tensor * pipeline > 1)
      // Sequence parallelism, interleaving and ZeRO-1 by turns, so that each meets each.
      .map((pipeline, at) => ({
        data,
        tensor,
        pipeline,
        sequenceParallel: tensor > 1 && (at + data) % 2 === 0,
        chunks: pipeline === 2 && (tensor + data) % 2 === 0 ? 2 : 1,
        replicateOptimizer: data > 1 && (tensor + pipeline) % 3 === 0,
      })),
  ),
);

for (const [name, model] of Object.entries(models)) {
  test(`${name}: every layout has the curve of one process`, async (t) => {
    const directory = temporaryDirectory(t);
    const recipe: RunRecipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
      model,
      steps: 20,
      microBatch: 2,
      globalBatch: 16,
      evaluation: { every: 10, windows: 5 },
      checkpoint: { every: 10, keep: 1 },
      threads: 1,
    });
    const one = path.join(directory, 'one');
    await train({ recipe, directory: one });
    for (const layout of layouts) {
      const what = Object.entries(layout).join(' ');
      const run = path.join(directory, what.replaceAll(/\W/g, '-'));
      await trainInLayout(recipe, run, layout);
      assertSameCurve(run, one, what);
    }
  });
}
