import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import { LanguageModel } from '@tunan/model';
import { getThreads, liveTensors, memory, setThreads } from '@tunan/torch';
import type { StepReport } from './run/progress.ts';
import { readRunLog } from './run/run-log.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { rejects } from './testing/training-error.ts';
import { train } from './train.ts';

const threads = getThreads();
test.after(() => setThreads(threads));

test('a run learns, reports every step, and leaves a model directory, a log and events', async (t) => {
  const directory = temporaryDirectory(t);
  const corpora = [
    writeTinyCorpus(path.join(directory, 'poems'), 1),
    writeTinyCorpus(path.join(directory, 'prose'), 2),
  ];
  const recipe = tinyRecipe(corpora, { steps: 150, evaluation: { every: 50, windows: 8 }, threads: 1 });
  recipe.data[0]!.weight = 3;
  const reports: StepReport[] = [];
  const run = path.join(directory, 'runs', 'first');
  const result = await train({ recipe, directory: run, gemmPeak: 1e11, onProgress: (report) => reports.push(report) });

  assert.deepEqual([result.status, result.step], ['finished', 150]);
  const lines = readRunLog(path.join(run, 'log.jsonl'));
  assert.equal(lines.length, 150);
  assert.deepEqual(lines, JSON.parse(JSON.stringify(reports.map(({ line }) => line))));
  const mean = (part: typeof lines) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
  // The corpus is a cycle of words: from log(vocabulary) down to near nothing.
  assert.ok(lines[0]!.loss > 3.5 && mean(lines.slice(-10)) < 1.5, `${lines[0]!.loss} → ${mean(lines.slice(-10))}`);
  const evaluations = lines.filter((line) => line.evaluation !== undefined);
  assert.deepEqual(
    evaluations.map(({ step }) => step),
    [50, 100, 150],
  );
  assert.ok(evaluations[2]!.evaluation!.loss < evaluations[0]!.evaluation!.loss);
  assert.deepEqual(Object.keys(evaluations[0]!.evaluation!.lossBySource).sort(), ['poems', 'prose']);
  for (const { loss, lossBySource, samples, step } of lines) {
    assert.equal(samples, 8 * step);
    assert.deepEqual(Object.keys(lossBySource).sort(), ['poems', 'prose']); // 6 and 2 of 8 samples
    const weighted = (6 * lossBySource.poems! + 2 * lossBySource.prose!) / 8;
    assert.ok(Math.abs(weighted - loss) < 1e-6);
  }
  assert.equal(reports.at(-1)!.secondsLeft, 0);
  assert.ok(lines[9]!.gemmShare! > 0);
  assert.equal(readdirSync(path.join(run, 'tensorboard')).length, 1);
  using model = LanguageModel.load(result.checkpoint);
  assert.equal(model.config.endOfDocumentId, 4);
});

test('1 000 steps: no tensor is left behind, memory stays flat', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    model: { contextLength: 16, layers: 1, width: 16, heads: 2 },
    sequenceLength: 16,
    steps: 1000,
    microBatch: 2,
    globalBatch: 4,
    evaluation: { every: 100, windows: 4 },
    checkpoint: { every: 200, keep: 1 },
    threads: 1,
  });
  const live = liveTensors();
  const allocated = memory().allocatedBytes;
  const seen: { live: number; allocated: number }[] = [];
  const onProgress = () => seen.push({ live: liveTensors(), allocated: memory().allocatedBytes });
  await train({ recipe, directory: path.join(directory, 'run'), onProgress });
  assert.equal(seen.length, 1000);
  const [, second] = seen;
  for (const [index, at] of seen.entries()) {
    if (index > 0) assert.deepEqual(at, second, `after step ${index + 1}`);
  }
  assert.deepEqual({ live: liveTensors(), allocated: memory().allocatedBytes }, { live, allocated });
});

test('recomputation changes no number of a run, and may change when it is resumed', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 12,
    dropout: 0.1,
    microBatch: 4,
    checkpoint: { every: 6, keep: 2 },
    threads: 1,
  });
  const losses = (run: string) => readRunLog(path.join(directory, run, 'log.jsonl')).map(({ loss }) => loss);
  await train({ recipe, directory: path.join(directory, 'whole') });
  const lean = { ...recipe, recomputation: true };
  await train({ recipe: lean, directory: path.join(directory, 'lean') });
  assert.deepEqual(losses('lean'), losses('whole'));
  const controller = new AbortController();
  const stopAtSix = ({ line }: StepReport) => line.step === 6 && controller.abort();
  const mixed = path.join(directory, 'mixed');
  await train({ recipe, directory: mixed, signal: controller.signal, onProgress: stopAtSix });
  await train({ recipe: lean, directory: mixed, resume: 'always' });
  assert.deepEqual(losses('mixed'), losses('whole'));
});

