import assert from 'node:assert/strict';
import test from 'node:test';
import { foldKey, Permutation } from './permutation.ts';

test('every size is a bijection', () => {
  for (const size of [1, 2, 3, 4, 5, 7, 16, 17, 100, 1023, 1024, 1025, 30_011]) {
    const permutation = new Permutation(size, 42);
    const seen = new Set(Array.from({ length: size }, (_, index) => permutation.at(index)));
    assert.equal(seen.size, size);
    assert.ok([...seen].every((value) => value >= 0 && value < size));
  }
});

test('keys give different orders, the same key the same', () => {
  const order = (key: number) => Array.from({ length: 50 }, (_, index) => new Permutation(1000, key).at(index));
  assert.deepEqual(order(1), order(1));
  assert.notDeepEqual(order(1), order(2));
  assert.notEqual(foldKey(1, 2), foldKey(2, 1));
  assert.notEqual(foldKey(2 ** 32), foldKey(0));
});

test('images are spread evenly and neighbours part', () => {
  const size = 4096;
  const buckets = 16;
  const counts = new Array<number>(buckets * buckets).fill(0);
  let adjacent = 0;
  for (let key = 0; key < 32; key++) {
    const permutation = new Permutation(size, key);
    for (let index = 0; index + 1 < size; index++) {
      const from = Math.floor((index * buckets) / size);
      const to = Math.floor((permutation.at(index) * buckets) / size);
      counts[from * buckets + to]!++;
      if (Math.abs(permutation.at(index + 1) - permutation.at(index)) === 1) adjacent++;
    }
  }
  const expected = (32 * (size - 1)) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 225 degrees of freedom, standard deviation 21: five of them above the mean would be no permutation to train on.
  assert.ok(chiSquare < 225 + 5 * 21, `chi square ${chiSquare}`);
  assert.ok(adjacent < 32 * 8, `${adjacent} neighbours stayed neighbours, 2 a permutation are to be expected`);
});

test('numbers beyond 32 bits', () => {
  const size = 2 ** 40 + 12_345;
  const permutation = new Permutation(size, 7);
  const images = Array.from({ length: 1000 }, (_, index) => permutation.at(size - 1 - index));
  assert.equal(new Set(images).size, 1000);
  assert.ok(images.every((image) => Number.isSafeInteger(image) && image >= 0 && image < size));
  assert.ok(images.some((image) => image > 2 ** 39));
});
