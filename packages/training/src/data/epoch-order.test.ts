import assert from 'node:assert/strict';
import test from 'node:test';
import { EpochOrder, windowsPerEpoch } from './epoch-order.ts';

/** Documents of the given lengths; tokens are numbered through, so that a token names its place. */
function source(lengths: readonly number[]) {
  const starts = lengths.map((_, index) => lengths.slice(0, index).reduce((sum, length) => sum + length, 0));
  return {
    documentCount: lengths.length,
    tokenCount: lengths.reduce((sum, length) => sum + length, 0),
    documentLength: (index: number) => lengths[index]!,
    starts,
  };
}

const lengths = Array.from({ length: 57 }, (_, index) => (index % 9 === 4 ? 0 : 1 + ((index * 37) % 23)));
const documents = source(lengths);
const T = 16;
const windows = windowsPerEpoch(documents.tokenCount, T);

function tokensOf(order: EpochOrder, index: number): number[] {
  return order.window(index).flatMap(({ document, offset, length }) => {
    assert.ok(length > 0 && offset >= 0 && offset + length <= lengths[document]!);
    return Array.from({ length }, (_, at) => documents.starts[document]! + offset + at);
  });
}

test('an epoch shows every token once as a target, but for the rest that fills no window', () => {
  const order = new EpochOrder(documents, T, 5);
  const inputs = Array.from({ length: windows }, (_, index) => tokensOf(order, index));
  assert.ok(inputs.every((tokens) => tokens.length === T + 1));
  const seen = inputs.flatMap((tokens) => tokens.slice(1));
  assert.equal(new Set(seen).size, windows * T);
  assert.ok(documents.tokenCount - 1 - seen.length < T);
});

test('windows follow each other by one token, laid end to end', () => {
  const order = new EpochOrder(documents, T, 5);
  const all = Array.from({ length: windows }, (_, index) => tokensOf(order, index));
  const successors = new Map(all.map((tokens) => [tokens[0]!, tokens.at(-1)!]));
  let at = all.map((tokens) => tokens[0]!).find((first) => !all.some((tokens) => tokens.at(-1) === first));
  let length = 0;
  while (at !== undefined && successors.has(at)) {
    at = successors.get(at);
    length++;
  }
  assert.equal(length, windows);
});

test('epochs differ in documents and windows, the same key is the same epoch', () => {
  const take = (key: number) =>
    Array.from({ length: windows }, (_, index) => tokensOf(new EpochOrder(documents, T, key), index));
  assert.deepEqual(take(1), take(1));
  assert.notDeepEqual(take(1), take(2));
});

test('too few tokens make no window', () => {
  assert.equal(windowsPerEpoch(16, 16), 0);
  assert.equal(windowsPerEpoch(17, 16), 1);
  assert.equal(windowsPerEpoch(0, 16), 0);
});
