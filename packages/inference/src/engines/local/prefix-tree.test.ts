import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrefixTree } from './prefix-tree.ts';

const ids = fc.array(fc.nat(2), { maxLength: 7 });

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

test('property: what is found is what comparing with every entry finds, after any additions and removals', () => {
  const step = fc.oneof(fc.record({ add: ids }), fc.record({ remove: fc.nat(20) }), fc.record({ ask: ids }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const tree = new PrefixTree<{ readonly ids: readonly number[] }>();
      const all: { readonly ids: readonly number[] }[] = [];
      for (const one of steps) {
        if ('add' in one) {
          const entry = { ids: one.add };
          all.push(entry);
          tree.add(entry.ids, entry);
        } else if ('remove' in one) {
          const [entry] = all.splice(one.remove, 1);
          if (entry !== undefined) tree.remove(entry);
        } else {
          const found = [...tree.along(one.ask)];
          assert.equal(found.length, all.length);
          assert.equal(new Set(found.map(({ entry }) => entry)).size, all.length);
          for (const { entry, length } of found) assert.equal(length, commonLength(entry.ids, one.ask));
          const lengths = found.map(({ length }) => length);
          assert.deepEqual(
            lengths,
            lengths.toSorted((a, b) => b - a),
          );
        }
      }
      assert.equal(tree.size, all.length);
    }),
    { numRuns: 500 },
  );
});

test('an entry that is not there is not removed silently', () => {
  assert.throws(() => new PrefixTree<number>().remove(1), /not in the tree/);
});
