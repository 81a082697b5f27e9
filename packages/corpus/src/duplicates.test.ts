import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstCopies, nearDuplicates } from './duplicates.ts';
import { BandHasher, contentDigest, contentUnits, jaccard, mix, shingles } from './shingles.ts';

const BANDS = 25;
const ROWS = 4;

function cluster(texts: string[], similarity: number, ngram = 2) {
  const sets = texts.map((text) => shingles(contentUnits(text), ngram));
  const hasher = new BandHasher(BANDS, ROWS);
  const keys = new Uint32Array(BANDS * texts.length);
  for (const [i, set] of sets.entries()) hasher.hash(set, keys, BANDS * i);
  return nearDuplicates({
    keys, bands: BANDS, similarity, isKept: () => true, shinglesOf: (i) => sets[i]!, onBand: () => {},
  }); // biome-ignore format: short
}

/** Seeded verses of `length` characters out of `alphabet` ideographs. */
function verses(count: number, length: number, alphabet: number, seed: number): string[] {
  let state = seed;
  const next = () => (state = mix(state + 0x9e3779b9));
  return Array.from({ length: count }, () =>
    Array.from({ length }, () => String.fromCharCode(0x4e00 + (next() % alphabet))).join(''),
  );
}

test('content ignores punctuation, spaces and line breaks, and keeps 〇 and letters', () => {
  const content = (text: string) => String.fromCharCode(...contentUnits(text));
  assert.equal(content('春眠，不觉晓。\n（处处）“闻”啼鸟！…—《诗》 一〇a１'), '春眠不觉晓处处闻啼鸟诗一〇a１');
  assert.deepEqual(contentDigest(contentUnits('春，眠')), contentDigest(contentUnits('春\n眠。')));
  assert.notDeepEqual(contentDigest(contentUnits('春眠')), contentDigest(contentUnits('眠春')));
});

test('shingles are the set of n-grams, ascending; Jaccard is that of the sets', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'山水云月'), maxLength: 30 }),
      fc.string({ unit: fc.constantFrom(...'山水云月'), maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      (a, b, n) => {
        const grams = (s: string) =>
          new Set(
            s.length === 0
              ? []
              : s.length <= n
                ? [s]
                : Array.from({ length: s.length - n + 1 }, (_, i) => s.slice(i, i + n)),
          );
        const [x, y] = [shingles(contentUnits(a), n), shingles(contentUnits(b), n)];
        assert.equal(x.length, grams(a).size);
        assert.deepEqual(
          [...x],
          [...x].sort((p, q) => p - q),
        );
        const both = [...grams(a)].filter((g) => grams(b).has(g)).length;
        const union = grams(a).size + grams(b).size - both;
        if (Math.min(a.length, b.length) >= n) assert.equal(jaccard(x, y), union === 0 ? 0 : both / union);
      },
    ),
  );
});

test('the first of equal digests is kept', () => {
  const digests = ['甲', '乙', '甲', '丙', '乙', '甲'].flatMap((text) => [...contentDigest(contentUnits(text))]);
  assert.deepEqual([...firstCopies(Uint32Array.from(digests))], [0, 1, 0, 3, 1, 0]);
});

test('near duplicates: a verse with one or two characters changed joins its first, others do not', () => {
  const originals = verses(200, 28, 3000, 5);
  const edited = originals.map((text, i) => `${text.slice(0, 5 + (i % 20))}某${text.slice(6 + (i % 20))}`);
  const { cluster: found } = cluster([...originals, ...edited], 0.5);
  assert.deepEqual([...found], [...originals.keys(), ...originals.keys()]);
});

test('near duplicates are chained into one component, and only pairs above the threshold join', () => {
  const [text] = verses(1, 40, 3000, 9) as [string];
  const step = (n: number) => `${'某'.repeat(n)}${text.slice(n)}`;
  assert.ok(jaccard(shingles(contentUnits(step(0)), 2), shingles(contentUnits(step(20)), 2)) < 0.5);
  assert.deepEqual([...cluster([step(0), step(7), step(14), step(20)], 0.5).cluster], [0, 0, 0, 0]);
  assert.deepEqual([...cluster([step(0), step(20)], 0.5).cluster], [0, 1]);
});

test('near duplicates agree with comparing every pair (recall of the bands at Jaccard 0.7 and more)', () => {
  const texts = verses(60, 24, 2000, 3).flatMap((text, i) => [
    text,
    `${text.slice(0, 2 + (i % 20))}${text.slice(3 + (i % 20))}`,
  ]);
  const { cluster: found } = cluster(texts, 0.7);
  const sets = texts.map((text) => shingles(contentUnits(text), 2));
  let pairs = 0;
  for (let a = 0; a < texts.length; a++) {
    for (let b = a + 1; b < texts.length; b++) {
      if (jaccard(sets[a]!, sets[b]!) < 0.7) continue;
      pairs++;
      assert.equal(found[a], found[b], `${texts[a]} ${texts[b]}`);
    }
  }
  assert.ok(pairs >= 60);
});

test('documents that are not kept take no part', () => {
  const sets = ['春眠不觉晓处处', '春眠不觉晓处处'].map((text) => shingles(contentUnits(text), 2));
  const { cluster: found } = nearDuplicates({
    keys: new Uint32Array(2), bands: 1, similarity: 0.5, isKept: (i) => i === 1, shinglesOf: (i) => sets[i]!, onBand: () => {},
  }); // biome-ignore format: short
  assert.deepEqual([...found], [-1, 1]);
});
