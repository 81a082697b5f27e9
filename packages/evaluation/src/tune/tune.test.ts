import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { liveTensors, setThreads } from '@tunan/torch';
import type { Split } from '../result.ts';
import { chid } from '../tasks/chid.ts';
import { csldcp } from '../tasks/csldcp.ts';
import { eprstmt } from '../tasks/eprstmt.ts';
import { folderData, readTaskData } from '../tasks/task-data.ts';
import { fineTune } from './fine-tune.ts';
import { tuneTask } from './tune-task.ts';
import { TuningTexts } from './tuning-text.ts';

setThreads(1);

const data = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');
const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-tune-'));
after(() => rmSync(directory, { recursive: true }));

const texts = ['eprstmt', 'chid', 'csldcp'].flatMap((task) =>
  ['train_few_all', 'dev_few_all'].map((set) => readFileSync(path.join(data, task, `${set}.json`), 'utf8')),
);
const tokenizer = Tokenizer.fromFile(await trainBpe(texts, { vocabularySize: 500 }));
tokenizer.save(path.join(directory, 'tokenizer.json'));
// A Llama whose output matrix, which tuning leaves out, is not the embedding.
const sizes = {
  family: 'llama',
  variant: 'llama',
  tiedHead: false,
  vocabularySize: 512,
  contextLength: 128,
  layers: 2,
  width: 64,
  heads: 4,
  outputInit: 'scaled',
} as const;
{
  using model = LanguageModel.create(sizes, { seed: 3 });
  model.save(directory);
}
const load = () => LanguageModel.load(directory, { trainable: true });

/** The fixture's reviews with the training examples of split 0 for dev and test sets too: what is learnt shows there. */
function memoryTest(): string {
  const folder = path.join(directory, 'data');
  cpSync(path.join(data, 'eprstmt'), path.join(folder, 'eprstmt'), { recursive: true });
  for (const set of ['dev_0', 'test_public']) {
    copyFileSync(path.join(data, 'eprstmt', 'train_0.json'), path.join(folder, 'eprstmt', `${set}.json`));
  }
  return folder;
}

test('a choice head learns what it is shown, split by split, and says before how long it takes', async () => {
  const before = liveTensors();
  const events: string[] = [];
  const { result, submissions } = await tuneTask(eprstmt, directory, folderData(memoryTest()), {
    splits: [0, 3],
    submit: true,
    epochs: 25,
    patience: 25,
    rates: { body: 3e-3, head: 1e-2 },
    onEstimate: (seconds) => events.push(seconds > 0 && seconds < 600 ? 'estimate' : `estimate of ${seconds} s`),
    onEpoch: (split) => events.push(String(split)),
  });
  assert.equal(events[0], 'estimate');
  assert.deepEqual([...new Set(events.slice(1))], ['0', '3']);
  assert.equal(result.examples, 8);
  assert.deepEqual([result.majority, result.random], [0.5, 0.5]);
  assert.deepEqual(
    result.runs.map(({ template, split, shots, predictions }) => [template, split, shots, predictions.length]),
    [
      ['tuning@2', 0, 8, 8],
      ['tuning@2', 3, 8, 8],
    ],
  );
  assert.equal(result.runs[0]!.accuracy, 1, 'split 0 was trained on the test set');
  const [first, second] = result.runs.map(({ accuracy }) => accuracy!);
  assert.equal(result.accuracy, (first! + second!) / 2);
  assert.ok(Math.abs(result.deviation! - Math.abs(first! - second!) / Math.SQRT2) < 1e-12);
  for (const { scores } of result.runs[0]!.predictions) {
    assert.ok(Math.abs(scores[0]! + scores[1]! - 1) < 1e-5);
  }
  assert.deepEqual(
    submissions.map(({ split, predictions }) => [split, predictions.length]),
    [
      [0, 12],
      [3, 12],
    ],
  );
  assert.equal(liveTensors(), before, 'tensors are left behind');
});