test('an adapter is trained on shards beside a model with dropout: its checkpoints are adapters, no tensor is left behind', async (t) => {
  const directory = temporaryDirectory(t);
  const [known, other] = [1, 5].map((kind) => writeTinyCorpus(path.join(directory, `kind-${kind}`), kind));
  const base = path.join(directory, 'base');
  const dropout = 0.1;
  await train({ recipe: tinyRecipe([known!], { steps: 100, dropout, threads: 1 }), directory: base });
  const before = liveTensors();
  const recipe = tinyRecipe([other!], {
    steps: 60,
    lora: { rank: 4, targets: ['attention', 'c_fc'] },
    dropout,
    threads: 1,
  });
  const run = path.join(directory, 'run');
  const { checkpoint } = await train({ recipe, directory: run, from: base });
  assert.equal(liveTensors(), before);
  assert.deepEqual(readdirSync(checkpoint).sort(), [
    ...['adapter_config.json', 'adapter_model.safetensors', 'optimizer.safetensors', 'state.json'],
  ]);
  const losses = readRunLog(path.join(run, 'log.jsonl')).map(({ loss }) => loss);
  const mean = (part: number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  assert.ok(mean(losses.slice(-10)) < 0.9 * mean(losses.slice(0, 5)), `${losses[0]} → ${losses.at(-1)}`);

  // Muon for both maps of each pair, dropout of the adapter, blocks run twice: stopped, and gone on with to the last bit.
  const lean = {
    ...recipe,
    ...{ steps: 6, recomputation: true, lora: { ...recipe.lora, dropout: 0.2 } },
    optimizer: { ...recipe.optimizer, kind: 'muon' as const },
  };
  const named = (name: string) => path.join(directory, name);
  await train({ recipe: { ...lean, recomputation: false }, directory: named('plain'), from: base });
  const controller = new AbortController();
  const stopAtThree = ({ line }: StepReport) => line.step === 3 && controller.abort();
  await train({
    recipe: lean,
    directory: named('lean'),
    from: base,
    signal: controller.signal,
    onProgress: stopAtThree,
  });
  await train({ recipe: lean, directory: named('lean'), resume: 'always' });
  const weights = (name: string) => readFileSync(named(`${name}/checkpoints/step-6/adapter_model.safetensors`));
  assert.ok(weights('lean').equals(weights('plain')));
  const stored = JSON.parse(readFileSync(named('lean/checkpoints/step-6/adapter_config.json'), 'utf8'));
  assert.equal(stored.lora_dropout, 0.2);
  assert.equal(liveTensors(), before);
});

test('a loss that is not finite stops the run, names the step and the last good checkpoint', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    optimizer: { learningRate: 1e38 },
    checkpoint: { every: 1, keep: 2 },
    threads: 1,
  });
  const run = path.join(directory, 'run');
  await rejects(
    'TRAINING_NON_FINITE_LOSS',
    /^step \d+: the (loss|gradient norm) is (NaN|-?Infinity); the last good checkpoint is .*step-\d+; lower the learning rate/,
    train({ recipe, directory: run }),
  );
  assert.ok(readRunLog(path.join(run, 'log.jsonl')).every(({ loss }) => Number.isFinite(loss)));
});

