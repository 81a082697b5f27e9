/** Affine maps with what is fused to them, against their plain references: forward and backward, and the same bits for any threads. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  affine,
  affineGelu,
  affineResidual,
  getThreads,
  linear,
  linearResidual,
  manualSeed,
  ones,
  randn,
  scope,
  setThreads,
  type Tensor,
  tensor,
  zeros,
} from './index.ts';
import {
  assertNear,
  compare,
  type Floating,
  floating,
  grown,
  type Kernel,
  property,
  random,
  side,
  tolerances,
} from './testing/kernel-properties.ts';
import { affineReference, biasGeluReference } from './testing/reference-kernels.ts';

/** A map of both layouts: `sides` puts the weight's sides in the order it has them, `turned` gives it as (K, M). */
const layouts = [
  { name: 'affine', plain: affine, residual: affineResidual, sides: (K: number, M: number) => [K, M], turned: same },
  {
    name: 'linear',
    plain: linear,
    residual: linearResidual,
    sides: (K: number, M: number) => [M, K],
    turned: transposed,
  },
];

function same(weight: Tensor): Tensor {
  return weight;
}

function transposed(weight: Tensor): Tensor {
  return weight.transpose(0, 1);
}

const shapes = [fc.array(side, { maxLength: 2 }), side, side, fc.boolean(), floating] as const;
/** Masters are float32 where activations are bfloat16. */
const masters = (dtype: Floating): Floating => (dtype === 'bfloat16' ? 'float32' : dtype);

for (const { name, plain, residual, sides, turned } of layouts)
  describe(name, () => {
    const reference: Kernel = (x, weight, bias) => affineReference(x!, turned(weight!), bias);

    test('equals matmul + bias', () => {
      property([...shapes, fc.boolean()], (outer, inner, wide, strided, dtype, biased) => {
        const inputs = [random([...outer, inner], dtype, strided), random(sides(inner, wide), dtype, strided)];
        if (biased) inputs.push(random([wide], dtype, strided));
        compare(plain as Kernel, reference, inputs, tolerances[dtype] * 2);
      });
    });

    test('rows that are one row in memory', () => {
      scope(() => {
        manualSeed(4);
        const x = randn([1, 20]).expand(40, 20);
        assertNear(plain(x, ones(sides(20, 9))), x.sum(1, true).expand(40, 9), 1e-5, 'result');
      });
    });

    test('float32 masters with bfloat16 activations: the product is bfloat16, the gradients float32', () => {
      scope(() => {
        manualSeed(3);
        const x = randn([5, 7]).to('bfloat16');
        const inputs = [x, randn(sides(7, 9)), randn([9])];
        assert.equal(plain(x, inputs[1]!, inputs[2]).dtype, 'bfloat16');
        compare(plain as Kernel, reference, inputs, tolerances.bfloat16);
      });
    });

    test('residual + y, the residual and its result float32 or wider', () => {
      property([...shapes, fc.boolean()], (outer, inner, wide, strided, dtype, biased) => {
        const inputs = [
          random([...outer, wide], masters(dtype), strided),
          random([...outer, inner], dtype, strided),
          random(sides(inner, wide), masters(dtype), strided),
        ];
        if (biased) inputs.push(random([wide], masters(dtype), false));
        assert.equal(residual(inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]).dtype, masters(dtype));
        compare(residual as Kernel, (base, ...rest) => base!.add(reference(...rest)), inputs, tolerances[dtype] * 2);
      });
    });
  });

describe('affineGelu', () => {
  test('gelu(x W + b)', () => {
    property([...shapes], (outer, inner, wide, strided, dtype) => {
      const inputs = [
        random([...outer, inner], dtype, strided),
        random([inner, wide], masters(dtype), strided),
        random([wide], masters(dtype), false),
      ];
      const reference: Kernel = (x, weight, bias) => biasGeluReference(affineReference(x!, weight!), bias!);
      compare(affineGelu as Kernel, reference, inputs, tolerances[dtype] * 2);
    });
  });

  test('gelu is exact far from zero, where the exponential would overflow', () => {
    scope(() => {
      const y = affineGelu(
        tensor([[-1e4, -50, 50, 1e4]]),
        tensor([
          [1, 0, 0, 0],
          [0, 1, 0, 0],
          [0, 0, 1, 0],
          [0, 0, 0, 1],
        ]),
        zeros([4]),
      );
      assertNear(y, tensor([[0, 0, 50, 1e4]]), 1e-30, 'result');
    });
  });

  test('the same bits for one thread, two and four', () => {
    const threads = getThreads();
    try {
      // One row and one column too: such products go other ways through the libraries.
      for (const dtype of ['bfloat16', 'float32', 'float64'] as const)
        for (const [M, K, N] of [
          [130, 70, 100],
          [600, 40, 1100],
          [1, 300, 200],
          [200, 300, 1],
        ] as const)
          scope(() => {
            manualSeed(31);
            const weights = dtype === 'bfloat16' ? 'float32' : dtype;
            const inputs = [randn([M, K]).to(dtype), randn([K, N]).to(weights), randn([N]).to(weights)];
            const results = [1, 2, 4].map((count) => {
              setThreads(count);
              const leaves = inputs.map(grown);
              const y = affineGelu(leaves[0]!, leaves[1]!, leaves[2]!);
              y.backward(ones(y.shape, { dtype }));
              return [y, ...leaves.map((leaf) => leaf.grad!)].map((t) => t.to('float64').toArray());
            });
            for (const result of results)
              assert.ok(
                result.every((values, i) => values.every((value, at) => Object.is(value, results[0]![i]![at]))),
                `${dtype} ${M} x ${K} x ${N}`,
              );
          });
    } finally {
      setThreads(threads);
    }
  });
});
