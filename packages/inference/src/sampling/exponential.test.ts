import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exponential } from './exponential.ts';

test('property: exp of what is at most 0, to a few units of the last place', () => {
  const near = (x: number) => {
    const expected = Math.exp(x);
    assert.ok(Math.abs(exponential(x) - expected) <= 1e-15 * expected, `${x}: ${exponential(x)}, ${expected}`);
  };
  for (const x of [0, -0, -1e-300, -1e-17, -Math.LN2 / 64, -Math.LN2 / 32, -Math.LN2, -1, -699.999, -700]) near(x);
  fc.assert(fc.property(fc.double({ min: -700, max: 0, noNaN: true }), near), { numRuns: 2000 });
  fc.assert(fc.property(fc.double({ min: -1, max: 0, noNaN: true }), near), { numRuns: 2000 });
});

test('what is too small is 0', () => {
  for (const x of [-701, -1e300, Number.NEGATIVE_INFINITY]) assert.equal(exponential(x), 0);
});
