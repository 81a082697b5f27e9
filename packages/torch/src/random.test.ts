import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  dropout,
  empty,
  getRandomState,
  manualSeed,
  multinomial,
  ones,
  rand,
  randint,
  randn,
  scope,
  setRandomState,
  TorchError,
  tensor,
} from './index.ts';

function draw(): unknown[] {
  return scope(() =>
    [
      randn([5]),
      rand([5]),
      randint(0, 1000, [5]),
      empty([5]).normal_(1, 2),
      empty([5]).uniform_(-1, 1),
      dropout(ones([9]), 0.5, true),
    ].map((x) => x.toNested()),
  );
}

describe('random numbers', () => {
  test('a seed repeats them, another does not', () => {
    manualSeed(42);
    const first = draw();
    manualSeed(42);
    assert.deepEqual(draw(), first);
    manualSeed(43);
    assert.notDeepEqual(draw(), first);
  });

  test('the saved state goes on where it was', () => {
    manualSeed(1);
    draw();
    const state = getRandomState();
    const next = draw();
    draw();
    setRandomState(state);
    assert.deepEqual(draw(), next);
    assert.throws(() => setRandomState(new Uint8Array(3)), TorchError);
    setRandomState(state);
    assert.deepEqual(draw(), next);
  });

  test('their distributions', () => {
    scope(() => {
      manualSeed(7);
      const normal = randn([100_000]);
      assert.ok(Math.abs(normal.mean().item()) < 0.02);
      assert.ok(Math.abs(normal.pow(2).mean().item() - 1) < 0.03);
      const whole = randint(-2, 3, [10_000]).toArray() as BigInt64Array;
      assert.deepEqual(
        [...new Set(whole)].sort((a, b) => Number(a - b)),
        [-2n, -1n, 0n, 1n, 2n],
      );
    });
  });

  test('dropout keeps the mean and is the identity outside training', () => {
    scope(() => {
      manualSeed(8);
      const x = ones([10_000]);
      const dropped = dropout(x, 0.25, true);
      assert.ok(Math.abs(dropped.mean().item() - 1) < 0.03);
      assert.deepEqual([...new Set(dropped.toArray() as Float32Array)].sort(), [0, Math.fround(1 / 0.75)]);
      assert.deepEqual(dropout(x, 0.25, false).toArray(), x.toArray());
    });
  });

  test('multinomial draws by probability, without replacement each at most once', () => {
    scope(() => {
      manualSeed(9);
      const drawn = multinomial(tensor([[0, 0.25, 0.75]]), 4000).toArray() as BigInt64Array;
      const share = drawn.filter((id) => id === 2n).length / drawn.length;
      assert.ok(!drawn.includes(0n) && Math.abs(share - 0.75) < 0.03, String(share));
      const all = multinomial(tensor([0.2, 0.3, 0.5]), 3, false).toArray() as BigInt64Array;
      assert.deepEqual([...all].sort(), [0n, 1n, 2n]);
    });
  });
});
