import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cat,
  documentRange,
  manualSeed,
  prefixRange,
  rand,
  scope,
  selfAttention,
  setThreads,
  stack,
  type Tensor,
  tensor,
} from '@tunan/torch';
import { attendSequences } from './attend.ts';

setThreads(1);

/** Heads (B, T, …) side by side, and the same apart. */
function drawnHeads(batch: number, time: number, heads: number, width: number) {
  manualSeed(1);
  const joint = rand([batch, time, 3 * heads * width]);
  joint.requiresGrad = true;
  const headed = joint.view(batch, time, 3, heads, width);
  const [queries, keys, values] = [0, 1, 2].map((part) => headed.select(2, part));
  return { joint, queries: queries!, keys: keys!, values: values! };
}

test('joint heads and heads apart give the same, forward and backward', () => {
  scope(() => {
    const { joint, ...apart } = drawnHeads(2, 9, 3, 8);
    const weights = rand([2, 9, 24]);
    const [fused, plain] = [{ ...apart, joint }, apart].map((heads) => {
      joint.grad = undefined;
      const mixed = attendSequences(heads);
      mixed.mul(weights).sum().backward();
      return [mixed.detach().toArray(), joint.grad!.toArray()] as const;
    });
    for (const side of [0, 1] as const) {
      assert.equal(fused![side].length, plain![side].length);
      fused![side].forEach((value, i) => {
        assert.ok(Math.abs(Number(value) - Number(plain![side][i])) < 1e-6);
      });
    }
  });
});

test('heads that share keys and values mix as if each had its own, causal, within documents and behind a prefix', () => {
  scope(() => {
    manualSeed(4);
    const [time, heads, kvHeads, width] = [9, 6, 2, 8];
    const drawn = (count: number) => {
      const made = rand([2, time, count, width]);
      made.requiresGrad = true;
      return made;
    };
    const [queries, keys, values] = [drawn(heads), drawn(kvHeads), drawn(kvHeads)];
    const spread = (shared: Tensor) =>
      stack(
        Array.from({ length: heads }, (_, head) => shared.select(2, Math.floor((head * kvHeads) / heads))),
        2,
      );
    const weights = rand([2, time, heads * width]);
    const ranges = {
      causal: undefined,
      documents: documentRange(tensor([Array(time).fill(0), [0, 0, 2, 2, 2, 5, 5, 5, 5]], { dtype: 'int64' })),
      prefix: prefixRange(tensor([4, 7], { dtype: 'int64' }), time),
    };
    for (const [name, range] of Object.entries(ranges)) {
      const results = [
        () => attendSequences({ queries, keys, values }, range),
        () => {
          const flat = (x: Tensor) => x.reshape(2, time, heads * width);
          return selfAttention(cat([flat(queries), flat(spread(keys)), flat(spread(values))], -1), heads, range);
        },
      ].map((mix) => {
        for (const each of [queries, keys, values]) each.grad = undefined;
        const mixed = mix();
        mixed.mul(weights).sum().backward();
        return [mixed.detach(), queries.grad!, keys.grad!, values.grad!].map((x) => Array.from(x.toArray(), Number));
      });
      results[0]!.flat().forEach((value, i) => {
        assert.ok(Math.abs(value - results[1]!.flat()[i]!) < 1e-5, name);
      });
    }
  });
});