test('data: a missing shard, other data on resume, too little of it', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const recipe = tinyRecipe([corpus], { steps: 2, threads: 1 });
  const fresh = () => path.join(directory, `run-${Math.random()}`);
  await rejects(
    'TRAINING_MISSING_DATA',
    /nowhere/,
    train({ recipe: tinyRecipe([path.join(directory, 'nowhere')], {}), directory: fresh() }),
  );
  const exhausted = { ...recipe, steps: 1000, data: [{ corpus, maxEpochs: 2 }] };
  await rejects(
    'TRAINING_DATA_EXHAUSTED',
    /the data end after \d+ samples, 8000 are asked for/,
    train({ recipe: exhausted, directory: fresh() }),
  );
  await rejects(
    'TRAINING_MISSING_DATA',
    /no validation shard/,
    train({
      recipe: tinyRecipe([writeTinyCorpus(path.join(directory, 'blind'), 1, { validation: false })], {
        evaluation: { every: 1 },
      }),
      directory: fresh(),
    }),
  );

  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const longer = writeTinyCorpus(path.join(directory, 'longer'), 1, { documents: 90 });
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /is not the data/,
    train({ recipe: tinyRecipe([longer], { steps: 2, threads: 1 }), directory: run, resume: 'always' }),
  );
  const shard = path.join(corpus, 'train.bin');
  const content = readFileSync(shard);
  writeFileSync(shard, content.with(7, content[7]! ^ 1));
  await rejects(
    'TRAINING_MISSING_DATA',
    /train\.bin does not have the checksum/,
    train({ recipe, directory: run, resume: 'always' }),
  );
  rmSync(shard);
  await assert.rejects(train({ recipe, directory: run, resume: 'always' }), /token shard .*train\.bin is missing/);
  const tokenizerFile = path.join(directory, 'tokenizer.json');
  writeFileSync(tokenizerFile, '{}');
  await rejects(
    'TRAINING_MISSING_DATA',
    /is not the tokenizer/,
    train({ recipe: tinyRecipe([longer], {}), directory: fresh(), tokenizerFile }),
  );
});

test('the disk fills up in the middle: a clear error; with room again the run goes on from the last checkpoint', async (t) => {
  const disk = mountSmallDisk(t, '900k');
  if (disk === undefined) return;
  const directory = temporaryDirectory(t);
  // A checkpoint takes about 370 kB: two fit, and a third while the first still stands does not.
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    checkpoint: { every: 6, keep: 2 },
    threads: 1,
  });
  const run = path.join(disk.directory, 'run');
  await rejects(
    'TRAINING_WRITE_FAILED',
    /cannot write .*step-18: the disk is full: free some space.*; the last good checkpoint is .*step-12$/,
    train({ recipe, directory: run }),
  );
  assert.deepEqual(readdirSync(path.join(run, 'checkpoints')).sort(), ['step-12', 'step-6']);
  disk.remount('size=4m');
  const result = await train({ recipe, directory: run, resume: 'always' });
  assert.deepEqual([result.status, result.step], ['finished', 20]);
  const steps = readRunLog(path.join(run, 'log.jsonl')).map(({ step }) => step);
  assert.deepEqual(
    steps,
    Array.from({ length: 20 }, (_, index) => index + 1),
  );

  disk.remount('ro');
  const elsewhere = path.join(disk.directory, 'elsewhere');
  await rejects('TRAINING_WRITE_FAILED', /the file system is read-only/, train({ recipe, directory: elsewhere }));
  await rejects(
    'TRAINING_WRITE_FAILED',
    /the file system is read-only/,
    train({ recipe, directory: run, resume: 'always' }),
  );
});

test('gradients accumulated over micro batches, and over sources, are those of the whole batch', async (t) => {
  const directory = temporaryDirectory(t);
  const corpora = [1, 2].map((kind) => writeTinyCorpus(path.join(directory, `kind-${kind}`), kind));
  const lines = async (microBatch: number) => {
    const run = path.join(directory, `run-${microBatch}`);
    // In bfloat16 the pieces are rounded apart.
    const recipe = tinyRecipe(corpora, { steps: 5, microBatch, threads: 1, precision: 'float32' });
    await train({ recipe, directory: run });
    return readRunLog(path.join(run, 'log.jsonl'));
  };
  const [whole, halves, single] = [await lines(8), await lines(4), await lines(1)];
  for (const pieces of [halves, single]) {
    for (const [index, { loss, gradientNorm, lossBySource }] of pieces.entries()) {
      const expected = whole[index]!;
      assert.ok(Math.abs(loss / expected.loss - 1) < 1e-5, `loss ${loss}, ${expected.loss}`);
      assert.ok(
        Math.abs(gradientNorm! / expected.gradientNorm! - 1) < 1e-3,
        `norm ${gradientNorm}, ${expected.gradientNorm}`,
      );
      for (const [source, value] of Object.entries(expected.lossBySource)) {
        assert.ok(Math.abs(lossBySource[source]! / value - 1) < 1e-5, `${source}: ${lossBySource[source]}, ${value}`);
      }
    }
  }
});
