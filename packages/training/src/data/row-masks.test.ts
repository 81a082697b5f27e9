import assert from 'node:assert/strict';
import test from 'node:test';
import { foldKey } from './permutation.ts';
import { IGNORED, type MaskedRow, maskRow, type PrefixOptions, type RowMaskOptions } from './row-masks.ts';

const EOD = 4;
const MASK = 3;
/** The rest of a document, two whole ones, and padding. */
const tokens = Int32Array.of(10, 11, EOD, 20, 21, 22, EOD, 30, EOD, EOD, EOD);
const LENGTH = 8;

const whole: PrefixOptions = { least: 1, most: 1 };
const options = (change: Partial<RowMaskOptions> = {}): RowMaskOptions => ({ eod: EOD, attention: 'row', ...change });
const lists = (row: MaskedRow) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Int32Array ? [...value] : value]),
  );

test('a language model over the row: inputs, the ids behind them, and nothing of the padding', () => {
  assert.deepEqual(lists(maskRow(tokens, LENGTH, 1, options())), {
    ids: [10, 11, EOD, 20, 21, 22, EOD, 30, EOD, EOD],
    targets: [11, EOD, 20, 21, 22, EOD, 30, EOD, IGNORED, IGNORED],
    first: undefined,
    last: undefined,
    positions: undefined,
    counted: LENGTH,
  });
});

test('documents apart: each begins at its <eod>, and positions with it', () => {
  const { first, last, positions } = maskRow(tokens, LENGTH, 1, options({ attention: 'document' }));
  assert.deepEqual([...first!], [0, 0, 2, 2, 2, 2, 6, 6, 8, 9]);
  assert.deepEqual([...positions!], [0, 1, 0, 1, 2, 3, 0, 1, 0, 0]);
  assert.equal(last, undefined);
});

test('the longest prefix leaves the last token of each document to predict, the shortest all of them', () => {
  const long = maskRow(tokens, LENGTH, 1, options({ prefix: whole }));
  assert.deepEqual([...long.last!], [2, 2, 6, 6, 6, 6, 8, 8, 9, 10]);
  assert.deepEqual([...long.targets], [IGNORED, EOD, IGNORED, IGNORED, IGNORED, EOD, IGNORED, EOD, IGNORED, IGNORED]);
  assert.equal(long.counted, 3);
  const none = maskRow(tokens, LENGTH, 1, options({ prefix: { least: 0, most: 0 } }));
  assert.deepEqual([...none.last!], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(none.counted, LENGTH);
});

/** Whether query t sees key s, written from the definition: a prefix sees itself, the others what is before them. */
function sees(t: number, s: number, { start, prefixEnd }: { start: number; prefixEnd: number }, attention: string) {
  if (attention === 'document' && s < start) return false;
  return s <= t || (t < prefixEnd && s < prefixEnd);
}

test('drawn prefixes of packed documents against a dense mask; every length comes up, alike often', () => {
  const starts = [0, 2, 6];
  const ends = [2, 6, 8];
  const met = new Map<number, number>();
  for (let sample = 0; sample < 2000; sample++) {
    for (const attention of ['row', 'document'] as const) {
      const prefix = { least: 0, most: 1 };
      const row = maskRow(tokens, LENGTH, foldKey(5, sample), options({ attention, prefix }));
      starts.forEach((start, index) => {
        // The first target of a document that counts is predicted by the last token of its prefix.
        const prefixEnd = 1 + row.targets.findIndex((target, t) => t >= start && target !== IGNORED);
        assert.ok(prefixEnd > start && prefixEnd <= ends[index]!);
        for (let t = start; t < ends[index]!; t++) {
          const first = row.first?.[t] ?? 0;
          for (let s = 0; s < 10; s++)
            assert.equal(s >= first && s < row.last![t]!, sees(t, s, { start, prefixEnd }, attention), `${t} ${s}`);
          assert.equal(row.targets[t], t < prefixEnd - 1 ? IGNORED : tokens[t + 1]);
        }
        if (index === 1 && attention === 'row') met.set(prefixEnd - start, (met.get(prefixEnd - start) ?? 0) + 1);
      });
    }
  }
  assert.deepEqual([...met.keys()].sort(), [1, 2, 3, 4]);
  for (const count of met.values()) assert.ok(Math.abs(count - 500) < 100, `${[...met]}`); // five standard deviations
});

test('masked tokens: All, Prefix, Target; those of the prefix are predicted, a beginning never is masked', () => {
  const masked = (part: 'All' | 'Prefix' | 'Target', share: number) =>
    maskRow(
      tokens,
      LENGTH,
      1,
      options({ prefix: { least: share, most: share, mask: { part, probability: 1, id: MASK } } }),
    );
  // Half of each document: prefixes of 2 of 2, 3 of 4 and 2 of 2 tokens.
  assert.deepEqual([...masked('Prefix', 0.5).ids], [10, MASK, EOD, MASK, MASK, 22, EOD, MASK, EOD, EOD]);
  assert.deepEqual([...masked('Target', 0.5).ids], [10, 11, EOD, 20, 21, MASK, EOD, 30, EOD, EOD]);
  const all = masked('All', 0.5);
  assert.deepEqual([...all.ids], [10, MASK, EOD, MASK, MASK, MASK, EOD, MASK, EOD, EOD]);
  assert.equal(all.counted, LENGTH);
  assert.deepEqual([...all.targets], [...maskRow(tokens, LENGTH, 1, options()).targets]);
  const mask = { part: 'All', probability: 0.15, id: MASK } as const;
  let count = 0;
  for (let sample = 0; sample < 2000; sample++) {
    const row = maskRow(tokens, LENGTH, foldKey(6, sample), options({ prefix: { least: 0, most: 1, mask } }));
    count += row.ids.filter((id) => id === MASK).length;
  }
  assert.ok(Math.abs(count / (2000 * 5) - 0.15) < 0.02, `${count}`);
});

test('what is drawn is of the key alone', () => {
  const take = (key: number) => lists(maskRow(tokens, LENGTH, key, options({ prefix: { least: 0, most: 1 } })));
  assert.deepEqual(take(9), take(9));
  assert.ok([10, 11, 12, 13].some((key) => JSON.stringify(take(key)) !== JSON.stringify(take(9))));
});
