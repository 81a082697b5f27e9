/**
 * Exact duplicates over a whole corpus: equal 128-bit digests of the content; the first in recipe order is kept.
 * Memory: 16 bytes a document for the digests, up to 16 more for the table while it is needed.
 */

import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { corpusStage } from '../stage.ts';

const schema = z
  .strictObject({ use: z.literal('exact-duplicates') })
  .describe(inBoth('Of equal texts the first is kept.', '相同的文本只留第一篇。'));

/** For each document the index of the first one with the same digest (its own where it is the first). */
export function firstCopies(digests: Uint32Array): Int32Array {
  const count = digests.length / 4;
  const first = new Int32Array(count);
  const table = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, count * 1.5)))).fill(-1);
  const mask = table.length - 1;
  for (let i = 0; i < count; i++) {
    let slot = digests[4 * i]! & mask;
    while (table[slot]! >= 0 && !sameDigest(digests, table[slot]!, i)) slot = (slot + 1) & mask;
    if (table[slot]! < 0) table[slot] = i;
    first[i] = table[slot]!;
  }
  return first;
}

function sameDigest(digests: Uint32Array, a: number, b: number): boolean {
  for (let k = 0; k < 4; k++) if (digests[4 * a + k] !== digests[4 * b + k]) return false;
  return true;
}

export const exactDuplicatesStage = corpusStage({
  label: { zh: '完全重复', en: 'Exact duplicates' },
  names: {
    duplicate: { zh: '重复', en: 'duplicate' },
  },
  schema,
});
