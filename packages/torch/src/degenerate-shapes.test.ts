/** Empty and degenerate shapes through every fused kernel: a result or an error, never a crash. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  affine,
  causalAttention,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearResidual,
  ones,
  scope,
  TorchError,
  tensor,
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
    for (const [B, H, T, S, D] of [
      [0, 2, 3, 3, 4],
      [2, 0, 3, 3, 4],
      [2, 2, 0, 0, 4],
      [2, 2, 0, 3, 4],
      [2, 2, 3, 3, 0],
    ] as const) {
      works(
        causalAttention as Kernel,
        [
          [B, H, T, D],
          [B, H, S, D],
          [B, H, S, D],
        ],
        [B, H, T, D],
      );
    }
  });

  test('no channels', () => {
    survives(affine as Kernel, [[3, 0], [0, 5], [5]], [3, 5]);
    survives(affine as Kernel, [[3, 4], [4, 0], [0]], [3, 0]);
    survives(linearResidual as Kernel, [[3, 5], [3, 0], [5, 0], [5]], [3, 5]);
    survives(linearResidual as Kernel, [[3, 0], [3, 4], [0, 4], [0]], [3, 0]);
    survives(layerNorm as unknown as Kernel, [[3, 0], [0], [0]], [3, 0]);
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
