// attendCached against attention() over the same keys, and tables that point at nothing. With caches: packages/model/src/forward.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  attendCached,
  attention,
  CACHE_POSITIONS,
  cacheRowWidth,
  cat,
  manualSeed,
  rand,
  scope,
  setThreads,
  type Tensor,
  tensor,
  zeros,
} from './index.ts';

setThreads(1);

const int32 = (list: number[], columns: number) =>
  tensor(Int32Array.from(list), { shape: [list.length / columns, columns] });

describe('attendCached', () => {
  test('two sequences in blocks out of order, step by step, widths and groups of all kinds', () => {
    for (const [H, Hkv, D] of [
      [1, 1, 1],
      [4, 4, 8],
      [6, 2, 20],
      [32, 1, 64],
    ] as const) {
      scope(() => {
        manualSeed(1);
        const slabs = [zeros([3, 2, 2, Hkv, CACHE_POSITIONS, cacheRowWidth(D)])];
        const blocks = int32([0, 2, 0, 0, 0, 1], 2); // the first sequence has two
        const seen: (readonly [Tensor, Tensor])[][] = [[], []];
        let lengths = [0, 0];
        for (const counts of [
          [30, 3],
          [1, 1],
          [7, 2],
        ]) {
          const rows = counts[0]! + counts[1]!;
          const [q, k, v] = [rand([rows, H, D]).mul(3), rand([rows, Hkv, D]).mul(3), rand([rows, Hkv, D])];
          const segments = int32([counts[0]!, lengths[0]!, 0, 0, counts[1]!, lengths[1]!, 2, 0], 4);
          const out = attendCached(q, k, v, { slabs, segments, blocks }, 1);
          let start = 0;
          counts.forEach((count, i) => {
            const own = (x: Tensor) => x.narrow(0, start, count).unsqueeze(0);
            seen[i]!.push([own(k), own(v)]);
            const [keys, values] = [0, 1].map((part) =>
              cat(
                seen[i]!.map((pair) => pair[part]!),
                1,
              ),
            );
            const expected = attention(own(q), keys!, values!)
              .reshape(count, H * D)
              .toArray();
            out
              .narrow(0, start, count)
              .toArray()
              .forEach((value, at) => {
                assert.ok(Math.abs(Number(value) - Number(expected[at])) < 1e-5);
              });
            start += count;
          });
          lengths = lengths.map((length, i) => length + counts[i]!);
        }
      });
    }
  });

  test('tables and slabs that do not fit are refused, and nothing is read', () => {
    scope(() => {
      const slabs = [zeros([2, 1, 2, 2, CACHE_POSITIONS, 16])];
      const heads = (rows: number, width = 8) => rand([rows, 2, width]);
      const call = (segments: number[], blocks: number[], layer = 0, width = 8) => {
        const [q, k, v] = [heads(3, width), heads(3, width), heads(3, width)];
        return attendCached(q, k, v, { slabs, segments: int32(segments, 4), blocks: int32(blocks, 2) }, layer);
      };
      assert.deepEqual(call([3, 0, 0, 0], [0, 1]).shape, [3, 16]);
      assert.throws(() => call([3, 0, 0, 0], [0, 2]), /no block 2 in slab 0/);
      assert.throws(() => call([3, 0, 0, 0], [1, 0]), /no block 0 in slab 1/);
      assert.throws(() => call([3, 30, 0, 0], [0, 1]), /no blocks for them/);
      assert.throws(() => call([3, -1, 0, 0], [0, 1]), /no blocks for them/);
      assert.throws(() => call([3, 0, 1, 0], [0, 1]), /no blocks for them/);
      assert.throws(() => call([2, 0, 0, 0], [0, 1]), /do not fit 3/);
      assert.throws(() => call([3, 0, 0, 0], [0, 1], 1), /no layer 1/);
      assert.throws(() => call([3, 0, 0, 0], [0, 1], 0, 20), /expects slabs/);
    });
  });
});
