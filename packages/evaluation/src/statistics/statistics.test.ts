import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wilsonInterval } from '@tunan/classifier/proportion';
import fc from 'fast-check';
import { bootstrapChance, bootstrapMean } from './bootstrap.ts';
import { calibrationCurve, confusion, summariseAccuracy } from './classification.ts';
import { mcnemarExact, pairedCounts } from './mcnemar.ts';

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected} within ${tolerance}`);

test("McNemar's exact p is the binomial sum, and scipy's for counts far apart", () => {
  const exact = (fewer: number, trials: number): number => {
    let ways = 1n;
    let sum = 0n;
    for (let k = 0; k <= fewer; k++) {
      sum += ways;
      ways = (ways * BigInt(trials - k)) / BigInt(k + 1);
    }
    return Math.min(1, 2 * (Number((sum * 10n ** 18n) / 2n ** BigInt(trials)) / 1e18));
  };
  fc.assert(
    fc.property(fc.nat(60), fc.nat(60), (onlyFirst, onlySecond) => {
      const p = mcnemarExact({ onlyFirst, onlySecond });
      near(p, exact(Math.min(onlyFirst, onlySecond), onlyFirst + onlySecond), 1e-12);
    }),
  );
  near(mcnemarExact({ onlyFirst: 700, onlySecond: 800 }), 0.010559255466711506, 1e-9);
  assert.deepEqual(pairedCounts([true, true, false, false], [true, false, true, false]), {
    onlyFirst: 1,
    onlySecond: 1,
  });
});

test('a bootstrap interval of one task is close to the normal one, and the same for the same seed', () => {
  const outcomes = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : 0));
  const first = bootstrapMean([outcomes], { seed: 1 });
  assert.deepEqual(first, bootstrapMean([outcomes], { seed: 1 }));
  assert.notDeepEqual(first, bootstrapMean([outcomes], { seed: 2 }));
  const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
  near(first.mean, 0.25);
  near(first.low, 0.25 - half, 0.006);
  near(first.high, 0.25 + half, 0.006);
});

test('the mean of tasks weighs tasks alike, whatever their size', () => {
  const { mean, low, high } = bootstrapMean([Array(1000).fill(1), [0, 0]]);
  assert.deepEqual({ mean, low, high }, { mean: 0.5, low: 0.5, high: 0.5 });
});

test('the paired bootstrap agrees with a normal test, and finds nothing where there is nothing', () => {
  const difference = (better: number, worse: number, same: number) => [
    ...Array(better).fill(1),
    ...Array(worse).fill(-1),
    ...Array(same).fill(0),
  ];
  // mean 0.04, deviation sqrt(0.4 - 0.0016) / sqrt(1000) = 0.01996: z = 2.004, p = 0.045
  near(bootstrapChance([difference(220, 180, 600)], { resamples: 10_000 }), 0.045, 0.01);
  assert.equal(bootstrapChance([difference(10, 10, 10)]), 1);
  assert.ok(bootstrapChance([difference(300, 100, 600)]) < 0.001);
});

test('an accuracy comes with the scores that need no model', () => {
  const outcomes = [
    { gold: 'a', predicted: 'a' },
    { gold: 'a', predicted: 'b' },
    { gold: 'b', predicted: 'b' },
    { gold: 'a', predicted: 'c' },
  ];
  const summary = summariseAccuracy(outcomes, 3);
  assert.deepEqual([summary.accuracy, summary.examples, summary.majority, summary.random], [0.5, 4, 0.75, 1 / 3]);
  assert.deepEqual(summary.interval, wilsonInterval(2, 4));
  assert.deepEqual(
    [...confusion(outcomes)].map(([gold, row]) => [gold, Object.fromEntries(row)]),
    [
      ['a', { a: 1, b: 1, c: 1 }],
      ['b', { b: 1 }],
    ],
  );
});

test('the calibration curve of honest probabilities lies on the diagonal', () => {
  const honest = Array.from({ length: 1000 }, (_, i) => {
    const confidence = (Math.floor(i / 100) + 0.5) / 10;
    return { confidence, right: (i % 100) / 100 < confidence };
  });
  const { curve, expectedError } = calibrationCurve(honest);
  assert.equal(curve.length, 10);
  near(expectedError, 0, 1e-9);
  const sure = honest.map(({ right }) => ({ confidence: 1, right }));
  near(calibrationCurve(sure).expectedError, 0.5, 1e-9);
  assert.equal(calibrationCurve([{ confidence: 0.5, right: true }]).curve.length, 1);
});
