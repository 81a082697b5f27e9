/** Cross-entropy of an output matrix against that of its logits, and the losses of single tokens. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  linear,
  linearCrossEntropy,
  linearTokenLosses,
  manualSeed,
  memory,
  noGrad,
  ones,
  randint,
  randn,
  resetPeakMemory,
  scope,
  TorchError,
  tensor,
} from './index.ts';
import { compare, floating, type Kernel, length, property, random, tolerances } from './testing/kernel-properties.ts';
import { linearCrossEntropyReference } from './testing/reference-kernels.ts';

describe('linearCrossEntropy', () => {
  test('equals cross-entropy of the logits, with ignored targets', () => {
    property(
      [length, length, length, fc.constantFrom(-100, 0), fc.boolean(), floating],
      (rows, channels, vocabulary, ignoreIndex, strided, dtype) => {
        const targets = randint(0, vocabulary + 1, [rows + 1]); // the first is counted, one in V of the others ignored
        const ids = BigInt64Array.from(targets.toArray() as BigInt64Array, (id) =>
          id === BigInt(vocabulary) ? BigInt(ignoreIndex) : id,
        );
        if (vocabulary > 1) ids[0] = 1n;
        const given = tensor(ids);
        const inputs = [random([rows + 1, channels], dtype, strided), random([vocabulary, channels], dtype, strided)];
        const kernel: Kernel = (hidden, weight) => linearCrossEntropy(hidden!, weight!, given, { ignoreIndex });
        if (ids.every((id) => id === BigInt(ignoreIndex))) {
          assert.throws(() => kernel(...inputs), TorchError);
          return;
        }
        compare(
          kernel,
          (hidden, weight) => linearCrossEntropyReference(hidden!, weight!, given, ignoreIndex),
          inputs,
          tolerances[dtype] * 2,
        );
      },
    );
  });

  test('a vocabulary large enough for several chunks of rows', () => {
    scope(() => {
      manualSeed(21);
      const targets = randint(0, 40_000, [300]);
      const reference: Kernel = (hidden, weight) => linearCrossEntropyReference(hidden!, weight!, targets, -100);
      const kernel: Kernel = (hidden, weight) => linearCrossEntropy(hidden!, weight!, targets);
      compare(kernel, reference, [randn([300, 3]), randn([40_000, 3])], tolerances.float32);
    });
  });

  test('only the wanted gradient, and the same loss without any', () => {
    scope(() => {
      manualSeed(22);
      const targets = randint(0, 11, [6]);
      const hidden = randn([6, 5]);
      const weight = randn([11, 5], { requiresGrad: true });
      const loss = linearCrossEntropy(hidden, weight, targets);
      loss.backward();
      assert.equal(hidden.grad, undefined);
      assert.ok(weight.grad);
      assert.equal(noGrad(() => linearCrossEntropy(hidden, weight, targets)).item(), loss.item());
      assert.equal(noGrad(() => linearCrossEntropy(hidden, weight, targets)).requiresGrad, false);
    });
  });

  test('evaluation computes no gradients, though the weight wants one', () => {
    scope(() => {
      const hidden = ones([2, 500]);
      const weight = ones([2000, 500], { requiresGrad: true }); // 4 MB
      const targets = tensor([0, 1], { dtype: 'int64' });
      const { allocatedBytes } = memory();
      resetPeakMemory();
      noGrad(() => linearCrossEntropy(hidden, weight, targets));
      assert.ok(memory().peakBytes - allocatedBytes < 1_000_000);
    });
  });

  test('a NaN in one row reaches the loss', () => {
    scope(() => {
      const hidden = ones([3, 2]);
      hidden.narrow(0, 1, 1).fill_(Number.NaN);
      const targets = tensor([0, 1, 2], { dtype: 'int64' });
      assert.ok(Number.isNaN(linearCrossEntropy(hidden, ones([4, 2]), targets).item()));
    });
  });

  test('a target outside the vocabulary is named', () => {
    scope(() => {
      for (const target of [7, -1]) {
        const targets = tensor([target], { dtype: 'int64' });
        assert.throws(() => linearCrossEntropy(ones([1, 2]), ones([7, 2]), targets), {
          name: 'TorchError',
          message: new RegExp(`tunan::linear_cross_entropy of .*target ${target} is outside the vocabulary of 7`),
        });
      }
    });
  });
});

describe('linearTokenLosses', () => {
  test('gives the rows whose mean linearCrossEntropy is, over several chunks of logits', () => {
    scope(() => {
      manualSeed(21);
      const [N, C, V] = [700, 3, 20_000]; // more than one chunk of 2^23 logits
      const hidden = randn([N, C], { dtype: 'float64' });
      const weight = randn([V, C], { dtype: 'float64' });
      const targets = randint(0, V, [N]);
      const losses = linearTokenLosses(hidden, weight, targets);
      assert.deepEqual(losses.shape, [N]);
      const expected = linear(hidden, weight).logSoftmax(1).gather(1, targets.unsqueeze(1)).squeeze(1).neg();
      assert.ok(losses.sub(expected).abs().norm().item() < 1e-9);
      assert.ok(Math.abs(losses.mean().item() - linearCrossEntropy(hidden, weight, targets).item()) < 1e-12);
    });
  });

  test('refuses a target outside the vocabulary', () => {
    scope(() => {
      const call = () => linearTokenLosses(randn([1, 2]), randn([4, 2]), tensor([4], { dtype: 'int64' }));
      assert.throws(call, /target 4 is outside the vocabulary of 4/);
    });
  });
});
