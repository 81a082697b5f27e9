import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { follow, MALFORMED, unfinishedEnd, WHOLE } from './utf8.ts';

/** Bytes that stand at the edges of the ranges of UTF-8. */
const edge = fc.constantFrom(
  ...[0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef],
  ...[0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
);

test('whole is what Node takes for UTF-8, in any pieces', () => {
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 6 }), fc.nat(6), (bytes, cut) => {
      const all = Uint8Array.from(bytes);
      const first = follow(WHOLE, all.subarray(0, cut));
      const state = first === MALFORMED ? MALFORMED : follow(first, all.subarray(cut));
      assert.equal(state === WHOLE, isUtf8(all));
      assert.equal(state, follow(WHOLE, all));
    }),
    { numRuns: 5000 },
  );
});

test('the unfinished end is what a decoder holds back', () => {
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 6 }), (bytes) => {
      const all = Uint8Array.from(bytes);
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      const shown = decoder.decode(all, { stream: true });
      const held = decoder.decode() !== '';
      const end = unfinishedEnd(all);
      assert.equal(end.length > 0, held);
      const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(all.subarray(0, all.length - end.length));
      assert.equal(before, shown);
    }),
    { numRuns: 5000 },
  );
});
