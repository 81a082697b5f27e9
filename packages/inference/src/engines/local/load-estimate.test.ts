import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadEstimate } from './load-estimate.ts';

test('the wait is that of the batches in front', () => {
  const load = new LoadEstimate(16);
  load.record(4_000);
  assert.equal(load.seconds(0, 16, 0, 0), 4);
  assert.equal(load.seconds(0, 64, 0, 0), 16);
  assert.equal(load.seconds(0, 1, 0, 0), 1, 'a second at least');
  assert.equal(load.seconds(0, 100_000, 0, 0), 59, 'what clients still heed');
});

test('who is turned away later is told to come later, until those before have come', () => {
  const load = new LoadEstimate(16);
  load.record(2_000);
  const told = [1, 2, 3].map(() => load.seconds(0, 32, 32, 0));
  assert.deepEqual(told, [4, 8, 12]);
  assert.equal(load.seconds(20_000, 32, 32, 0), 4);
});

test('before anything has finished a stay is as long as the oldest one so far', () => {
  assert.equal(new LoadEstimate(1).seconds(0, 3, 1, 5_000), 15);
});

test('stays are averaged, the newest most', () => {
  const load = new LoadEstimate(1);
  for (let i = 0; i < 40; i++) load.record(1_000);
  for (let i = 0; i < 40; i++) load.record(9_000);
  assert.equal(load.seconds(0, 1, 1, 0), 9);
});
