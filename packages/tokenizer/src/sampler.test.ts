import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createPreTokenizer, preTokenizerNames } from './pre-tokenizers.ts';
import { TextSampler } from './sampler.ts';

const sample = (texts: readonly string[], budget: number, seed = 1): string[] => {
  const sampler = new TextSampler(budget, seed);
  for (const text of texts) sampler.add(text);
  return [...sampler.drain()].sort();
};

test('a sample does not depend on the order, stays in its budget and is everything where all fits', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), fc.integer(), (texts, seed) => {
      const bytes = Buffer.byteLength(texts.join(''));
      assert.deepEqual(sample(texts, bytes, seed), texts.toSorted());
      const half = sample(texts, bytes / 2, seed);
      assert.ok(Buffer.byteLength(half.join('')) <= bytes / 2);
      assert.deepEqual(sample(texts.toReversed(), bytes / 2, seed), half);
    }),
  );
});

test('a sample is drawn evenly', () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(5, '0'));
  const kept = sample(texts, 50_000);
  assert.equal(kept.length, 10_000);
  const low = kept.filter((text) => text < '10000').length;
  assert.ok(low > 4_800 && low < 5_200, `${low} of 10000 from the first half`);
});

test('cutting a long text changes no word of any split', () => {
  const lines = ['床前明月光。\n', 'It is\n', '12\n', '\n', ' \n', '…\r\n', '\t  x \n', '。\n\n', '"\n', "'s\n"];
  const line = fc.integer({ min: 0, max: lines.length - 1 });
  fc.assert(
    fc.property(fc.array(line, { minLength: 30_000, maxLength: 40_000, size: 'max' }), (numbers) => {
      const text = numbers.map((number) => lines[number]!).join('');
      const sampler = new TextSampler(1e9, 1);
      sampler.add(text);
      const pieces = [...sampler.drain()];
      assert.ok(pieces.length > 1);
      for (const name of preTokenizerNames) {
        const { split } = createPreTokenizer(name);
        const words = (part: string): string[] => {
          const found: string[] = [];
          split(part, (start, end) => found.push(part.slice(start, end)));
          return found;
        };
        assert.deepEqual(pieces.flatMap(words).sort(), words(text).sort());
      }
    }),
    { numRuns: 5, endOnFailure: true },
  );
});
