import assert from 'node:assert/strict';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { TrainingError } from '../errors.ts';
import { temporaryDirectory, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { DataOrder, type DataOrderOptions } from './data-order.ts';
import { TokenSources } from './token-source.ts';

const T = 16;

function open(t: TestContext, ...kinds: number[]): TokenSources {
  const directory = temporaryDirectory(t);
  const sources = new TokenSources(kinds.map((kind) => writeTinyCorpus(path.join(directory, `kind-${kind}`), kind)));
  t.after(() => sources[Symbol.dispose]());
  return sources;
}

test('sample n is the same whoever asks, in whatever order', (t) => {
  const { list } = open(t, 1, 2, 3);
  const options: DataOrderOptions = {
    seed: 9,
    sequenceLength: T,
    packing: 'stream',
    data: [{ weight: 5 }, { weight: 1, maxEpochs: 1.5 }, { weight: 2 }],
  };
  const walk = new DataOrder(list, options);
  const samples = Array.from({ length: 1500 }, (_, n) => walk.sampleAt(n));
  for (const n of [1499, 0, 777, 3, 1200, 778]) {
    assert.deepEqual(new DataOrder(list, options).sampleAt(n), samples[n]);
    assert.deepEqual(walk.sampleAt(n), samples[n]);
  }
  const other = new DataOrder(list, { ...options, seed: 10 });
  assert.notDeepEqual(other.sampleAt(3), samples[3]);
  assert.ok(samples.every(({ tokens }) => tokens.length === T + 1));
});

test('an epoch holds every document once, each with its end; the next epoch another order', (t) => {
  const { list } = open(t, 1);
  const [source] = list;
  const windows = Math.floor((source!.train.tokenCount - 1) / T);
  const order = new DataOrder(list, {
    seed: 1,
    sequenceLength: T,
    packing: 'stream',
    data: [{ weight: 1, maxEpochs: 2 }],
  });
  assert.equal(order.totalSamples, 2 * windows);
  const targets = (epoch: number) =>
    Array.from({ length: windows }, (_, k) => [...order.sampleAt(epoch * windows + k).tokens.subarray(1)]).flat();
  const counts = (tokens: Iterable<number>) => {
    const count = new Map<number, number>();
    for (const token of tokens) count.set(token, (count.get(token) ?? 0) + 1);
    return count;
  };
  const all = counts(source!.train.read(0, source!.train.tokenCount));
  for (const epoch of [0, 1]) {
    const missed = [...counts(targets(epoch))].reduce((sum, [token, count]) => sum + all.get(token)! - count, 0);
    // One token is only an input, and fewer than T fill no window.
    assert.ok(missed >= 1 && missed <= T, `${missed} tokens were no target`);
  }
  assert.notDeepEqual(targets(0), targets(1));
});

test('an exhausted source leaves its share to the others; the end of all data is an error', (t) => {
  const { list } = open(t, 1, 2);
  const data = [
    { weight: 1, maxEpochs: 1 },
    { weight: 1, maxEpochs: 3 },
  ];
  const order = new DataOrder(list, { seed: 1, sequenceLength: T, packing: 'stream', data });
  const windows = list.map(({ train }) => Math.floor((train.tokenCount - 1) / T));
  const sources = Array.from({ length: order.totalSamples }, (_, n) => order.sampleAt(n).source);
  assert.deepEqual(
    [0, 1].map((source) => sources.filter((one) => one === source).length),
    [windows[0], 3 * windows[1]!],
  );
  assert.ok(sources.lastIndexOf(0) <= 2 * windows[0]!);
  assert.throws(
    () => order.sampleAt(order.totalSamples),
    (error) => error instanceof TrainingError && error.code === 'TRAINING_DATA_EXHAUSTED',
  );
});

test('documents that do not fill one sample are an error before the first step', (t) => {
  const { list } = open(t, 1);
  assert.throws(
    () => new DataOrder(list, { seed: 1, sequenceLength: 100_000, packing: 'stream', data: [{ weight: 1 }] }),
    /tokens do not fill one sample of 100000 \+ 1/,
  );
});
