import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentRange, liveTensors, manualSeed, rand, scope, setThreads, tensor } from '@tunan/torch';
import { attendSequences } from './attend.ts';
import { KeyValueCache } from './key-value-cache.ts';

setThreads(1);

/** Heads (B, T, …) side by side, and the same apart. */
function drawnHeads(batch: number, time: number, heads: number, width: number) {
  manualSeed(1);
  const joint = rand([batch, time, 3 * heads * width]);
  joint.requiresGrad = true;
  const headed = joint.view(batch, time, 3, heads, width);
  const [queries, keys, values] = [0, 1, 2].map((part) => headed.select(2, part));
  return { joint, queries: queries!, keys: keys!, values: values! };
}

test('joint heads and heads apart give the same, forward and backward', () => {
  scope(() => {
    const { joint, ...apart } = drawnHeads(2, 9, 3, 8);
    const weights = rand([2, 9, 24]);
    const [fused, plain] = [{ ...apart, joint }, apart].map((heads) => {
      joint.grad = undefined;
      const mixed = attendSequences(heads);
      mixed.mul(weights).sum().backward();
      return [mixed.detach().toArray(), joint.grad!.toArray()] as const;
    });
    for (const side of [0, 1] as const) {
      assert.equal(fused![side].length, plain![side].length);
      fused![side].forEach((value, i) => {
        assert.ok(Math.abs(Number(value) - Number(plain![side][i])) < 1e-6);
      });
    }
  });
});

test('ranges need joint heads, and say so', () => {
  scope(() => {
    const { joint, ...apart } = drawnHeads(1, 4, 2, 4);
    const range = documentRange(tensor([[0, 0, 2, 2]], { dtype: 'int64' }));
    assert.deepEqual(attendSequences({ ...apart, joint }, range).shape, [1, 4, 8]);
    assert.throws(() => attendSequences(apart, range), /side by side/);
  });
});

test('a cache holds as many heads of keys and values as the model has, of their own width', () => {
  const sizes = { layers: 2, kvHeads: 2, headDim: 16, contextLength: 8 };
  const before = liveTensors();
  {
    using cache = new KeyValueCache({ sizes, dtype: 'bfloat16', device: 'cpu' }, 100);
    assert.equal(cache.capacity, 8);
    assert.equal(KeyValueCache.bytes({ sizes, dtype: 'bfloat16' }, 8), 2 * 2 * 2 * 16 * 8 * 2);
    scope(() => {
      const { keys } = cache.append(1, rand([1, 2, 3, 16]), rand([1, 2, 3, 16]));
      assert.deepEqual(keys.shape, [1, 2, 3, 16]);
      cache.advance(3);
      assert.deepEqual(cache.read(1).values.shape, [1, 2, 3, 16]);
      assert.throws(() => cache.read(2), /no layer 2/);
    });
  }
  assert.equal(liveTensors(), before);
});
