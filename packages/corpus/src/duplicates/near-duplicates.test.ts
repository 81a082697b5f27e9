import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bestCopies } from './best-copies.ts';
import { firstCopies } from './exact-duplicates.ts';
import { jaccard, similarEnough } from './jaccard.ts';
import { nearDuplicates, WINDOW } from './near-duplicates.ts';
import { BandHasher, contentDigest, contentUnits, mix, shingles } from './shingles.ts';

const BANDS = 25;
const ROWS = 4;

function clusterSets(sets: Uint32Array[], similarity: number, { memory = 2 ** 30, keys = keysOf(sets) } = {}) {
  return nearDuplicates({
    documents: sets.length,
    bands: BANDS,
    similarity,
    takesPart: () => true,
    // In pieces of 7, as a file hands them out.
    readBand: (band, take) => {
      for (let first = 0; first < sets.length; first += 7) {
        take(first, keys.subarray(band * sets.length + first, band * sets.length + Math.min(sets.length, first + 7)));
      }
    },
    setSize: (i) => sets[i]!.length,
    shinglesOf: (i) => sets[i]!,
    memory,
    onBand: () => {},
  });
}

/** Band after band, the keys of all documents. */
function keysOf(sets: Uint32Array[]): Uint32Array {
  const hasher = new BandHasher(BANDS, ROWS);
  const keys = new Uint32Array(BANDS * sets.length);
  const row = new Uint32Array(BANDS);
  for (const [i, set] of sets.entries()) {
    hasher.hash(set, row, 0);
    for (let band = 0; band < BANDS; band++) keys[band * sets.length + i] = row[band]!;
  }
  return keys;
}

const setsOf = (texts: string[], ngram = 2) => texts.map((text) => shingles(contentUnits(text), ngram));
const cluster = (texts: string[], similarity: number) => clusterSets(setsOf(texts), similarity);

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

const verse = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'山水云月'), maxLength });

test('shingles are the set of n-grams, ascending; Jaccard is that of the sets', () => {
  fc.assert(
    fc.property(verse(40), verse(40), fc.integer({ min: 1, max: 13 }), (a, b, n) => {
      const grams = (s: string) => {
        if (s.length === 0) return new Set<string>();
        return s.length <= n
          ? new Set([s])
          : new Set(Array.from({ length: s.length - n + 1 }, (_, i) => s.slice(i, i + n)));
      };
      const [x, y] = setsOf([a, b], n) as [Uint32Array, Uint32Array];
      assert.equal(x.length, grams(a).size);
      assert.deepEqual([...x], x.toSorted() && [...x].sort((p, q) => p - q));
      const both = [...grams(a)].filter((g) => grams(b).has(g)).length;
      const union = grams(a).size + grams(b).size - both;
      if (Math.min(a.length, b.length) >= n) assert.equal(jaccard(x, y), union === 0 ? 0 : both / union);
    }),
  );
});

