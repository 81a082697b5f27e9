import assert from 'node:assert/strict';
import { test } from 'node:test';
import { philox, uniformAt } from './random.ts';

// Known answers of the Random123 library (kat_vectors, philox4x32 10).
test('philox gives the published known answers', () => {
  const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffffffff;
  assert.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('numbers are uniform in [0, 1) and differ by seed, sequence and step', () => {
  const bins = new Array<number>(16).fill(0);
  const draws = 16_000;
  for (let step = 0; step < draws; step++) {
    const value = uniformAt(7, 0, step);
    assert.ok(value >= 0 && value < 1);
    bins[Math.floor(value * 16)]!++;
  }
  const chiSquare = bins.reduce((sum, n) => sum + (n - draws / 16) ** 2 / (draws / 16), 0);
  assert.ok(chiSquare < 37.7, `chi-square ${chiSquare} of 15 degrees passes 0.999`);
  const seen = new Set<number>();
  for (const seed of [0, 1, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    for (const sequence of [0, 1, 2]) for (const step of [0, 1, 2]) seen.add(uniformAt(seed, sequence, step));
  }
  assert.equal(seen.size, 7 * 3 * 3);
});

test('a seed is the same as a number and as a bigint, and beyond 2^53 all of its digits count', () => {
  for (const seed of [0, 7, -1, -(2 ** 40) - 3, 2 ** 32, Number.MAX_SAFE_INTEGER, -(2 ** 60), 2 ** 63]) {
    assert.equal(uniformAt(BigInt(seed), 1, 2), uniformAt(seed, 1, 2), String(seed));
  }
  assert.notEqual(uniformAt(2n ** 53n, 0, 0), uniformAt(2n ** 53n + 1n, 0, 0));
  assert.notEqual(uniformAt(2n ** 64n - 1n, 0, 0), uniformAt(2n ** 64n - 2n, 0, 0));
});
