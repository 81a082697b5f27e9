/**
 * The fused kernels against their plain references: forward and backward, in float64, float32 and bfloat16, over shapes, strides
 * and edge cases that fast-check draws.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addResidualReference,
  affineReference,
  biasGeluReference,
  causalAttentionReference,
  layerNormReference,
  linearCrossEntropyReference,
  rangeAttentionReference,
  tokenEmbeddingReference,
} from './fused-kernels.reference.ts';
import {
  addResidual,
  affine,
  affineGelu,
  affineResidual,
  arange,
  biasGelu,
  causalAttention,
  type DType,
  documentRange,
  getThreads,
  layerNorm,
  linearCrossEntropy,
  linearTokenLosses,
  liveTensors,
  manualSeed,
  memory,
  noGrad,
  ones,
  prefixRange,
  randint,
  randn,
  resetPeakMemory,
  residualLayerNorm,
  scope,
  selfAttention,
  setThreads,
  type Tensor,
  TorchError,
  tensor,
  tokenEmbedding,
  zeros,
} from './index.ts';

type Floating = 'float64' | 'float32' | 'bfloat16';
/** Relative to the largest element. bfloat16 keeps 8 bits and rounds in between. */
const tolerances: Record<Floating, number> = { float64: 1e-12, float32: 2e-5, bfloat16: 4e-2 };

const floating = fc.constantFrom<Floating>('float64', 'float32', 'bfloat16');
const length = fc.integer({ min: 1, max: 9 });
/** Around the sizes of blocks and tiles too. */
const side = fc.oneof(length, fc.integer({ min: 14, max: 35 }), fc.integer({ min: 60, max: 70 }));
const seed = fc.nat(100_000);
const runs = { numRuns: Number(process.env.TUNAN_TEST_DRAWS ?? 60), seed: 7 };

/** Random numbers; every second time their memory runs the other way round. */
function random(shape: readonly number[], dtype: DType, strided: boolean): Tensor {
  if (!strided) return randn(shape).to(dtype);
  return randn(shape.toReversed())
    .to(dtype)
    .permute(...shape.map((_, i) => shape.length - 1 - i));
}

function assertNear(actual: Tensor, expected: Tensor, tolerance: number, what: string): void {
  assert.deepEqual(actual.shape, expected.shape, what);
  const a = actual.to('float64').toArray() as Float64Array;
  const b = expected.to('float64').toArray() as Float64Array;
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - b[i]!) <= tolerance * largest, `${what}: element ${i} is ${value}, not ${b[i]}`);
  });
}

type Kernel = (...inputs: Tensor[]) => Tensor;

/**
 * Runs both on the same numbers and compares the results and every input's gradient. The reference computes in float64 from the
 * rounded inputs, so that what is measured is the kernel's error alone.
 */