test('the early end of a comparison never changes its answer', () => {
  const set = fc
    .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
    .map((list) => Uint32Array.from(list.sort((a, b) => a - b)));
  fc.assert(
    fc.property(set, set, fc.double({ min: 0.01, max: 1, noNaN: true }), (a, b, similarity) => {
      assert.equal(similarEnough(a, b, similarity), jaccard(a, b) >= similarity);
      const exact = jaccard(a, b);
      if (exact > 0) assert.equal(similarEnough(a, b, exact), true);
    }),
    { numRuns: 500 },
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
  const [a, b] = setsOf([step(0), step(20)]) as [Uint32Array, Uint32Array];
  assert.ok(jaccard(a, b) < 0.5);
  assert.deepEqual([...cluster([step(0), step(7), step(14), step(20)], 0.5).cluster], [0, 0, 0, 0]);
  assert.deepEqual([...cluster([step(0), step(20)], 0.5).cluster], [0, 1]);
});

test('near duplicates agree with comparing every pair (recall of the bands at Jaccard 0.7 and more)', () => {
  const texts = verses(60, 24, 2000, 3).flatMap((text, i) => [
    text,
    `${text.slice(0, 2 + (i % 20))}${text.slice(3 + (i % 20))}`,
  ]);
  const { cluster: found } = cluster(texts, 0.7);
  const sets = setsOf(texts);
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

test('memory for one table row or for all of them: the same clusters', () => {
  const originals = verses(300, 28, 1200, 11);
  const sets = setsOf([...originals, ...originals.map((text, i) => `${text.slice(0, i % 28)}某${text.slice(i % 28)}`)]);
  const whole = clusterSets(sets, 0.6);
  for (const memory of [2 ** 13, 300]) assert.deepEqual(clusterSets(sets, 0.6, { memory }).cluster, whole.cluster);
  assert.ok(new Set(whole.cluster).size < 310);
});

test('many documents under one key: compared within the window alone, and still one cluster where they are alike', () => {
  const count = 3 * WINDOW;
  const [text] = verses(1, 60, 3000, 2) as [string];
  const alike = setsOf(Array.from({ length: count }, (_, i) => `${text}${String.fromCharCode(0x5000 + i)}`));
  const keys = new Uint32Array(BANDS * count).fill(7);
  const one = clusterSets(alike, 0.8, { keys });
  assert.deepEqual(new Set(one.cluster), new Set([0]));
  assert.equal(one.comparisons, count - 1);
  const unlike = setsOf(verses(count, 30, 5000, 4));
  const many = clusterSets(unlike, 0.8, { keys });
  assert.equal(new Set(many.cluster).size, count);
  const compared = count * WINDOW - (WINDOW * (WINDOW + 1)) / 2;
  assert.ok(many.comparisons <= compared, `${many.comparisons} comparisons`);
});

test('documents that take no part do not join', () => {
  const sets = setsOf(['春眠不觉晓处处', '春眠不觉晓处处']);
  const { cluster: found } = nearDuplicates({
    documents: 2,
    bands: 1,
    similarity: 0.5,
    takesPart: (i) => i === 1,
    readBand: (_, take) => take(0, new Uint32Array(2)),
    setSize: (i) => sets[i]!.length,
    shinglesOf: (i) => sets[i]!,
    memory: 2 ** 20,
    onBand: () => {},
  });
  assert.deepEqual([...found], [-1, 1]);
});

const all = (kept: Int32Array) => new Uint8Array(kept.length).fill(1);

test('of a cluster the best is kept: quality, then length, then order; what the corpus has already stays', async () => {
  const clusters = Int32Array.of(0, 0, 2, 0, -1, 2, 2);
  const rank = {
    quality: Uint32Array.of(0, 9, 5, 9, 0, 5, 5),
    content: Uint32Array.of(80, 70, 10, 71, 0, 30, 30),
  };
  assert.deepEqual([...(await bestCopies(clusters, 'best', rank, 0, all))], [3, 3, 5, 3, -1, 5, 5]);
  assert.deepEqual([...(await bestCopies(clusters, 'first', rank, 0, all))], [0, 0, 2, 0, -1, 2, 2]);
  assert.deepEqual(
    [...(await bestCopies(clusters, 'best', rank, 3, all))],
    [0, 1, 2, 0, -1, 2, 2],
    'new 3, 5 and 6 replace nothing, and 1 stands there already',
  );
});

test('a chain of documents, each alike to its neighbours, keeps one of each kind, and not one of all', async () => {
  // Windows of a long text, a fifth of it further each time: neighbours are alike, those further apart are not.
  const long = verses(1, 4000, 3000, 7)[0]!;
  const sets = setsOf(Array.from({ length: 60 }, (_, n) => long.slice(40 * n, 40 * n + 400)));
  const { cluster: found } = clusterSets(sets, 0.8);
  assert.deepEqual(new Set(found), new Set([0]), 'one cluster');
  const rank = { quality: new Uint32Array(60), content: new Uint32Array(60) };
  const alike = (kept: Int32Array, others: Int32Array) =>
    Uint8Array.from(kept, (one, i) => (jaccard(sets[one]!, sets[others[i]!]!) >= 0.8 ? 1 : 0));
  const copies = await bestCopies(found, 'best', rank, 0, alike);
  for (const [i, copy] of copies.entries()) assert.ok(i === copy || jaccard(sets[i]!, sets[copy]!) >= 0.8, `${i}`);
  const kept = copies.filter((copy, i) => copy === i);
  assert.ok(kept.length >= 30 && kept.length < 60, `${kept.length} are kept`);
  assert.equal(copies[59], 59, 'beyond the rounds all are kept');
  assert.deepEqual([...copies.subarray(0, 4)], [0, 0, 2, 2]);
});
