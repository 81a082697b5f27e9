import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { ProcessLock } from '@tunan/files';
import { YuanLM } from '@tunan/model';
import { engineInfo, getThreads, liveTensors, memory, setThreads } from '@tunan/torch';
import { TrainingError, type TrainingErrorCode } from './errors.ts';
import { readRunLog } from './run-log.ts';
import { mountSmallDisk } from './testing/small-disk.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { type StartReport, type StepReport, train } from './train.ts';

const threads = getThreads();
test.after(() => setThreads(threads));

function rejects(code: TrainingErrorCode, message: RegExp, run: Promise<unknown>): Promise<void> {
  return assert.rejects(run, (error) => {
    assert.ok(error instanceof TrainingError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'));
    return true;
  });
}

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
  assert.equal(fs.readdirSync(path.join(run, 'tensorboard')).length, 1);
  using model = YuanLM.load(result.checkpoint);
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

test('directories: an existing run, another recipe, no run, a lock, a file in the way', async (t) => {
  const directory = temporaryDirectory(t);
  const corpus = writeTinyCorpus(path.join(directory, 'poems'), 1);
  const recipe = tinyRecipe([corpus], { steps: 2, threads: 1 });
  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const log = fs.readFileSync(path.join(run, 'log.jsonl'), 'utf8');
  await rejects('TRAINING_RUN_EXISTS', /already holds a run/, train({ recipe, directory: run }));
  const other = { ...recipe, steps: 3 };
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /recipe\.json is of another recipe \(steps: 2, now 3\)/,
    train({ recipe: other, directory: run, resume: 'always' }),
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
  fs.writeFileSync(path.join(directory, 'file'), '');
  await rejects(
    'TRAINING_WRITE_FAILED',
    /a part of the path is a file/,
    train({ recipe, directory: path.join(directory, 'file', 'run') }),
  );
  assert.equal(fs.readFileSync(path.join(run, 'log.jsonl'), 'utf8'), log);
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
  assert.deepEqual(fs.readdirSync(run).filter((name) => /^(log|recipe)\.[0-9a-f]{8}\./.test(name)).length, 2);
  await rejects('TRAINING_RUN_EXISTS', /go on with it by --resume/, train({ recipe, directory: run }));
});

test('what is no recipe or log of a run is named', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 2, threads: 1 });
  const run = path.join(directory, 'run');
  await train({ recipe, directory: run });
  const log = path.join(run, 'log.jsonl');
  fs.writeFileSync(log, `${fs.readFileSync(log, 'utf8').split('\n')[0]}\nnull\n`);
  await rejects('TRAINING_NOT_A_RUN', /log\.jsonl:2 is no line/, train({ recipe, directory: run, resume: 'always' }));
  for (const content of ['', 'null', '{}']) {
    fs.writeFileSync(path.join(run, 'recipe.json'), content);
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
  const losses = () => readRunLog(path.join(run, 'log.jsonl')).map(({ loss }) => loss);
  const whole = losses();
  fs.truncateSync(path.join(run, 'checkpoints/step-12/model.safetensors'), 100);
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
  assert.deepEqual(losses(), whole);
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
  fs.rmSync(first, { recursive: true });
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
  assert.equal(fs.existsSync(run), false);
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
  const content = fs.readFileSync(shard);
  fs.writeFileSync(shard, content.with(7, content[7]! ^ 1));
  await rejects(
    'TRAINING_MISSING_DATA',
    /train\.bin does not have the checksum/,
    train({ recipe, directory: run, resume: 'always' }),
  );
  fs.rmSync(shard);
  await assert.rejects(train({ recipe, directory: run, resume: 'always' }), /token shard .*train\.bin is missing/);
  const tokenizerFile = path.join(directory, 'tokenizer.json');
  fs.writeFileSync(tokenizerFile, '{}');
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
  assert.deepEqual(fs.readdirSync(path.join(run, 'checkpoints')).sort(), ['step-12', 'step-6']);
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
    await train({ recipe: tinyRecipe(corpora, { steps: 5, microBatch, threads: 1 }), directory: run });
    return readRunLog(path.join(run, 'log.jsonl'));
  };
  const [whole, halves, single] = [await lines(8), await lines(4), await lines(1)];
  for (const pieces of [halves, single]) {
    for (const [index, { loss, gradientNorm, lossBySource }] of pieces.entries()) {
      const expected = whole[index]!;
      assert.ok(Math.abs(loss / expected.loss - 1) < 1e-5, `loss ${loss}, ${expected.loss}`);
      assert.ok(
        Math.abs(gradientNorm / expected.gradientNorm - 1) < 1e-3,
        `norm ${gradientNorm}, ${expected.gradientNorm}`,
      );
      for (const [source, value] of Object.entries(expected.lossBySource)) {
        assert.ok(Math.abs(lossBySource[source]! / value - 1) < 1e-5);
      }
    }
  }
});
