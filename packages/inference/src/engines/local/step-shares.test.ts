import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stepShares } from './step-shares.ts';

test('a short prompt is read at once beside long ones, and the first of these goes ahead', () => {
  assert.deepEqual(stepShares([1000, 1000, 20, 1], 256), [256 - 55 - 20 - 1, 55, 20, 1]);
  assert.deepEqual(stepShares([1000], 256), [256]);
  assert.deepEqual(stepShares([1, 1, 1], 2), [1, 1, 1]);
});

test('property: nobody gets nothing or too much, nothing is left over, and who came later gets no more for as much', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 300 }),
      (needs, budget) => {
        const shares = stepShares(needs, budget);
        const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0);
        assert.equal(sum(shares), Math.max(needs.length, Math.min(budget, sum(needs))));
        shares.forEach((share, place) => {
          assert.ok(share >= 1 && share <= needs[place]!);
          const least = Math.floor((budget - needs.length) / 2 / needs.length);
          assert.ok(share >= Math.min(needs[place]!, least));
          const earlier = shares.slice(0, place).filter((_, other) => needs[other]! >= needs[place]!);
          assert.ok(earlier.every((other) => other >= share - 1));
        });
      },
    ),
  );
});
