// An adapter learns what all weights learn where both learn to the end: the loss on what was held out is within 2 % at the best rates of both.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import type { RunRecipe } from '../recipe/schema.ts';
import { readRunLog } from '../run/run-log.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

const STEPS = 1200;
const RATES = { full: [5e-3, 1e-2, 3e-2], lora: [6e-3, 1.5e-2] };

test('an adapter of rank 16 ends within 2 % of all weights, each at its best rate', async (t) => {
  const directory = temporaryDirectory(t);
  const [known, other] = [1, 5].map((kind) =>
    writeTinyCorpus(path.join(directory, `kind-${kind}`), kind, { documents: 2000 }),
  );
  const base = path.join(directory, 'base');
  await train({ recipe: tinyRecipe([known!], { steps: STEPS, threads: 1 }), directory: base });
  const lossOf = async (name: string, change: Partial<RunRecipe>): Promise<number> => {
    const run = path.join(directory, name);
    const recipe = tinyRecipe([other!], {
      steps: STEPS,
      threads: 1,
      evaluation: { every: STEPS, windows: 64 },
      ...change,
    });
    await train({ recipe, directory: run, from: base });
    const loss = readRunLog(path.join(run, 'log.jsonl')).at(-1)!.evaluation!.loss;
    t.diagnostic(`${name}: ${loss.toFixed(4)}`);
    return loss;
  };
  const optimizer = (learningRate: number) => ({
    learningRate,
    minLearningRate: 0,
    decay: 'linear' as const,
    warmupSteps: 20,
    weightDecay: 0,
  });
  const full: number[] = [];
  for (const rate of RATES.full) full.push(await lossOf(`full-${rate}`, { optimizer: optimizer(rate) }));
  const lora: number[] = [];
  for (const rate of RATES.lora)
    lora.push(await lossOf(`lora-${rate}`, { optimizer: optimizer(rate), lora: { rank: 16 } }));
  const [best, of] = [Math.min(...lora), Math.min(...full)];
  assert.ok(best < 1.02 * of, `adapter ${best}, all weights ${of}`);
});
