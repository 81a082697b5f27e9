import assert from 'node:assert/strict';
import test from 'node:test';
import { seededNoise } from '../testing/seeded-noise.ts';
import { fitLaw, type LawPoint, lossOf, lossSpan, type ScalingLaw, tokensWorth } from './scaling-law.ts';

const DISTINCT = 2e7;

function pointsOf(law: ScalingLaw, noise: (i: number) => number): LawPoint[] {
  const sizes = [0.4e6, 0.8e6, 1.3e6, 3.1e6];
  const lengths = [0.5e6, 1e6, 2e6];
  return sizes.flatMap((parameters, i) =>
    lengths.map((tokens, j) => ({
      parameters,
      tokens,
      loss: lossOf(law, parameters, tokens, DISTINCT) * (1 + noise(3 * i + j)),
    })),
  );
}

test('a known law is found again, and what it says of runs ten times as long', () => {
  const usual = { E: 2.1, A: 1.4, a: 0.34, B: 1.9, b: 0.28 };
  for (const law of [usual, { ...usual, a: 0.5, b: 0.4 }, { ...usual, E: 0.8, a: 0.25 }]) {
    const { law: found, residual } = fitLaw(
      pointsOf(law, () => 0),
      DISTINCT,
    );
    assert.ok(residual < 2e-3, `residual ${residual}`);
    for (const [parameters, tokens] of [
      [1.3e6, 2e7],
      [5e6, 1e7],
    ] as const) {
      const [real, promised] = [law, found].map((one) => lossOf(one, parameters, tokens, DISTINCT)) as [number, number];
      assert.ok(Math.abs(promised / real - 1) < 0.025, `${promised} for ${real}`);
    }
  }
});

test('with the noise of real runs the promise for ten times the tokens holds within some per cent, and its span is honest', () => {
  const law = { E: 2.1, A: 1.4, a: 0.34, B: 1.9, b: 0.28 };
  const real = lossOf(law, 2e6, 2e7, DISTINCT);
  let inside = 0;
  let error = 0;
  let width = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const fit = fitLaw(pointsOf(law, seededNoise(seed, 0.004)), DISTINCT);
    const promised = lossOf(fit.law, 2e6, 2e7, DISTINCT);
    const { low, high } = lossSpan(fit, 2e6, 2e7, DISTINCT);
    assert.ok(low <= promised && promised <= high && high > low);
    assert.ok(Math.abs(promised / real - 1) < 0.08, `seed ${seed}: ${promised} for ${real}`);
    error += Math.abs(promised / real - 1) / 10;
    if (low <= real && real <= high) inside++;
    width += (high - low) / 10;
  }
  assert.ok(error < 0.035, `mean error ${error}`);
  assert.ok(inside >= 9, `${inside} of 10 inside`);
  assert.ok(width / real < 0.2, `a span of ${width} for ${real} says nothing`);
});

test('no constant is negative, whatever the points say', () => {
  const rising = pointsOf({ E: 2, A: 0, a: 0.3, B: 1, b: 0.3 }, (i) => 0.02 * Math.floor(i / 3));
  const { law } = fitLaw(rising, DISTINCT);
  assert.ok(law.E >= 0 && law.A >= 0 && law.B >= 0, JSON.stringify(law));
});

test('tokens seen again are worth less than new ones, at last nothing', () => {
  assert.equal(tokensWorth(1e6, 1e7), 1e6);
  assert.ok(tokensWorth(2e7, 1e7) < 2e7 && tokensWorth(2e7, 1e7) > 1.9e7);
  assert.ok(tokensWorth(1e12, 1e7) - tokensWorth(1e11, 1e7) < 1);
});