test('finished splits are not trained again, unless something has changed', async () => {
  const trained: number[] = [];
  const settings = { limit: 6, epochs: 1, keep: { directory: path.join(directory, 'kept'), modelIdentity: 'tiny' } };
  const tuned = async (splits: number[], more: { seed?: number } = {}) => {
    trained.length = 0;
    const all = { ...settings, ...more, splits, onEpoch: (split: Split) => trained.push(Number(split)) };
    return (await tuneTask(eprstmt, directory, folderData(data), all)).result;
  };
  const first = await tuned([1]);
  assert.deepEqual(trained, [1]);
  const both = await tuned([1, 2]);
  assert.deepEqual(trained, [2]);
  assert.deepEqual(both.runs[0], first.runs[0]);
  await tuned([1], { seed: 2 });
  assert.deepEqual(trained, [1]);
});

test('a class head takes one sequence an example where there are many labels', async () => {
  const pattern = new TuningTexts(csldcp, tokenizer, 128);
  const examples = readTaskData(csldcp, data, 'train_few_all').map((example) => pattern.read(example));
  assert.equal(pattern.classes, 67);
  assert.ok(examples.every(({ sequences }) => sequences.length === 1));
  const decoded = tokenizer.decode(examples[0]!.sequences[0]!);
  assert.ok(decoded.startsWith('<eod>') && decoded.endsWith('这篇文章是关于'), decoded);
  using model = load();
  const train = examples.slice(0, 60);
  const { best, answers } = await fineTune(
    model,
    { train, dev: train, test: train },
    { classes: 67, epochs: 30, patience: 30, rates: { body: 3e-3, head: 1e-2 } },
  );
  assert.ok(best.devAccuracy > 0.9, `remembers ${best.devAccuracy} of what it saw`);
  const right = answers.filter(({ predicted }, i) => predicted === train[i]!.gold).length;
  assert.equal(right / train.length, best.devAccuracy, 'the weights of the best epoch answer');
});

test('stops when the dev set gets no better, and the same seed gives the same result', async () => {
  const pattern = new TuningTexts(eprstmt, tokenizer, 128);
  const train = readTaskData(eprstmt, data, 'train_0').map((example) => pattern.read(example));
  const tuned = async () => {
    using model = load();
    const losses: number[] = [];
    const settings = {
      patience: 2,
      rates: { body: 0, head: 0 },
      onEpoch: (e: { trainLoss: number }) => losses.push(e.trainLoss),
    };
    const { epochs, best } = await fineTune(model, { train, dev: train, test: [] }, settings);
    return { epochs, best, losses };
  };
  const first = await tuned();
  // Nothing is learnt at a rate of zero: the first epoch stays the best.
  assert.equal(first.epochs, 3);
  assert.equal(first.best.epoch, 1);
  assert.ok(Math.abs(first.losses[0]! - Math.log(2)) < 1e-6, 'a head of zeros prefers nothing');
  assert.deepEqual(await tuned(), first);
});

test('too long sequences lose text where the task says, never the label', () => {
  const [example] = readTaskData(chid, data, 'train_0');
  const whole = new TuningTexts(chid, tokenizer, 128).read(example!);
  assert.equal(whole.truncated, false);
  assert.equal(whole.sequences.length, 7);
  const longest = Math.max(...whole.sequences.map(({ length }) => length));
  const limit = longest - 6;
  const cut = new TuningTexts(chid, tokenizer, limit).read(example!);
  assert.equal(cut.truncated, true);
  cut.sequences.forEach((sequence, i) => {
    const decoded = tokenizer.decode(sequence);
    assert.ok(sequence.length <= limit);
    assert.ok(decoded.includes(example!.choices![String(i)]![0]!), decoded);
    // CHID is cut at the start: the end of the sentence stays.
    assert.equal(decoded.at(-1), tokenizer.decode(whole.sequences[i]!).at(-1));
  });
  assert.throws(() => new TuningTexts(chid, tokenizer, 2).read(example!), { code: 'EVALUATION_CONTEXT_TOO_SHORT' });
});
