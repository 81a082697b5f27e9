import assert from 'node:assert/strict';
import test from 'node:test';
import type { LogLine } from '../run/run-log.ts';
import { seededNoise } from '../testing/seeded-noise.ts';
import { lossCurve } from './loss-curve.ts';

function log(losses: readonly number[], gradientNorm = 0.5): LogLine[] {
  return losses.map((loss, i) => ({
    step: i + 1,
    samples: 8 * (i + 1),
    tokens: 1024 * (i + 1),
    loss,
    lossBySource: { tokens: loss },
    gradientNorm,
    learningRate: 1e-3,
    tokensPerSecond: 1000,
    milliseconds: { data: 0, forwardBackward: 1, optimizer: 1, total: 2 },
  }));
}

const noise = seededNoise(3, 0.05);
/** Falls by 0.4 with every doubling. */
const falling = Array.from({ length: 400 }, (_, i) => 8 - 0.4 * Math.log2(i + 1) + noise(i));

test('a loss that falls with the logarithm of the tokens shows its slope, and no spikes', () => {
  const { perDoubling, spikes, last, points, clipped } = lossCurve(log(falling), 1);
  assert.ok(Math.abs(perDoubling!.change + 0.4) < 4 * perDoubling!.error, JSON.stringify(perDoubling));
  assert.deepEqual(spikes, []);
  assert.ok(Math.abs(last - (8 - 0.4 * Math.log2(390))) < 0.05);
  assert.ok(points.length <= 120 && points.at(-1)!.tokens === 400 * 1024);
  assert.equal(clipped, 0);
  assert.equal(lossCurve(log(falling, 2), 1).clipped, 1);
});

test('a flat loss does not fall by more than its error', () => {
  const { perDoubling } = lossCurve(log(falling.map((_, i) => 5 + noise(i + 1000))), 1);
  assert.ok(Math.abs(perDoubling!.change) < 4 * perDoubling!.error);
});

test('a jump is one spike with its way back; one that never comes back says so', () => {
  const jumping = falling.map((loss, i) => (i >= 200 && i < 230 ? loss + 2 * (1 - (i - 200) / 30) : loss));
  const [spike, ...others] = lossCurve(log(jumping), 1).spikes;
  assert.deepEqual(others, []);
  assert.equal(spike!.step, 201);
  assert.ok(spike!.recovered! > 10 && spike!.recovered! <= 40, String(spike!.recovered));
  const lost = falling.map((loss, i) => (i >= 300 ? loss + 2 : loss));
  assert.equal(lossCurve(log(lost), 1).spikes.at(0)?.recovered, undefined);
});

test('a log of a few steps says little, and does not fail', () => {
  const { perDoubling, spikes, first, last } = lossCurve(log([8, 7, 6]), 1);
  assert.equal(perDoubling, undefined);
  assert.deepEqual(spikes, []);
  assert.deepEqual([first, last], [8, 6]);
});
