/** Kernels that work row by row (embeddings, GELU, residuals, norms) against their plain references. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  layerNorm,
  manualSeed,
  ones,
  randint,
  randn,
  residualLayerNorm,
  scope,
  type Tensor,
  tensor,
  tokenEmbedding,
} from './index.ts';
import {
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
import { layerNormReference, tokenEmbeddingReference } from './testing/reference-kernels.ts';

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
