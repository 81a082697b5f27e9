// Products of few rows, as a step of generation makes them without gradients, against the plain formula: both layouts, all that may
// follow, widths that fill no vector; and weights of eight bits.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  affine,
  affineGelu,
  affineResidual,
  type DType,
  linear,
  linearInt8,
  linearResidual,
  manualSeed,
  noGrad,
  quantizeColumns,
  rand,
  scope,
  setThreads,
  type Tensor,
  TorchError,
  tensor,
} from './index.ts';

setThreads(1);

const sizes = [
  [1, 1, 1],
  [1, 384, 70],
  [2, 33, 64],
  [3, 130, 31],
  [5, 260, 200],
  [8, 64, 2_300],
  [13, 129, 100],
  [32, 48, 90],
  [33, 48, 90],
] as const;

const numbers = (x: Tensor) => Array.from(x.to('float32').toArray(), Number);
const drawn = (shape: number[], dtype: DType) => rand(shape).mul(2).sub(1).to(dtype);

function assertClose(actual: Tensor, expected: Tensor, tolerance: number, name: string): void {
  const [a, b] = [numbers(actual), numbers(expected)];
  assert.equal(a.length, b.length, name);
  const worst = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
  assert.ok(worst <= tolerance, `${name} differs by ${worst}`);
}

describe('products of few rows', () => {
  for (const [dtype, tolerance] of [
    ['float32', 1e-4],
    ['bfloat16', 0.2],
  ] as const) {
    test(`equal x W + b, ${dtype}`, () => {
      manualSeed(1);
      for (const [M, K, N] of sizes) {
        scope(() =>
          noGrad(() => {
            const [x, weight, bias] = [drawn([M, K], dtype), drawn([K, N], dtype), drawn([N], 'float32')];
            const residual = drawn([M, N], 'float32');
            const turned = weight.transpose(0, 1).contiguous();
            const sum = x.to('float32').matmul(weight.to('float32')).add(bias);
            const check = (y: Tensor, expected: Tensor, name: string) =>
              assertClose(y, expected, tolerance, `${name} ${M} ${K} ${N}`);
            check(affine(x, weight, bias), sum, 'affine');
            check(linear(x, turned, bias), sum, 'linear');
            check(linear(x, turned), sum.sub(bias), 'linear without bias');
            check(affineGelu(x, weight, bias), sum.gelu('tanh'), 'affineGelu');
            check(affineResidual(residual, x, weight, bias), residual.add(sum), 'affineResidual');
            check(linearResidual(residual, x, turned), residual.add(sum.sub(bias)), 'linearResidual');
          }),
        );
      }
    });
  }

  test('a row has the same bits alone, in company and with any number of threads', () => {
    scope(() =>
      noGrad(() => {
        manualSeed(2);
        const [x, weight] = [drawn([3, 200], 'float32'), drawn([200, 700], 'float32')];
        const results = [1, 2, 3].map((threads) => {
          setThreads(threads);
          return [...numbers(affine(x, weight)), ...numbers(linear(x, weight.transpose(0, 1).contiguous()))];
        });
        setThreads(1);
        assert.deepEqual(results[1], results[0]);
        assert.deepEqual(results[2], results[0]);
        const alone = numbers(affine(x.narrow(0, 1, 1), weight));
        assert.deepEqual(alone, results[0]!.slice(700, 1_400));
      }),
    );
  });
});

describe('weights of eight bits', () => {
  test('rounding: each column to a 127th of its largest, zeros stay', () => {
    scope(() => {
      const weight = tensor([
        [1, 0, -3],
        [0.5, 0, 2],
      ]);
      for (const [matrix, layout] of [
        [weight, 'in-out'],
        [weight.transpose(0, 1), 'out-in'],
      ] as const) {
        const { weight: eight, scale } = quantizeColumns(matrix, layout);
        assert.deepEqual(Array.from(eight.toArray() as Int8Array), [127, 0, -127, 64, 0, 85]);
        assertClose(scale, tensor([1 / 127, 0, 3 / 127]), 1e-8, 'scale');
      }
      assert.throws(() => quantizeColumns(tensor([[Number.NaN]]), 'in-out'), TorchError);
    });
  });

  test('equal the product by the rounded weights', () => {
    manualSeed(3);
    for (const [M, K, N] of [...sizes, [70, 64, 130]] as const) {
      for (const [dtype, tolerance] of [
        ['float32', 1e-4],
        ['bfloat16', 0.2],
      ] as const) {
        scope(() => {
          const [x, bias, residual] = [drawn([M, K], dtype), drawn([N], 'float32'), drawn([M, N], 'float32')];
          const matrix = quantizeColumns(drawn([K, N], 'float32'), 'in-out');
          const sum = x.to('float32').matmul(matrix.weight.to('float32').mul(matrix.scale));
          const name = `${dtype} ${M} ${K} ${N}`;
          assertClose(linearInt8(x, matrix), sum, tolerance, name);
          assertClose(linearInt8(x, matrix, bias, { gelu: true }), sum.add(bias).gelu('tanh'), tolerance, name);
          assertClose(linearInt8(x, matrix, bias, { residual }), residual.add(sum.add(bias)), tolerance, name);
        });
      }
    }
    scope(() => {
      const matrix = quantizeColumns(rand([4, 5]), 'in-out');
      assert.throws(() => linearInt8(rand([2, 3]), matrix), /linear_int8 expects x/);
      assert.throws(() => linearInt8(rand([2, 4]), matrix, rand([4])), /bias of 5/);
    });
  });
});
