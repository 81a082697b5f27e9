/** Attention against masked softmax attention: shapes, shared keys, ranges of keys, memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type AttentionRange,
  attention,
  documentRange,
  getThreads,
  manualSeed,
  memory,
  ones,
  prefixRange,
  randint,
  randn,
  resetPeakMemory,
  scope,
  selfAttention,
  setThreads,
  type Tensor,
  tensor,
} from './index.ts';
import {
  assertNear,
  compare,
  floating,
  grown,
  property,
  random,
  side,
  tolerances,
} from './testing/kernel-properties.ts';
import { attentionReference } from './testing/reference-kernels.ts';

const few = fc.integer({ min: 1, max: 3 });
/** Heads of queries for each head of keys, and heads of keys. */
const groups = fc.record({ group: few, kvHeads: few });

/** Queries, keys and values (B, T, H, D) of joint projections (B, T, 3 H D). */
function split(joint: Tensor, H: number): [Tensor, Tensor, Tensor] {
  const [B, T, width] = joint.shape as [number, number, number];
  const parts = joint.view(B, T, 3, H, width / 3 / H);
  return [parts.select(2, 0), parts.select(2, 1), parts.select(2, 2)];
}

/** One kind of range for T queries that are the last of S positions. */
function rangeOf(kind: number, B: number, T: number, S: number): AttentionRange {
  const starts = BigInt64Array.from({ length: B * T }, (_, i) => BigInt(Math.floor(((i % T) + S - T) / 7) * 7));
  const kinds = [
    () => ({}),
    () => prefixRange(randint(0, T + 1, [B]), T),
    () => documentRange(tensor(starts, { shape: [B, T] })),
    () => ({ first: randint(0, S + 1, [B, T]), last: randint(0, S + 1, [B, T]) }),
  ];
  return kinds[kind]!();
}

describe('attention', () => {
  test('equals masked softmax attention: heads alone and in groups, as many keys as queries or more, every range', () => {
    const sizes = [few, groups, side, fc.integer({ min: 0, max: 40 }), side] as const;
    property(
      [...sizes, fc.boolean(), floating, fc.nat(3)],
      (batch, { group, kvHeads }, queries, more, width, strided, dtype, kind) => {
        const keys = queries + more;
        const inputs = [
          random([batch, queries, group * kvHeads, width], dtype, strided),
          random([batch, keys, kvHeads, width], dtype, strided),
          random([batch, keys, kvHeads, width], dtype, !strided),
        ];
        const range = rangeOf(kind, batch, queries, keys);
        compare(
          (q, k, v) => attention(q!, k!, v!, range),
          (q, k, v) => attentionReference(q!, k!, v!, range),
          inputs,
          tolerances[dtype] * 2,
        );
      },
    );
  });

  test('views of one projection and of a cache are read where they lie', () => {
    scope(() => {
      manualSeed(11);
      const [B, T, H, Hkv, D] = [2, 33, 6, 2, 5];
      const parts = (projection: Tensor) =>
        projection.split([H * D, Hkv * D, Hkv * D], 2).map((part) => part.view(B, T, -1, D)) as [
          Tensor,
          Tensor,
          Tensor,
        ];
      const apart = ([q, k, v]: [Tensor, Tensor, Tensor]) => [q, k.contiguous(), v.contiguous()] as const;
      compare(
        (projection) => attention(...parts(projection!)),
        (projection) => attentionReference(...parts(projection!)),
        [randn([B, T, (H + 2 * Hkv) * D], { dtype: 'float64' })],
        tolerances.float64,
      );
      const cache = randn([B, Hkv, 50, D]).narrow(2, 0, 40).transpose(1, 2); // as key-value caches lie
      for (const queries of [1, 33]) {
        const q = randn([B, queries, H, D]);
        assertNear(attention(q, cache, cache), attention(...apart([q, cache, cache])), 0, `${queries} queries`);
      }
    });
  });

  test('the gradients of shared keys are the same bits with any number of threads', () => {
    scope(() => {
      manualSeed(13);
      const inputs = [randn([2, 40, 6, 8]), randn([2, 40, 2, 8]), randn([2, 40, 2, 8])];
      const before = getThreads();
      const gradients = [1, 2, 3].map((threads) => {
        setThreads(threads);
        const own = inputs.map((input) => grown(input));
        attention(own[0]!, own[1]!, own[2]!).sum().backward();
        return own.map(({ grad }) => grad!.toArray());
      });
      setThreads(before);
      assert.deepEqual(gradients[1], gradients[0]);
      assert.deepEqual(gradients[2], gradients[0]);
    });
  });

  test('joint projections give what taking them apart gives', () => {
    property([few, side, few, side, floating, fc.nat(3)], (B, T, H, D, dtype, kind) => {
      const range = rangeOf(kind, B, T, T);
      compare(
        (joint) => selfAttention(joint!, H, range),
        (joint) => attentionReference(...split(joint!, H), range).reshape(B, T, H * D),
        [random([B, T, 3 * H * D], dtype, false)],
        tolerances[dtype] * 2,
      );
    });
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
      const [q, k, v] = [randn([1, 9, 4, 4]), randn([1, 9, 2, 4]), randn([1, 9, 2, 4])];
      const before = attention(q, k, v).narrow(1, 0, 6).toArray();
      k.narrow(1, 6, 3).fill_(1e3);
      v.narrow(1, 6, 3).fill_(-1e6);
      assert.deepEqual(attention(q, k, v).narrow(1, 0, 6).toArray(), before);
    });
  });

  test('scores of a thousand do not overflow', () => {
    scope(() => {
      const big = ones([1, 5, 1, 4]).mul(1e3);
      const y = attention(big, big, ones([1, 5, 1, 4]));
      assert.ok(y.sub(1).abs().reshape(-1).max(0).values.item() < 1e-5);
    });
  });
});
