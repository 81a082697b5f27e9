/** Kernels that work row by row (embeddings, norms, rotary positions, gates) against their plain references. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  arange,
  cat,
  layerNorm,
  manualSeed,
  ones,
  randint,
  randn,
  residualLayerNorm,
  residualRmsNorm,
  rmsNorm,
  rotary,
  scope,
  swiglu,
  type Tensor,
  tensor,
  tokenEmbedding,
  zeros,
} from './index.ts';
import {
  assertNear,
  compare,
  floating,
  grown,
  type Kernel,
  length,
  property,
  random,
  side,
  tolerances,
} from './testing/kernel-properties.ts';
import {
  layerNormReference,
  rmsNormReference,
  rotaryReference,
  swigluReference,
  tokenEmbeddingReference,
} from './testing/reference-kernels.ts';

describe('tokenEmbedding', () => {
  test('equals rows of both tables; the gradient sums what stands in several places', () => {
    property([length, side, length, side, fc.integer({ min: 0, max: 3 }), floating], (B, T, V, C, past, dtype) => {
      const ids = randint(0, V, [B, T]);
      const inputs = [random([V, C], dtype, false), random([T + past + 1, C], dtype, false)];
      compare(
        (tokens, positions) => tokenEmbedding(ids, tokens!, positions!, past),
        (tokens, positions) => tokenEmbeddingReference(ids, tokens!, positions!, past),
        inputs,
        tolerances[dtype],
      );
    });
  });

  test('refuses ids and positions that the tables do not have', () => {
    scope(() => {
      const ids = (id: number) => tensor([[0, id]], { dtype: 'int64' });
      assert.throws(() => tokenEmbedding(ids(4), ones([4, 2]), ones([2, 2])), /token 4 is outside the vocabulary of 4/);
      assert.throws(() => tokenEmbedding(ids(0), ones([4, 2]), ones([2, 2]), 1), /positions 1 to 3 do not fit into 2/);
    });
  });
});

describe('layerNorm', () => {
  test('equals its formula', () => {
    property(
      [fc.array(length, { maxLength: 3 }), fc.integer({ min: 2, max: 33 }), fc.boolean(), floating],
      (outer, channels, strided, dtype) => {
        const inputs = [
          random([...outer, channels], dtype, strided),
          random([channels], dtype, false),
          random([channels], dtype, false),
        ];
        // A large epsilon keeps rows of nearly equal numbers from magnifying the input's own rounding.
        const kernel = (x: Tensor, weight: Tensor, bias: Tensor) => layerNorm(x, weight, bias, { epsilon: 0.1 });
        compare(kernel as Kernel, (x, w, b) => layerNormReference(x!, w!, b!, 0.1), inputs, tolerances[dtype]);
      },
    );
  });

  test("gives the stream through, whose gradient is added to the norm's", () => {
    property(
      [fc.array(length, { maxLength: 3 }), fc.integer({ min: 2, max: 33 }), floating],
      (outer, channels, dtype) => {
        const shape = [...outer, channels];
        const inputs = [
          random(shape, dtype, false),
          random([channels], dtype, false),
          random([channels], dtype, false),
        ];
        const both = (stream: Tensor, normed: Tensor) => stream.mul(2).add(normed.mul(3));
        const kernel: Kernel = (x, weight, bias) => {
          const { stream, normed } = residualLayerNorm(x!, weight!, bias!, { epsilon: 0.1 });
          return both(stream, normed);
        };
        compare(kernel, (x, w, b) => both(x!, layerNormReference(x!, w!, b!, 0.1)), inputs, tolerances[dtype] * 2);
        const alone: Kernel = (x, weight, bias) => residualLayerNorm(x!, weight!, bias!).stream;
        const x = grown(inputs[0]!);
        alone(x, inputs[1]!, inputs[2]!).sum().backward();
        assert.ok((x.grad!.to('float32').toArray() as Float32Array).every((value) => value === 1));
      },
    );
  });

  test('gives another dtype in the same pass', () => {
    scope(() => {
      manualSeed(5);
      const kernel = (x: Tensor, w: Tensor, b: Tensor) => layerNorm(x, w, b, { dtype: 'bfloat16' });
      const inputs = [randn([6, 15]), randn([15]), randn([15])];
      assert.equal(kernel(inputs[0]!, inputs[1]!, inputs[2]!).dtype, 'bfloat16');
      compare(kernel as Kernel, (x, w, b) => layerNormReference(x!, w!, b!, 1e-5), inputs, tolerances.bfloat16);
    });
  });
});

describe('rmsNorm', () => {
  const sizes = [fc.array(length, { maxLength: 3 }), fc.integer({ min: 2, max: 33 })] as const;

  test('equals its formula', () => {
    property([...sizes, fc.boolean(), floating], (outer, channels, strided, dtype) => {
      const inputs = [random([...outer, channels], dtype, strided), random([channels], dtype, false)];
      const kernel = (x: Tensor, weight: Tensor) => rmsNorm(x, weight, { epsilon: 0.1 });
      compare(kernel as Kernel, (x, w) => rmsNormReference(x!, w!, 0.1), inputs, tolerances[dtype]);
    });
  });

  test("gives the stream through, whose gradient is added to the norm's, and another dtype in the same pass", () => {
    property([...sizes, floating], (outer, channels, dtype) => {
      const inputs = [random([...outer, channels], dtype, false), random([channels], dtype, false)];
      const both = (stream: Tensor, normed: Tensor) => stream.mul(2).add(normed.mul(3));
      const kernel: Kernel = (x, weight) => {
        const { stream, normed } = residualRmsNorm(x!, weight!, { epsilon: 0.1 });
        return both(stream, normed);
      };
      compare(kernel, (x, w) => both(x!, rmsNormReference(x!, w!, 0.1)), inputs, tolerances[dtype] * 2);
      const rounded: Kernel = (x, weight) => rmsNorm(x!, weight!, { epsilon: 0.1, dtype: 'bfloat16' });
      assert.equal(rounded(...inputs).dtype, 'bfloat16');
      compare(rounded, (x, w) => rmsNormReference(x!, w!, 0.1), inputs, tolerances.bfloat16);
    });
  });
});

describe('rotary', () => {
  const theta = 10_000;
  const frequenciesOf = (width: number) => Array.from({ length: width / 2 }, (_, i) => theta ** ((-2 * i) / width));

  test('turns halves by position times frequency, after the norm of each head where there is one', () => {
    const half = fc.oneof(length, fc.constantFrom(16, 32, 33));
    property(
      [fc.integer({ min: 1, max: 3 }), side, length, half, fc.boolean(), floating, fc.nat(2)],
      (B, T, H, pairs, strided, dtype, kind) => {
        const positions = kind === 0 ? randint(0, 4096, [B, T]) : arange(7, T + 7, 1, { dtype: 'int64' });
        const inputs = [random([B, T, H, 2 * pairs], dtype, strided), random([2 * pairs], dtype, false)];
        const frequencies = kind === 2 ? Array.from({ length: pairs }, (_, i) => 1 / (i + 2)) : undefined;
        // float32 holds an angle of some thousands to a few ten-thousandths.
        const tolerance = tolerances[dtype] * (dtype === 'float32' && kind === 0 ? 20 : 2);
        const speeds = frequencies ?? frequenciesOf(2 * pairs);
        compare(
          (x, weight) =>
            rotary(x!, positions, { theta, frequencies }).add(
              rotary(x!, positions, { theta, frequencies, normWeight: weight!, epsilon: 0.1 }),
            ),
          (x, weight) =>
            rotaryReference(x!, positions, speeds).add(
              rotaryReference(rmsNormReference(x!, weight!, 0.1), positions, speeds),
            ),
          inputs,
          tolerance,
        );
      },
    );
  });

  test('scores depend on the distance of positions alone; a view of a joint projection is read where it lies', () => {
    scope(() => {
      manualSeed(3);
      const [T, H, D] = [5, 2, 8];
      const joint = randn([1, T, 3 * H * D], { dtype: 'float64' });
      const heads = joint.narrow(2, H * D, H * D).view(1, T, H, D);
      const scores = (shift: number) => {
        const turned = rotary(heads, arange(shift, shift + T, 1, { dtype: 'int64' }), { theta }).transpose(1, 2);
        return turned.matmul(turned.transpose(2, 3));
      };
      assertNear(scores(1000), scores(0), 1e-10, 'scores');
      const apart = heads.contiguous();
      const positions = arange(0, T, 1, { dtype: 'int64' });
      assertNear(rotary(heads, positions, { theta }), rotary(apart, positions, { theta }), 0, 'view');
    });
  });

  test('sines and cosines keep float32 at every angle', () => {
    scope(() => {
      const T = 20_000;
      const x = cat([ones([T, 1, 1]), zeros([T, 1, 1])], 2); // → (cosine, sine)
      const positions = arange(0, T, 1, { dtype: 'int64' });
      const turned = rotary(x, positions, { theta, frequencies: [0.37] }).toArray() as Float32Array;
      for (let position = 0; position < T; position++) {
        const angle = Math.fround(position * Math.fround(0.37));
        assert.ok(Math.abs(turned[2 * position]! - Math.cos(angle)) < 2e-7, `cosine of ${angle}`);
        assert.ok(Math.abs(turned[2 * position + 1]! - Math.sin(angle)) < 2e-7, `sine of ${angle}`);
      }
    });
  });
});

describe('swiglu', () => {
  test('equals its formula', () => {
    property([length, side, fc.boolean(), floating], (rows, width, strided, dtype) => {
      const inputs = [random([rows, width], dtype, strided), random([rows, width], dtype, false)];
      compare(swiglu as Kernel, swigluReference as Kernel, inputs, tolerances[dtype]);
    });
  });

  test('gates far from zero neither overflow nor lose their gradient', () => {
    scope(() => {
      const gate = grown(tensor(Float32Array.of(-1e30, -200, -1, 200, 1e30)));
      const y = swiglu(gate, ones([5]));
      y.sum().backward();
      const values = Array.from(y.toArray(), Number);
      assert.ok(values.every(Number.isFinite), String(values));
      assert.deepEqual(values.slice(3), [200, Math.fround(1e30)]);
      const slopes = Array.from(gate.grad!.toArray(), Number);
      assert.ok(Math.abs(slopes[0]!) < 1e-20 && slopes[3] === 1 && slopes[4] === 1, String(slopes));
    });
  });
});
