import assert from 'node:assert/strict';
import test from 'node:test';
import { batchAt, learningRateAt, samplesAfter, stepsFor } from './schedule.ts';

test('warm-up, cosine, then the minimum', () => {
  const schedule = { peak: 1e-3, minimum: 1e-4, warmupSamples: 100, decaySamples: 1100, shape: 'cosine' } as const;
  assert.equal(learningRateAt(schedule, 1), 1e-5);
  assert.equal(learningRateAt(schedule, 50), 5e-4);
  assert.equal(learningRateAt(schedule, 100), 1e-3);
  assert.ok(Math.abs(learningRateAt(schedule, 600) - 5.5e-4) < 1e-18);
  assert.ok(Math.abs(learningRateAt(schedule, 350) - (1e-4 + 9e-4 * 0.5 * (1 + Math.SQRT1_2))) < 1e-18);
  assert.equal(learningRateAt(schedule, 1100), 1e-4);
  assert.equal(learningRateAt(schedule, 10 ** 9), 1e-4);
});

test('linear and constant, with and without a warm-up', () => {
  const linear = { peak: 2, minimum: 0, warmupSamples: 0, decaySamples: 10, shape: 'linear' } as const;
  assert.deepEqual(
    [0, 5, 10, 11].map((samples) => learningRateAt(linear, samples)),
    [2, 1, 0, 0],
  );
  const constant = { ...linear, warmupSamples: 4, shape: 'constant' } as const;
  assert.deepEqual(
    [1, 4, 100].map((samples) => learningRateAt(constant, samples)),
    [0.5, 2, 2],
  );
});

test('a trapezoid: warm-up, constant, and a linear cooldown at the end', () => {
  const schedule = {
    peak: 2,
    minimum: 0.2,
    warmupSamples: 10,
    decaySamples: 100,
    shape: 'trapezoid',
    cooldownSamples: 40,
  } as const;
  const rates = [5, 10, 59, 60, 80, 99, 100, 200].map((samples) => learningRateAt(schedule, samples).toFixed(6));
  assert.deepEqual(
    rates,
    [1, 2, 2, 2, 1.1, 0.245, 0.2, 0.2].map((rate) => rate.toFixed(6)),
  );
});

test('the batch ramp of Yuan-13B: 448 to 2688 by 448 over 488 280 samples', () => {
  const schedule = { globalBatch: 2688, ramp: { start: 448, increment: 448, samples: 488_280 } };
  assert.equal(batchAt(schedule, 0), 448);
  assert.equal(batchAt(schedule, 97_655), 448);
  assert.equal(batchAt(schedule, 97_656), 896);
  assert.equal(batchAt(schedule, 488_279), 2240);
  assert.equal(batchAt(schedule, 488_280), 2688);
});

test('steps and samples are two views of one plan', () => {
  const schedule = { globalBatch: 12, ramp: { start: 4, increment: 4, samples: 40 } };
  let samples = 0;
  for (let steps = 0; steps < 60; steps++) {
    assert.equal(samplesAfter(schedule, steps), samples);
    if (steps > 0) assert.equal(stepsFor(schedule, samples), steps);
    assert.equal(stepsFor(schedule, samples + 1), steps + 1);
    samples += batchAt(schedule, samples);
  }
  assert.equal(samplesAfter({ globalBatch: 8 }, 5), 40);
  assert.equal(stepsFor({ globalBatch: 8 }, 41), 6);
});
