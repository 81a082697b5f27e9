/** Several processes train as one does: the same curve, whatever their number, also where it changes on the way. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@tunan/torch';
import { type RankEnd, runRanks } from '@tunan/torch/testing/run-ranks';
import { type LogLine, readRunLog } from '../run/run-log.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { train } from '../train.ts';

const PROGRAM = fileURLToPath(new URL('../testing/train-rank.ts', import.meta.url));
/** Relative: sums of float32 in another order, twenty steps on. */
const TOLERANCE = 1e-5;

function launch(size: number, options: object): Promise<readonly RankEnd[]> {
  return runRanks(PROGRAM, [JSON.stringify(options)], { size });
}

function requireDone(ends: readonly RankEnd[]): void {
  for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
}

function curveOf(directory: string): LogLine[] {
  return readRunLog(path.join(directory, 'log.jsonl'));
}

function assertSameCurve(actual: readonly LogLine[], expected: readonly LogLine[]): void {
  assert.deepEqual(
    actual.map(({ step, samples, learningRate }) => [step, samples, learningRate]),
    expected.map(({ step, samples, learningRate }) => [step, samples, learningRate]),
  );
  const near = (one: number, other: number, what: string) =>
    assert.ok(Math.abs(one - other) <= TOLERANCE * Math.abs(other), `${what}: ${one} and ${other}`);
  expected.forEach((line, index) => {
    const found = actual[index]!;
    near(found.loss, line.loss, `loss of step ${line.step}`);
    near(found.gradientNorm!, line.gradientNorm!, `gradient norm of step ${line.step}`);
    for (const [source, loss] of Object.entries(line.lossBySource))
      near(found.lossBySource[source]!, loss, `${source}, step ${line.step}`);
    if (line.evaluation !== undefined) near(found.evaluation!.loss, line.evaluation.loss, 'validation');
  });
}

test('two processes, then three, then one: the curve of one process, the optimizer shared out by its parameters', async (t) => {
  const directory = temporaryDirectory(t);
  const corpora = [1, 2].map((kind) => writeTinyCorpus(path.join(directory, `文 ${kind}`), kind));
  const recipe = tinyRecipe(corpora, {
    steps: 20,
    dropout: 0.1,
    globalBatch: 8,
    microBatch: 2, // four micro batches of a step among three processes
    optimizer: { kind: 'muon', learningRate: 1e-2, warmupSteps: 2 },
    checkpoint: { every: 5, keep: 2 },
    evaluation: { every: 5, windows: 5 },
    threads: 1,
  });
  const [whole, pieces] = ['whole', 'pieces'].map((name) => path.join(directory, name)) as [string, string];
  await train({ recipe, directory: whole });

  requireDone(await launch(2, { recipe, directory: pieces, resume: 'never', until: 7 }));
  requireDone(await launch(3, { recipe, directory: pieces, resume: 'always', until: 13 }));
  const files = readdirSync(path.join(pieces, 'checkpoints', 'step-13')).filter((name) => name.startsWith('optimizer'));
  assert.deepEqual(
    files.sort(),
    [1, 2, 3].map((part) => `optimizer-0000${part}-of-00003.safetensors`),
  );
  const names = files.flatMap((name) => {
    using file = readSafetensors(path.join(pieces, 'checkpoints', 'step-13', name));
    return file.names();
  });
  using moments = readSafetensors(path.join(whole, 'checkpoints', 'step-20', 'optimizer.safetensors'));
  assert.deepEqual(names.sort(), moments.names().sort()); // each once, none missing
  await train({ recipe, directory: pieces, resume: 'always' });
  assertSameCurve(curveOf(pieces), curveOf(whole));
});
