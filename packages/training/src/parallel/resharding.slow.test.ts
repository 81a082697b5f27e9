/** Eight processes, then three: the curve of one. */
import path from 'node:path';
import test from 'node:test';
import { assertSameCurve, trainInLayout } from '../testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

for (const kind of ['adamw', 'muon'] as const) {
  test(`${kind}: eight copies of a model, then three, with the state of the optimizer in as many parts`, async (t) => {
    const directory = temporaryDirectory(t);
    const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
      steps: 20,
      microBatch: 1,
      optimizer: { kind, learningRate: 1e-2, warmupSteps: 2 },
      evaluation: { every: 10, windows: 5 },
      checkpoint: { every: 10, keep: 2 },
      threads: 1,
    });
    const [one, parts] = ['one', 'parts'].map((name) => path.join(directory, name)) as [string, string];
    await train({ recipe, directory: one });
    await trainInLayout(recipe, parts, { data: 8 }, { until: 11 });
    await trainInLayout(recipe, parts, { data: 3 }, { resume: 'always' });
    assertSameCurve(parts, one);
  });
}
