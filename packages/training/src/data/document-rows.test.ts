import assert from 'node:assert/strict';
import test from 'node:test';
import { RowLayout, RowOrder } from './document-rows.ts';
import { foldKey } from './permutation.ts';

const T = 32;

function source(lengths: readonly number[]) {
  return {
    documentCount: lengths.length,
    tokenCount: lengths.reduce((sum, length) => sum + length, 0),
    documentLength: (index: number) => lengths[index]!,
  };
}

/** Mostly short, some longer than a row or two, some empty. */
const lengths = Array.from({ length: 3000 }, (_, index) => {
  const draw = foldKey(7, index);
  return draw % 50 === 0 ? 0 : draw % 40 === 1 ? 33 + (draw % 90) : 1 + (draw % 20);
});
const layout = new RowLayout(source(lengths), T);

const rowsOf = (key: number) => {
  const order = new RowOrder(layout, key);
  return Array.from({ length: layout.counts.rows }, (_, index) => order.row(index));
};

test('an epoch holds every token of every document once, in rows of at most T', () => {
  const seen = new Map<number, number[]>();
  for (const row of rowsOf(3)) {
    assert.ok(row.length > 0 && row.reduce((sum, { length }) => sum + length, 0) <= T);
    for (const { document, offset, length } of row) {
      const own = seen.get(document) ?? [];
      own.push(...Array.from({ length }, (_, at) => offset + at));
      seen.set(document, own);
    }
  }
  lengths.forEach((length, document) => {
    const tokens = (seen.get(document) ?? []).sort((a, b) => a - b);
    assert.deepEqual(
      tokens,
      Array.from({ length }, (_, at) => at),
      `document ${document}`,
    );
  });
});

test('a row begins with a document, or with what is left of one that is longer than a row', () => {
  for (const [first, ...others] of rowsOf(3)) {
    assert.ok(first!.offset === 0 || (lengths[first!.document]! > T && first!.offset % T === 0));
    assert.ok(others.every(({ offset }) => offset === 0));
  }
});

test('what is cut and what stays empty is counted', () => {
  const { rows, documents, cut, filled } = layout.counts;
  assert.equal(documents, lengths.filter((length) => length > 0).length);
  assert.equal(cut, lengths.filter((length) => length > T).length);
  assert.equal(filled, source(lengths).tokenCount);
  // The last rows alone are not full: there are always short documents to fill with.
  assert.ok(filled / (rows * T) > 0.99, `${filled} of ${rows * T}`);
});

test('epochs differ in the documents of a row and the order of rows; the same key is the same epoch', () => {
  assert.deepEqual(rowsOf(1), rowsOf(1));
  const composition = (key: number) =>
    rowsOf(key)
      .map((row) => row.map(({ document }) => document).join())
      .sort();
  assert.notDeepEqual(composition(1), composition(2));
  const shapes = (key: number) => rowsOf(key).map((row) => row.map(({ length }) => length).join());
  assert.notDeepEqual(shapes(1), shapes(2));
  assert.deepEqual(shapes(1).sort(), shapes(2).sort());
});

test('no documents make no rows; one makes one', () => {
  assert.equal(new RowLayout(source([]), T).counts.rows, 0);
  assert.equal(new RowLayout(source([0]), T).counts.rows, 0);
  const one = new RowLayout(source([0, 5]), T);
  assert.deepEqual(new RowOrder(one, 1).row(0), [{ document: 1, offset: 0, length: 5 }]);
});
