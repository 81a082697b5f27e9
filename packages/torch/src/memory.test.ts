/** The pooling allocator by its counters. */
import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { describe, test } from 'node:test';
import { empty, memory, ones, resetPeakMemory, scope, setMemoryLimit, TorchError, trimMemory } from './index.ts';

const megabyte = 2 ** 20;

describe('memory of tensors', () => {
  test('repeated work takes nothing new', () => {
    const step = () =>
      scope(() => {
        const weight = ones([100, 300], { requiresGrad: true });
        ones([50, 100]).matmul(weight).tanh().sum().backward();
      });
    for (let i = 0; i < 3; i++) step();
    const before = memory();
    resetPeakMemory();
    for (let i = 0; i < 50; i++) step();
    const after = memory();
    assert.equal(after.allocatedBytes, before.allocatedBytes);
    assert.equal(after.pooledBytes, before.pooledBytes);
    assert.ok(after.peakBytes <= before.peakBytes);
  });

  test('a block goes from the pool to the next tensor of its size', () => {
    trimMemory();
    scope(() => {
      ones([megabyte / 4]);
    });
    const { pooledBytes } = memory();
    assert.ok(pooledBytes >= megabyte);
    scope(() => {
      ones([megabyte / 4]);
      assert.ok(memory().pooledBytes <= pooledBytes - megabyte);
    });
    assert.equal(memory().pooledBytes, pooledBytes);
  });

  test('trimMemory empties the pool and touches no tensor', () => {
    scope(() => {
      const kept = ones([1000]);
      scope(() => {
        ones([megabyte]);
      });
      const { allocatedBytes } = memory();
      assert.ok(memory().pooledBytes > 0);
      trimMemory();
      assert.equal(memory().pooledBytes, 0);
      assert.equal(memory().allocatedBytes, allocatedBytes);
      assert.equal(kept.sum().item(), 1000);
    });
  });

  test('the peak is the most that was held at once, within an eighth', () => {
    trimMemory();
    resetPeakMemory();
    const start = memory().peakBytes;
    assert.equal(start, memory().allocatedBytes);
    for (let i = 0; i < 4; i++) scope(() => [empty([3 * megabyte]), empty([megabyte])].length);
    const grown = memory().peakBytes - start;
    assert.ok(grown >= 16 * megabyte && grown <= 18 * megabyte, String(grown));
    resetPeakMemory();
    assert.equal(memory().peakBytes, start);
  });

  test('size classes waste at most an eighth', () => {
    for (const bytes of [1, 63, 64, 65, 513, 1000, 4097, 99_999, 1_234_567, 9 * megabyte + 1]) {
      scope(() => {
        const before = memory().allocatedBytes;
        empty([bytes], { dtype: 'uint8' });
        const taken = memory().allocatedBytes - before;
        assert.ok(taken >= bytes && taken <= Math.max(bytes * 1.125, bytes + 63), `${bytes} bytes took ${taken}`);
      });
    }
  });

  test('more memory than there is: a TorchError, and work goes on', () => {
    const { allocatedBytes } = memory();
    assert.throws(() => empty([2 ** 50], { dtype: 'uint8' }), {
      name: 'TorchError',
      message:
        /^aten::empty: out of memory: could not get 1125899906842624 bytes for a tensor, \d+ are in use; take a /,
    });
    assert.throws(() => empty([2 ** 50, 2 ** 50]), TorchError);
    assert.equal(memory().allocatedBytes, allocatedBytes);
    scope(() => assert.equal(ones([3]).sum().item(), 3));
  });

  test('many tensors that fit one by one, but not together: a TorchError before the system runs out', () => {
    trimMemory();
    const limit = memory().allocatedBytes + 64 * megabyte;
    setMemoryLimit(limit);
    try {
      const held: unknown[] = [];
      const fill = () =>
        scope(() => {
          for (;;) held.push(empty([5 * megabyte], { dtype: 'uint8' }));
        });
      assert.throws(fill, { name: 'TorchError', message: /^aten::empty: out of memory: could not get 5242880 bytes/ });
      assert.equal(held.length, 12);
      // The pool is full of blocks of another size now: they make way.
      scope(() => assert.equal(empty([60 * megabyte], { dtype: 'uint8' }).size, 60 * megabyte));
      const weight = ones([megabyte], { requiresGrad: true });
      const grow = () => scope(() => Array.from({ length: 20 }, () => weight.exp()).length);
      assert.throws(grow, { name: 'TorchError', message: /^aten::exp of \(1048576\) float32: out of memory/ });
      weight.dispose();
    } finally {
      setMemoryLimit(totalmem());
    }
    scope(() => assert.equal(empty([80 * megabyte], { dtype: 'uint8' }).size, 80 * megabyte));
  });
});
