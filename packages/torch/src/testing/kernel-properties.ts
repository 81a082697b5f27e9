/**
 * How a kernel is held to its reference: in float64, float32 and bfloat16, over shapes, strides and edge cases that fast-check draws.
 * `TUNAN_TEST_DRAWS` says how many of them, `TUNAN_TEST_SEED` which.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DType, liveTensors, manualSeed, randn, scope, type Tensor } from '../index.ts';

export type Floating = 'float64' | 'float32' | 'bfloat16';
/** Relative to the largest element. bfloat16 keeps 8 bits and rounds in between. */
export const tolerances: Record<Floating, number> = { float64: 1e-12, float32: 2e-5, bfloat16: 4e-2 };

export const floating = fc.constantFrom<Floating>('float64', 'float32', 'bfloat16');
export const length = fc.integer({ min: 1, max: 9 });
/** Around the sizes of blocks and tiles too. */
export const side = fc.oneof(length, fc.integer({ min: 14, max: 35 }), fc.integer({ min: 60, max: 70 }));
const seed = fc.nat(100_000);
const runs = {
  numRuns: Number(process.env.TUNAN_TEST_DRAWS ?? 60),
  seed: Number(process.env.TUNAN_TEST_SEED ?? 7),
};

/** Random numbers; every second time their memory runs the other way round. */
export function random(shape: readonly number[], dtype: DType, strided: boolean): Tensor {
  if (!strided) return randn(shape).to(dtype);
  return randn(shape.toReversed())
    .to(dtype)
    .permute(...shape.map((_, i) => shape.length - 1 - i));
}

export function assertNear(actual: Tensor, expected: Tensor, tolerance: number, what: string): void {
  assert.deepEqual(actual.shape, expected.shape, what);
  const a = actual.to('float64').toArray() as Float64Array;
  const b = expected.to('float64').toArray() as Float64Array;
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - b[i]!) <= tolerance * largest, `${what}: element ${i} is ${value}, not ${b[i]}`);
  });
}

export type Kernel = (...inputs: Tensor[]) => Tensor;

/**
 * Runs both on the same numbers and compares the results and every input's gradient. The reference computes in float64 from the
 * rounded inputs, so that what is measured is the kernel's error alone.
 */
export function compare(kernel: Kernel, reference: Kernel, inputs: readonly Tensor[], tolerance: number): void {
  const own = inputs.map((input) => grown(input));
  const wide = inputs.map((input) => grown(input.to('float64')));
  const y = kernel(...own);
  const expected = reference(...wide);
  assertNear(y, expected, tolerance, 'result');
  const weights = randn(expected.shape, { dtype: 'float64' }).to(y.dtype);
  y.backward(weights);
  expected.backward(weights.to('float64'));
  own.forEach((input, i) => {
    const grad = input.grad;
    assert.ok(grad, `input ${i} has no gradient`);
    assert.equal(grad.dtype, input.dtype);
    assertNear(grad, wide[i]!.grad!, tolerance, `gradient of input ${i}`);
  });
}

export function grown(input: Tensor): Tensor {
  const leaf = input.detach();
  leaf.requiresGrad = true;
  return leaf;
}

/** A property over numbers of a seed, in a scope that must leave nothing behind. */
export function property<Ts extends [unknown, ...unknown[]]>(
  arbitraries: { [K in keyof Ts]: fc.Arbitrary<Ts[K]> },
  body: (...drawn: Ts) => void,
): void {
  fc.assert(
    fc.property(seed, fc.tuple(...arbitraries), (start, drawn) => {
      const before = liveTensors();
      manualSeed(start);
      scope(() => body(...(drawn as Ts)));
      assert.equal(liveTensors(), before, 'tensors were left behind');
    }),
    runs,
  );
}
