/** Empty and degenerate shapes through every fused kernel: a result or an error, never a crash. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  affine,
  attention,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearResidual,
  ones,
  rmsNorm,
  rotary,
  scope,
  swiglu,
  TorchError,
  tensor,
  zeros,
} from './index.ts';
import type { Kernel } from './testing/kernel-properties.ts';

describe('empty and degenerate shapes', () => {
  /** Either the empty result and its gradients (true), or a TorchError (false); never a crash. */
  const survives = (kernel: Kernel, shapes: readonly (readonly number[])[], result: readonly number[]): boolean =>
    scope(() => {
      const inputs = shapes.map((shape) => ones(shape, { requiresGrad: true }));
      try {
        const y = kernel(...inputs);
        assert.deepEqual(y.shape, result);
        y.sum().backward();
      } catch (error) {
        if (error instanceof TorchError) return false;
        throw error;
      }
      inputs.forEach((input, i) => {
        assert.deepEqual(input.grad?.shape, shapes[i]);
      });
      return true;
    });

  test('an empty batch', () => {
    const works = (...given: Parameters<typeof survives>) => assert.ok(survives(...given));
    works(affine as Kernel, [[0, 3, 4], [4, 5], [5]], [0, 3, 5]);
    works(linear as Kernel, [[0, 3, 4], [5, 4], [5]], [0, 3, 5]);
    works(layerNorm as unknown as Kernel, [[0, 4], [4], [4]], [0, 4]);
    works(rmsNorm as unknown as Kernel, [[0, 4], [4]], [0, 4]);
    works(
      swiglu as Kernel,
      [
        [0, 4],
        [0, 4],
      ],
      [0, 4],
    );
    for (const [T, H] of [
      [0, 2],
      [3, 0],
    ] as const) {
      const turn: Kernel = (x, normWeight) => rotary(x!, zeros([T], { dtype: 'int64' }), { theta: 10000, normWeight });
      works(turn, [[2, T, H, 4], [4]], [2, T, H, 4]);
    }
    for (const [B, H, Hkv, T, S, D] of [
      [0, 2, 1, 3, 3, 4],
      [2, 0, 0, 3, 3, 4],
      [2, 0, 2, 3, 3, 4],
      [2, 2, 2, 0, 0, 4],
      [2, 4, 2, 0, 3, 4],
      [2, 2, 1, 3, 3, 0],
    ] as const) {
      works(
        attention as Kernel,
        [
          [B, T, H, D],
          [B, S, Hkv, D],
          [B, S, Hkv, D],
        ],
        [B, T, H, D],
      );
    }
  });

  test('no channels', () => {
    survives(affine as Kernel, [[3, 0], [0, 5], [5]], [3, 5]);
    survives(affine as Kernel, [[3, 4], [4, 0], [0]], [3, 0]);
    survives(linearResidual as Kernel, [[3, 5], [3, 0], [5, 0], [5]], [3, 5]);
    survives(linearResidual as Kernel, [[3, 0], [3, 4], [0, 4], [0]], [3, 0]);
    survives(layerNorm as unknown as Kernel, [[3, 0], [0], [0]], [3, 0]);
    survives(rmsNorm as unknown as Kernel, [[3, 0], [0]], [3, 0]);
    survives(
      swiglu as Kernel,
      [
        [3, 0],
        [3, 0],
      ],
      [3, 0],
    );
    survives((x) => rotary(x!, zeros([3], { dtype: 'int64' }), { theta: 10000 }), [[3, 2, 0]], [3, 2, 0]);
  });

  test('nothing to score', () => {
    const none = tensor(new BigInt64Array(0));
    const ignored = tensor([-100, -100], { dtype: 'int64' });
    assert.throws(() => linearCrossEntropy(ones([0, 3]), ones([4, 3]), none), /no target to score/);
    assert.throws(() => linearCrossEntropy(ones([2, 3]), ones([4, 3]), ignored), /no target to score/);
    assert.throws(() => linearCrossEntropy(ones([2, 3]), ones([0, 3]), ignored), TorchError);
    const channelless: Kernel = (hidden, weight) =>
      linearCrossEntropy(hidden!, weight!, tensor([0, 1], { dtype: 'int64' }));
    survives(
      channelless,
      [
        [2, 0],
        [4, 0],
      ],
      [],
    );
  });
});
