/** A number that is not finite ends all ranks with one error, which names the rank that it comes from. */
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSafetensors, writeSafetensors } from '@tunan/torch';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

const PROGRAM = fileURLToPath(new URL('../testing/train-rank.ts', import.meta.url));

/** What all ranks say. */
async function allSay(size: number, options: object): Promise<string> {
  const ends = await runRanks(PROGRAM, [JSON.stringify({ resume: 'never', ...options })], { size });
  for (const { code, stderr } of ends) {
    assert.equal(code, 1, stderr);
    assert.equal(stderr, ends[0]!.stderr);
  }
  return ends[0]!.stderr;
}

for (const [what, expected] of [
  ['loss', /^step 1: the loss is NaN, first on rank 1 of 2; no checkpoint was written yet; .*\n$/],
  ['gradient', /^step 1: the gradient norm is NaN, first on rank 1 of 2; no checkpoint was written yet; .*\n$/],
  [
    'gradient once',
    /^step 1: the gradient norm is NaN, but not when the step was computed again: a processor or device may be faulty; /,
  ],
] as const) {
  test(`copies of a model, ${what} of one: all name it`, async (t) => {
    const directory = temporaryDirectory(t);
    const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { microBatch: 4, steps: 3 });
    assert.match(
      await allSay(2, { recipe, directory: path.join(directory, 'run'), poison: { rank: 1, what } }),
      expected,
    );
  });
}

/** A model whose last layer has a weight of its last hidden value that is no number: a part of the last tensor rank of the last stage. */
async function brokenModel(directory: string, recipe: ReturnType<typeof tinyRecipe>): Promise<string> {
  const { checkpoint } = await train({ recipe: { ...recipe, steps: 2 }, directory });
  const file = path.join(checkpoint, 'model.safetensors');
  {
    using weights = readSafetensors(file);
    const tensors = new Map(weights.names().map((name) => [name, weights.get(name).clone()]));
    const up = tensors.get('model.layers.2.mlp.up_proj.weight')!;
    up.narrow(0, up.shape[0]! - 1, 1).fill_(Number.NaN);
    writeSafetensors(file, tensors, weights.metadata);
    for (const tensor of tensors.values()) tensor.dispose();
  }
  return checkpoint;
}

test('two tensor ranks in two stages, a weight of one is no number: all name it', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    model: { family: 'llama', contextLength: 32, layers: 3, width: 32, heads: 4, kvHeads: 2 },
    microBatch: 2,
    threads: 1,
  });
  const from = await brokenModel(path.join(directory, 'base'), recipe);
  const parallel = { tensor: 2, pipeline: 2, sequenceParallel: true };
  const said = await allSay(4, { recipe: { ...recipe, parallel }, directory: path.join(directory, 'run'), from });
  assert.match(said, /^step 1: the loss is NaN, first on rank 3 of 4; no checkpoint was written yet; .*\n$/);
});
