import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { splits, texts, vocabularyPair } from './testing/vocabulary-pairs.ts';

for (const split of splits) {
  test(`llama.cpp makes the same ids of any text, ${split}`, async (t) => {
    const { ours, theirs } = await vocabularyPair(t, split);
    fc.assert(
      fc.property(texts, fc.boolean(), (text, specials) => {
        assert.deepEqual(theirs.encode(text, { specials }), ours.encode(text, { specials }));
      }),
      { numRuns: 200 },
    );
  });
}
