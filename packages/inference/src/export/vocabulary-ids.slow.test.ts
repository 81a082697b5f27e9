// Ten thousand texts more than vocabulary-ids.test.ts tries, another ten thousand each time.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { splits, texts, vocabularyPair } from './testing/vocabulary-pairs.ts';

for (const split of splits) {
  test(`llama.cpp makes the same ids of 10 000 texts, ${split}`, async (t) => {
    const { ours, theirs } = await vocabularyPair(t, split);
    fc.assert(
      fc.property(texts, fc.boolean(), (text, specials) => {
        assert.deepEqual(theirs.encode(text, { specials }), ours.encode(text, { specials }));
      }),
      { numRuns: 10_000 },
    );
  });
}
