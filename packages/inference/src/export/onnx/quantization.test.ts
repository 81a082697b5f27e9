import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { int8, powersOfTwo } from './quantization.ts';

const weight = fc.double({ min: -8, max: 8, noNaN: true }).map(Math.fround);
const row = fc.array(weight, { minLength: 1, maxLength: 40 });

const wholes = Array.from({ length: 255 }, (_, index) => index - 127);
const powers = [0, ...Array.from({ length: 7 }, (_, index) => 2 ** -index).flatMap((power) => [power, -power])];

for (const [name, quantization, codes] of [
  ['whole numbers', int8, wholes],
  ['powers of two', powersOfTwo, powers],
] as const) {
  test(`${name}: each weight of a row gets the nearest code there is`, () => {
    fc.assert(
      fc.property(row, (weights) => {
        const scale = quantization.scaleOf(Math.max(...weights.map(Math.abs)));
        for (const one of weights) {
          const ratio = one / scale;
          const code = quantization.nearest(ratio);
          assert.ok(codes.includes(code === 0 ? 0 : code), `${code}`);
          const best = Math.min(...codes.map((other) => Math.abs(other - ratio)));
          assert.ok(Math.abs(code - ratio) <= best * (1 + 1e-12), `${one} became ${code} x ${scale}`);
        }
      }),
    );
  });
}

test('the largest weight of a row uses the largest code, and a row of zeros has a scale', () => {
  fc.assert(
    fc.property(
      weight.filter((one) => Math.abs(one) > 1e-6),
      (one) => {
        const size = Math.abs(one);
        assert.equal(int8.nearest(one / int8.scaleOf(size)), 127 * Math.sign(one));
        const scale = powersOfTwo.scaleOf(size);
        assert.ok(Number.isInteger(Math.log2(scale)));
        assert.equal(powersOfTwo.nearest(one / scale), Math.sign(one));
      },
    ),
  );
  for (const { scaleOf, nearest } of [int8, powersOfTwo]) assert.equal(nearest(0 / scaleOf(0)), 0);
});
