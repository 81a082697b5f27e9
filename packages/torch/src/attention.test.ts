/** Causal attention against masked softmax attention: shapes, ranges of keys, memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  arange,
  causalAttention,
  documentRange,
  manualSeed,
  memory,
  ones,
  prefixRange,
  randint,
  randn,
  resetPeakMemory,
  scope,
  selfAttention,
  type Tensor,
  tensor,
  zeros,
} from './index.ts';
import {
  compare,
  floating,
  type Kernel,
  length,
  property,
  random,
  side,
  tolerances,
} from './testing/kernel-properties.ts';
import { causalAttentionReference, rangeAttentionReference } from './testing/reference-kernels.ts';

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
