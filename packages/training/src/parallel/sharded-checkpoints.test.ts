/** Checkpoints of processes that share a model: every process writes whole tensors, its share of them, and anybody reads them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { LanguageModel } from '@tunan/model';
import { newestGoodCheckpoint } from '../run/checkpoint.ts';
import { numbersIn, reshard } from '../testing/resharding.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { trainingError } from '../testing/training-error.ts';
import { train } from '../train.ts';

test('two tensor ranks in two stages: four parts of one model directory, bit for bit what one process wrote', async (t) => {
  const directory = temporaryDirectory(t);
  const run = path.join(directory, 'run');
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, '诗'), 1)], {
    model: { family: 'llama', contextLength: 32, layers: 3, width: 32, heads: 4, kvHeads: 2 },
    optimizer: { kind: 'muon', learningRate: 1e-2, warmupSteps: 1 },
    ...{ steps: 2, threads: 1 },
  });
  const { checkpoint: one } = await train({ recipe, directory: run });
  const [from, to] = [path.join(run, 'checkpoints'), path.join(directory, 'parts')];
  const parts = await reshard(run, [from, to], { tensor: 2, pipeline: 2, sequenceParallel: true });

  const four = (name: string) => [1, 2, 3, 4].map((part) => `${name}-0000${part}-of-00004.safetensors`);
  const single = readdirSync(one).filter((name) => !name.endsWith('.safetensors'));
  assert.deepEqual(
    readdirSync(parts).sort(),
    [...single, ...four('model'), ...four('optimizer'), 'model.safetensors.index.json'].sort(),
  );
  assert.deepEqual(numbersIn(parts), numbersIn(one));
  // No process has more than its share, but for what whole tensors do not divide.
  const bytes = (checkpoint: string, names: readonly string[]) =>
    names.map((name) => statSync(path.join(checkpoint, name)).size).reduce((a, b) => a + b, 0);
  const all = bytes(one, ['model.safetensors', 'optimizer.safetensors']);
  for (const at of [0, 1, 2, 3]) assert.ok(bytes(parts, [four('model')[at]!, four('optimizer')[at]!]) < 0.4 * all);
  // It is a model directory like any other.
  using model = LanguageModel.load(parts);
  using same = LanguageModel.load(one);
  assert.deepEqual([...model.namedParameters().keys()], [...same.namedParameters().keys()]);

  const isNamed = (file: string, what: string) =>
    assert.throws(
      () => newestGoodCheckpoint(to),
      trainingError('TRAINING_CHECKPOINT_DAMAGED', new RegExp(`${file} ${what}`)),
    );
  for (const name of [
    'model-00003-of-00004.safetensors',
    'optimizer-00002-of-00004.safetensors',
    'model.safetensors.index.json',
  ]) {
    const file = path.join(parts, name);
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[bad.length - 2]! ^= 1;
    writeFileSync(file, bad);
    isNamed(name, 'does not have the checksum');
    rmSync(file);
    isNamed(name, 'is missing');
    writeFileSync(file, good);
  }
  assert.equal(newestGoodCheckpoint(to)!.good.directory, parts);
});
