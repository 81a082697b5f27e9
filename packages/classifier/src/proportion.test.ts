import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wilsonInterval } from './proportion.ts';

test('Wilson intervals are those of scipy 1.17 (binomtest.proportion_ci, method wilson)', () => {
  const golden: [number, number, number, number][] = [
    [8, 10, 0.4901624715366418, 0.9433178485456248],
    [180, 200, 0.8505941875672826, 0.9343295513309041],
    [0, 10, 0, 0.27753279986288926],
    [10, 10, 0.7224672001371109, 1],
    [305, 610, 0.46044603847994714, 0.5395539615200529],
    [1, 2838, 6.220304463694186e-5, 0.0019933158522962495],
  ];
  for (const [successes, trials, low, high] of golden) {
    const interval = wilsonInterval(successes, trials);
    assert.ok(Math.abs(interval.low - low) < 1e-12);
    assert.ok(Math.abs(interval.high - high) < 1e-12);
  }
  assert.throws(() => wilsonInterval(3, 2), /3 successes in 2 trials/);
});
