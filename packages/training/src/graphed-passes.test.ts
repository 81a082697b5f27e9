/**
 * Passes that stay where they were recorded give what passes give that run as they come. On the CPU a graph is its work done again, so what
 * is tried is what goes in, what comes out and where gradients are; no graph of a device was ever run here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { requireGraphs } from './graphed-passes.ts';
import type { RunPlan } from './recipe/plan.ts';
import type { RunRecipe } from './recipe/schema.ts';
import { readRunLog } from './run/run-log.ts';
import { trainInLayout } from './testing/layout-runs.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { type TrainOptions, train } from './train.ts';

/** What a run of six steps has found and left. */
async function outcomeOf(options: TrainOptions) {
  const { checkpoint } = await train(options);
  return {
    log: readRunLog(path.join(options.directory, 'log.jsonl')).map(({ loss, lossBySource, gradientNorm }) => ({
      loss,
      lossBySource,
      gradientNorm,
    })),
    weights: readFileSync(path.join(checkpoint, 'model.safetensors')),
    state: readFileSync(path.join(checkpoint, 'optimizer.safetensors')),
  };
}

const changes: Record<string, Partial<RunRecipe>> = {
  'dropout, documents apart': { dropout: 0.1, attention: 'document' },
  'recomputation, by Muon': { recomputation: true, optimizer: { kind: 'muon', learningRate: 1e-2, warmupSteps: 2 } },
};

for (const [name, change] of Object.entries(changes)) {
  test(`${name}: graphs give the bits of a run without them`, async (t) => {
    const directory = temporaryDirectory(t);
    const corpora = [1, 2].map((kind) => writeTinyCorpus(path.join(directory, `poems ${kind}`), kind));
    const recipe = tinyRecipe(corpora, { steps: 6, microBatch: 2, globalBatch: 8, threads: 1, ...change });
    const plain = await outcomeOf({ recipe, directory: path.join(directory, 'plain') });
    const graphed = await outcomeOf({ recipe, directory: path.join(directory, 'graphed'), cudaGraphs: true });
    assert.deepEqual(graphed, plain);
  });
}

test('two copies of a model, each with the state of its own parameters', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const recipe = tinyRecipe([corpus], { steps: 5, microBatch: 2, globalBatch: 12, threads: 1 });
  const [plain, graphed] = ['plain', 'graphed'].map((name) => path.join(directory, name)) as [string, string];
  await trainInLayout(recipe, plain, { data: 2 });
  await trainInLayout(recipe, graphed, { data: 2 }, { cudaGraphs: true });
  const lossesOf = (run: string) => readRunLog(path.join(run, 'log.jsonl')).map(({ loss }) => loss);
  assert.deepEqual(lossesOf(graphed), lossesOf(plain)); // a sum of two has one order
});

test('what is not the same work every time is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const recipe = tinyRecipe([corpus], { packing: 'documents' });
  await assert.rejects(
    train({ recipe, directory: path.join(directory, 'run'), cudaGraphs: true }),
    /^TrainingError: CUDA graphs: how many predictions count is another number in every micro batch; use .*, or leave --cuda-graphs out$/,
  );
  const plan = { parallel: { tensor: 1, pipeline: 2 } } as RunPlan;
  assert.throws(
    () => requireGraphs(plan, { objective: undefined }),
    /^TrainingError: CUDA graphs: a pass that processes share .* is not recorded/,
  );
});
