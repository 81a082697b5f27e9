import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyValueCache, type Precision, type YuanLM } from '@tunan/model';
import { memory, noGrad, scope, tensor } from '@tunan/torch';
import { tinyModel } from '../../testing/tiny-model.ts';
import { RaggedForward } from './ragged-forward.ts';

const A = [7, 300, 12, 12, 45, 9, 110];
const B = [200, 3];
const C = [8];

/** Logits (T, V) flat, by YuanLM.forward of the whole sequence without a cache. */
function whole(model: YuanLM, ids: number[]): Float32Array {
  return scope(() => noGrad(() => model.forward(tensor([ids], { dtype: 'int64' })).toArray() as Float32Array));
}

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `differs by ${worst}`);
}

for (const [dtype, tolerance] of [
  ['float32', 2e-5],
  ['bfloat16', 0.15],
] as [Precision, number][]) {
  test(`sequences of different lengths side by side get the logits of YuanLM.forward, ${dtype}`, () => {
    using model = tinyModel(dtype);
    const V = model.config.vocabularySize;
    const forward = new RaggedForward(model);
    using a = new KeyValueCache(model.config, 1, { dtype });
    using b = new KeyValueCache(model.config, 1, { dtype });
    using c = new KeyValueCache(model.config, 1, { dtype, capacity: 1 });
    const first = forward.run([
      { cache: a, ids: A.slice(0, 4), logits: 'all' },
      { cache: b, ids: B.slice(0, 1), logits: 'none' },
    ]);
    const second = forward.run([
      { cache: a, ids: A.slice(4), logits: 'last' },
      { cache: b, ids: B.slice(1), logits: 'last' },
      { cache: c, ids: C, logits: 'all' },
    ]);
    assert.deepEqual([a.length, b.length, c.length], [7, 2, 1]);
    const wholeA = whole(model, A);
    assertClose(first[0]!, wholeA.subarray(0, 4 * V), tolerance);
    assert.equal(first[1]!.length, 0);
    assertClose(second[0]!, wholeA.subarray(6 * V), tolerance);
    assertClose(second[1]!, whole(model, B).subarray(V), tolerance);
    assertClose(second[2]!, whole(model, C), tolerance);
  });
}

test('a run leaves no tensor behind', () => {
  using model = tinyModel();
  const forward = new RaggedForward(model);
  using cache = new KeyValueCache(model.config, 1);
  forward.run([{ cache, ids: A, logits: 'last' }]);
  const before = memory().allocatedBytes;
  for (let i = 0; i < 20; i++) {
    cache.reset();
    forward.run([{ cache, ids: A, logits: 'all' }]);
  }
  assert.equal(memory().allocatedBytes, before);
});
