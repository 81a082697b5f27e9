/** How runs begin and go on: what a directory may hold, from which checkpoint, under which recipe, with whose weights. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ProcessLock } from '@tunan/files';
import { engineInfo } from '@tunan/torch';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { rejects } from '../testing/training-error.ts';
import { type StartReport, train } from '../train.ts';
import type { StepReport } from './progress.ts';
import { readRunLog } from './run-log.ts';

test('directories: an existing run, another recipe, no run, a lock, a file in the way', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const recipe = tinyRecipe([corpus], { steps: 2, threads: 1 });
  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const log = readFileSync(path.join(run, 'log.jsonl'), 'utf8');
  await rejects('TRAINING_RUN_EXISTS', /already holds a run/, train({ recipe, directory: run }));
  const other = { ...recipe, steps: 3 };
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /recipe\.json is of another recipe \(steps: 2, now 3\)/,
    train({ recipe: other, directory: run, resume: 'always' }),
  );
  // Recomputation may differ between stop and resume, so the seed is to blame.
  const seeded = { ...recipe, recomputation: true, seed: 2 };
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /recipe\.json is of another recipe \(seed: 1, now 2\)/,
    train({ recipe: seeded, directory: run, resume: 'always' }),
  );
  await rejects(
    'TRAINING_NOT_A_RUN',
    /holds no run/,
    train({ recipe, directory: path.join(directory, 'nowhere'), resume: 'always' }),
  );
  const held = ProcessLock.acquire(path.join(run, 'training.lock'));
  await rejects(
    'TRAINING_RUN_EXISTS',
    /is being trained by process \d+ on /,
    train({ recipe, directory: run, resume: 'always' }),
  );
  held[Symbol.dispose]();
  writeFileSync(path.join(directory, 'file'), '');
  await rejects(
    'TRAINING_WRITE_FAILED',
    /a part of the path is a file/,
    train({ recipe, directory: path.join(directory, 'file', 'run') }),
  );
  assert.equal(readFileSync(path.join(run, 'log.jsonl'), 'utf8'), log);
  // A finished run is finished: resuming it does nothing.
  const again = await train({ recipe, directory: run, resume: 'if-present' });
  assert.deepEqual([again.status, again.step, again.lastLine], ['finished', 2, undefined]);
});

test('a try that left no checkpoint is begun again, also under another recipe; its log is kept', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const bad = tinyRecipe([corpus], { optimizer: { learningRate: 1e38 }, threads: 1 });
  const run = path.join(directory, 'run');
  await rejects('TRAINING_NON_FINITE_LOSS', /no checkpoint was written yet/, train({ recipe: bad, directory: run }));
  const recipe = tinyRecipe([corpus], { steps: 3, threads: 1 });
  const { status } = await train({ recipe, directory: run });
  assert.equal(status, 'finished');
  assert.equal(readRunLog(path.join(run, 'log.jsonl')).length, 3);
  assert.deepEqual(readdirSync(run).filter((name) => /^(log|recipe)\.[0-9a-f]{8}\./.test(name)).length, 2);
  await rejects('TRAINING_RUN_EXISTS', /go on with it by --resume/, train({ recipe, directory: run }));
});

test('what is no recipe or log of a run is named', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 2, threads: 1 });
  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const log = path.join(run, 'log.jsonl');
  writeFileSync(log, `${readFileSync(log, 'utf8').split('\n')[0]}\nnull\n`);
  await rejects('TRAINING_NOT_A_RUN', /log\.jsonl:2 is no line/, train({ recipe, directory: run, resume: 'always' }));
  for (const content of ['', 'null', '{}']) {
    writeFileSync(path.join(run, 'recipe.json'), content);
    await rejects('TRAINING_NOT_A_RUN', /recipe\.json is not the recipe of a run/, train({ recipe, directory: run }));
  }
});

test('a damaged newest checkpoint: the run goes on from the one before it, to the same numbers', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 12,
    checkpoint: { every: 4, keep: 3 },
    threads: 1,
  });
  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const numbers = () =>
    readRunLog(path.join(run, 'log.jsonl')).map(({ tokensPerSecond: _, milliseconds: __, ...rest }) => rest);
  const weights = (checkpoint: string) => readFileSync(path.join(run, 'checkpoints', checkpoint, 'model.safetensors'));
  const [whole, learned] = [numbers(), weights('step-12')];
  const damaged = learned.with(learned.length - 5, learned.at(-5)! ^ 64);
  writeFileSync(path.join(run, 'checkpoints/step-12/model.safetensors'), damaged);
  let start: StartReport | undefined;
  const onStart = (report: StartReport) => {
    start = report;
  };
  const { status } = await train({ recipe, directory: run, resume: 'always', onStart });
  assert.equal(status, 'finished');
  assert.equal(path.basename(start!.checkpoint!), 'step-8');
  assert.deepEqual(
    start!.damaged.map((place) => path.basename(place)),
    ['step-12.damaged'],
  );
  assert.ok(weights('step-12.damaged').equals(damaged));
  assert.ok(weights('step-12').equals(learned));
  assert.deepEqual(numbers(), whole);
});

test('--extend: more steps and more data behind the same weights and moments; the model must stay', async (t) => {
  const directory = temporaryDirectory(t);
  const corpora = [1, 2].map((kind) => writeTinyCorpus(path.join(directory, `kind-${kind}`), kind));
  const recipe = tinyRecipe(corpora.slice(0, 1), { steps: 6, threads: 1 });
  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const longer = tinyRecipe(corpora, { steps: 10, threads: 1 });
  await rejects('TRAINING_OTHER_RECIPE', /by --extend/, train({ recipe: longer, directory: run, resume: 'always' }));
  const other = { ...longer, model: { contextLength: 32, layers: 1, width: 32, heads: 2 } };
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /keeps the model \(model\.layers: 2, now 1\)/,
    train({ recipe: other, directory: run, resume: 'extend' }),
  );
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /has done 6 steps, this recipe ends after 4/,
    train({ recipe: { ...recipe, steps: 4 }, directory: run, resume: 'extend' }),
  );
  const result = await train({ recipe: longer, directory: run, resume: 'extend' });
  assert.deepEqual([result.status, result.step], ['finished', 10]);
  const lines = readRunLog(path.join(run, 'log.jsonl'));
  assert.deepEqual(
    lines.map(({ step }) => step),
    Array.from({ length: 10 }, (_, i) => i + 1),
  );
  assert.deepEqual(Object.keys(lines.at(-1)!.lossBySource).sort(), ['kind-1', 'kind-2']);
  // From now on it is the run of the longer recipe.
  assert.equal((await train({ recipe: longer, directory: run, resume: 'always' })).status, 'finished');
});

test('--from: another run gives the weights; shapes and words that differ are refused', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const recipe = tinyRecipe([corpus], { steps: 60, threads: 1 });
  const first = path.join(directory, 'first');
  await train({ recipe, directory: first });
  const run = path.join(directory, 'tuned');
  const controller = new AbortController();
  const tuning = { recipe: tinyRecipe([corpus], { steps: 4, dropout: 0.1, threads: 1 }), directory: run };
  const stopAtTwo = ({ line }: StepReport) => line.step === 2 && controller.abort();
  await train({ ...tuning, from: first, signal: controller.signal, onProgress: stopAtTwo });
  const [begin] = readRunLog(path.join(run, 'log.jsonl'));
  const learned = readRunLog(path.join(first, 'log.jsonl')).at(-1)!;
  assert.ok(begin!.loss < learned.loss + 1, `${begin!.loss} begins where ${learned.loss} ended`);
  // The run remembers what it began with, also when that is gone.
  rmSync(first, { recursive: true });
  assert.equal((await train({ ...tuning, resume: 'always' })).status, 'finished');
  await rejects('TRAINING_OTHER_RECIPE', /began with .*first/, train({ ...tuning, resume: 'always', from: corpus }));
  await assert.rejects(train({ ...tuning, directory: path.join(directory, 'x'), from: corpus }), /no config\.json/);
  const wide = writeTinyCorpus(path.join(directory, 'wide'), 1, { vocabulary: 500 });
  await rejects(
    'TRAINING_OTHER_MODEL',
    /128 entries in its vocabulary, the data 500/,
    train({ recipe: tinyRecipe([wide], {}), directory: path.join(directory, 'y'), from: run }),
  );
});

test('a device that is not there, and threads beyond reason, are refused before anything is written', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const run = path.join(directory, 'run');
  const recipe = (change: object) => tinyRecipe([corpus], { steps: 2, ...change });
  if (engineInfo().cudaDevices === 0)
    await assert.rejects(train({ recipe: recipe({ device: 'cuda' }), directory: run }), {
      code: 'TORCH_BAD_SETTING',
      message: /^device cuda: libtorch .* finds no CUDA device; use cpu/,
    });
  await rejects(
    'TRAINING_BAD_RECIPE',
    /threads: 100000 on a machine/,
    train({ recipe: recipe({ threads: 100_000 }), directory: run }),
  );
  assert.equal(existsSync(run), false);
});