function compare(kernel: Kernel, reference: Kernel, inputs: readonly Tensor[], tolerance: number): void {
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

function grown(input: Tensor): Tensor {
  const leaf = input.detach();
  leaf.requiresGrad = true;
  return leaf;
}

/** A property over numbers of a seed, in a scope that must leave nothing behind. */
function property<Ts extends [unknown, ...unknown[]]>(
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

describe('affine', () => {
  test('equals matmul + bias', () => {
    property(
      [fc.array(side, { maxLength: 2 }), side, side, fc.boolean(), fc.boolean(), floating],
      (outer, inner, wide, biased, strided, dtype) => {
        const inputs = [random([...outer, inner], dtype, strided), random([inner, wide], dtype, strided)];
        if (biased) inputs.push(random([wide], dtype, strided));
        compare(affine as Kernel, affineReference as Kernel, inputs, tolerances[dtype] * 2);
      },
    );
  });

  test('float32 masters with bfloat16 activations: the product is bfloat16, the gradients float32', () => {
    scope(() => {
      manualSeed(3);
      const x = randn([5, 7]).to('bfloat16');
      const inputs = [x, randn([7, 9]), randn([9])];
      assert.equal(affine(x, inputs[1]!, inputs[2]).dtype, 'bfloat16');
      compare(affine as Kernel, affineReference as Kernel, inputs, tolerances.bfloat16);
    });
  });
});

describe('affineGelu and affineResidual', () => {
  const shapes = [fc.array(side, { maxLength: 2 }), side, side, fc.boolean(), floating] as const;
  /** Masters are float32 where activations are bfloat16. */
  const masters = (dtype: Floating): Floating => (dtype === 'bfloat16' ? 'float32' : dtype);

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

  test('residual + (x W + b), the residual and its result float32 or wider', () => {
    property([...shapes], (outer, inner, wide, strided, dtype) => {
      const inputs = [
        random([...outer, wide], masters(dtype), strided),
        random([...outer, inner], dtype, strided),
        random([inner, wide], masters(dtype), strided),
        random([wide], masters(dtype), false),
      ];
      const reference: Kernel = (residual, x, weight, bias) => residual!.add(affineReference(x!, weight!)).add(bias!);
      assert.equal(affineResidual(inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!).dtype, masters(dtype));
      compare(affineResidual as Kernel, reference, inputs, tolerances[dtype] * 2);
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

describe('biasGelu', () => {
  test('equals gelu_tanh(x + bias)', () => {
    property(
      [fc.array(length, { maxLength: 3 }), length, fc.boolean(), floating],
      (outer, channels, strided, dtype) => {
        const inputs = [random([...outer, channels], dtype, strided), random([channels], dtype, false)];
        compare(biasGelu as Kernel, biasGeluReference, inputs, tolerances[dtype]);
      },
    );
  });

  test('is exact far from zero, where the exponential would overflow', () => {
    scope(() => {
      const y = biasGelu(tensor([-1e4, -50, 50, 1e4]), zeros([4]));
      assertNear(y, tensor([0, 0, 50, 1e4]), 1e-30, 'result');
    });
  });
});

describe('addResidual', () => {
  test('equals residual + (x + bias), in the dtype of the residual', () => {
    property(
      [fc.array(length, { maxLength: 3 }), length, fc.boolean(), floating, floating],
      (outer, channels, strided, dtype, residual) => {
        const shape = [...outer, channels];
        const inputs = [
          random(shape, residual, strided),
          random(shape, dtype, !strided),
          random([channels], dtype, false),
        ];
        const coarser = Math.max(tolerances[dtype], tolerances[residual]);
        compare(addResidual as Kernel, addResidualReference, inputs, coarser);
        assert.equal(addResidual(inputs[0]!, inputs[1]!, inputs[2]!).dtype, residual);
      },
    );
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

describe('causalAttention', () => {
  test('equals masked softmax attention, with as many keys as queries or more', () => {
    property(
      [length, length, side, fc.integer({ min: 0, max: 40 }), side, fc.boolean(), floating],
      (batch, heads, queries, more, width, strided, dtype) => {
        const keys = queries + more;
        const inputs = [
          random([batch, heads, queries, width], dtype, strided),
          random([batch, heads, keys, width], dtype, strided),
          random([batch, heads, keys, width], dtype, !strided),
        ];
        compare(causalAttention as Kernel, causalAttentionReference, inputs, tolerances[dtype] * 2);
      },
    );
  });

  test('heads split from one projection, as models call it', () => {
    scope(() => {
      manualSeed(11);
      const [B, T, H, D] = [2, 33, 3, 5];
      const split = (projection: Tensor) =>
        projection.split([H * D, H * D, H * D], 2).map((part) => part.view(B, T, H, D).transpose(1, 2)) as [
          Tensor,
          Tensor,
          Tensor,
        ];
      compare(
        (projection) => causalAttention(...split(projection!)),
        (projection) => causalAttentionReference(...split(projection!)),
        [randn([B, T, 3 * H * D], { dtype: 'float64' })],
        tolerances.float64,
      );
    });
  });

  test('joint projections give what taking them apart gives', () => {
    property([length, side, length, side, floating], (batch, time, heads, width, dtype) => {
      const split = (joint: Tensor) => {
        const parts = joint.view(batch, time, 3, heads, width).permute(2, 0, 3, 1, 4);
        return [0, 1, 2].map((part) => parts.select(0, part)) as [Tensor, Tensor, Tensor];
      };
      compare(
        (joint) => selfAttention(joint!, heads),
        (joint) =>
          causalAttentionReference(...split(joint!))
            .transpose(1, 2)
            .reshape(batch, time, heads * width),
        [random([batch, time, 3 * heads * width], dtype, false)],
        tolerances[dtype] * 2,
      );
    });
  });

  test('a range of keys for each query: a prefix, packed documents, nothing at all', () => {
    property(
      [length, fc.integer({ min: 1, max: 70 }), length, side, floating, fc.nat(2)],
      (B, T, H, D, dtype, kind) => {
        const starts = BigInt64Array.from({ length: B * T }, (_, i) => BigInt(Math.floor((i % T) / 7) * 7));
        const range = [
          () => prefixRange(randint(0, T + 1, [B]), T),
          () => documentRange(tensor(starts, { shape: [B, T] })),
          () => ({ first: randint(0, T + 1, [B, T]), last: randint(0, T + 1, [B, T]) }),
        ][kind]!();
        const first = range.first ?? zeros([B, T], { dtype: 'int64' });
        const last =
          range.last ??
          arange(1, T + 1)
            .unsqueeze(0)
            .expand(B, T);
        const split = (joint: Tensor) => {
          const parts = joint.view(B, T, 3, H, D).permute(2, 0, 3, 1, 4);
          return [0, 1, 2].map((part) => parts.select(0, part)) as [Tensor, Tensor, Tensor];
        };
        compare(
          (joint) => selfAttention(joint!, H, range),
          (joint) =>
            rangeAttentionReference(...split(joint!), first, last)
              .transpose(1, 2)
              .reshape(B, T, H * D),
          [random([B, T, 3 * H * D], dtype, false)],
          tolerances[dtype] * 2,
        );
      },
    );
  });

  test('memory grows with the length, not with its square', () => {
    const peak = (T: number): number =>
      scope(() => {
        const joint = randn([1, T, 3 * 64]).to('bfloat16');
        joint.requiresGrad = true;
        const { allocatedBytes } = memory();
        resetPeakMemory();
        selfAttention(joint, 1).sum().backward();
        return memory().peakBytes - allocatedBytes;
      });
    peak(512);
    assert.ok(peak(4096) < 9 * peak(512)); // a matrix of scores would make it 64 times as much
  });

  test('no query sees a later key', () => {
    scope(() => {
      manualSeed(12);
      const [q, k, v] = [randn([1, 2, 9, 4]), randn([1, 2, 9, 4]), randn([1, 2, 9, 4])];
      const before = causalAttention(q, k, v).narrow(2, 0, 6).toArray();
      k.narrow(2, 6, 3).fill_(1e3);
      v.narrow(2, 6, 3).fill_(-1e6);
      assert.deepEqual(causalAttention(q, k, v).narrow(2, 0, 6).toArray(), before);
    });
  });

  test('scores of a thousand do not overflow', () => {
    scope(() => {
      const big = ones([1, 1, 5, 4]).mul(1e3);
      const y = causalAttention(big, big, ones([1, 1, 5, 4]));
      assert.ok(y.sub(1).abs().reshape(-1).max(0).values.item() < 1e-5);
    });
  });
});

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
    works(biasGelu as Kernel, [[0, 4], [4]], [0, 4]);
    works(addResidual as Kernel, [[0, 4], [0, 4], [4]], [0, 4]);
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
    survives(biasGelu as Kernel, [[3, 0], [0]], [3, 0]);
    survives(addResidual as Kernel, [[3, 0], [3, 0], [0]], [3, 0]);
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
      const expected = hidden.linear(weight).logSoftmax(1).gather(1, targets.unsqueeze(1)).squeeze(1).neg();
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
