/**
 * Near duplicates over a whole corpus (MinHash with banding: Broder 1997; Leskovec, Rajaraman, Ullman, ch. 3). Documents
 * that share a band key are candidates, the exact Jaccard similarity of their shingle sets decides, and connected
 * components are the clusters. The result is a property of the documents and their order alone: neither the number of
 * workers nor the memory changes it.
 *
 * Memory: 4 bytes a document for the components; besides, one band at a time, 24 bytes a document in as many parts as the
 * budget asks for, each part holding the keys of one residue. Band keys and shingle sets stay on disk.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { corpusStage } from '../stage.ts';
import { find, join, roots, singletons } from './components.ts';
import { similarEnough } from './jaccard.ts';
import { mix } from './shingles.ts';

const schema = z
  .strictObject({
    use: z.literal('near-duplicates'),
    ngram: z.int().min(1).max(32).default(5).describe(inBoth('Characters in a shingle.', '片段的字数。')),
    bands: z.int().min(1).max(256).default(24).describe(inBoth('Bands of MinHash values.', 'MinHash 的段数。')),
    rows: z.int().min(1).max(64).default(6).describe(inBoth('Values in a band.', '每段的值数。')),
    similarity: z
      .number()
      .gt(0)
      .max(1)
      .default(0.8)
      .describe(
        inBoth(
          'Two documents are near duplicates when the Jaccard similarity of their shingle sets is at least this.',
          '两篇文档片段集合的 Jaccard 相似度达到此值即为近似重复。',
        ),
      ),
    keep: z
      .enum(['best', 'first'])
      .optional()
      .describe(
        inBoth(
          'What is kept of near duplicates: `best` by quality, then length, then order; `first` in order. Absent: all are kept, and stand on one side of the split.',
          '近似重复保留哪篇：`best` 依次比质量、长度、次序；`first` 取最先的。缺省时全部保留，并划在同一侧。',
        ),
      ),
  })
  .describe(inBoth('Documents that are nearly equal.', '近似重复的文档。'));

/**
 * Of documents that share a band key, each is compared with at most so many before it, the nearest in order. Pairs
 * further apart are joined through those between them or by another band; without a bound, ten thousand pages of one form
 * would cost fifty million comparisons.
 */
export const WINDOW = 256;

export type NearStageOptions = z.infer<typeof schema>;

export interface NearDuplicates {
  /** For each document the smallest index in its cluster; -1 for documents that take no part. */
  cluster: Int32Array;
  comparisons: number;
}

export interface NearOptions {
  documents: number;
  bands: number;
  /** Least Jaccard similarity of two documents that belong together. */
  similarity: number;
  takesPart: (document: number) => boolean;
  /** Hands out the keys of one band in pieces, documents ascending. */
  readBand: (band: number, take: (first: number, keys: Uint32Array) => void) => void;
  setSize: (document: number) => number;
  /** The ascending shingle set of a document. */
  shinglesOf: (document: number) => Uint32Array;
  /** Bytes for the tables of one band. */
  memory: number;
  onBand: (done: number) => void;
}

/** Clusters the documents that take part. */
export function nearDuplicates(options: NearOptions): NearDuplicates {
  const { documents, bands, takesPart, onBand } = options;
  const parent = singletons(documents, takesPart);
  let present = 0;
  for (let i = 0; i < documents; i++) if (parent[i]! >= 0) present++;
  const parts = Math.max(1, Math.ceil((present * BYTES_A_ROW) / options.memory));
  const table = new BandTable(Math.ceil((present / parts) * 1.1) + 64);
  const comparer = new Comparer(options, parent);
  for (let band = 0; band < bands; band++) {
    for (let part = 0; part < parts; part++) {
      table.clear();
      options.readBand(band, (first, keys) => {
        for (let k = 0; k < keys.length; k++) {
          const key = keys[k]!;
          // Another mixing than that of the slots, so that a part fills all of them.
          if (parent[first + k]! < 0 || (parts > 1 && mix(key ^ 0x5bd1e995) % parts !== part)) continue;
          table.add(first + k, key, comparer);
        }
      });
    }
    onBand(band + 1);
  }
  return { cluster: roots(parent), comparisons: comparer.comparisons };
}

/** Of a BandTable: document, key, chain, and up to three slots for each row. */
const BYTES_A_ROW = 24;

/** The documents of one band, chained by key, the latest first. Grows where keys are unevenly spread. */
class BandTable {
  #document: Int32Array;
  #key: Uint32Array;
  #next: Int32Array;
  #head: Int32Array;
  #rows = 0;

  constructor(rows: number) {
    this.#document = new Int32Array(rows);
    this.#key = new Uint32Array(rows);
    this.#next = new Int32Array(rows);
    this.#head = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, rows * 1.5))));
    this.clear();
  }

  clear(): void {
    this.#rows = 0;
    this.#head.fill(-1);
  }

  /** Compares a document with those before it that have its key, then appends it. */
  add(document: number, key: number, comparer: Comparer): void {
    if (this.#rows === this.#document.length) this.#grow();
    const slot = mix(key) & (this.#head.length - 1);
    let left = WINDOW;
    for (let row = this.#head[slot]!; row >= 0 && left > 0; row = this.#next[row]!) {
      if (this.#key[row] !== key) continue;
      comparer.compare(this.#document[row]!, document);
      left--;
    }
    const row = this.#rows++;
    this.#document[row] = document;
    this.#key[row] = key;
    this.#next[row] = this.#head[slot]!;
    this.#head[slot] = row;
  }

  #grow(): void {
    const longer = <T extends Int32Array | Uint32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    const size = Math.ceil(this.#document.length * 1.5);
    this.#document = longer(this.#document, new Int32Array(size));
    this.#key = longer(this.#key, new Uint32Array(size));
    this.#next = longer(this.#next, new Int32Array(size));
  }
}

/** Joins two documents when they are alike and not yet together. */
class Comparer {
  comparisons = 0;
  readonly #options: NearOptions;
  readonly #parent: Int32Array;
  readonly #refuted = new Set<number>();
  /** The later document of the last comparison: it meets several others in turn. */
  #last = -1;
  #lastSet: Uint32Array = new Uint32Array(0);

  constructor(options: NearOptions, parent: Int32Array) {
    this.#options = options;
    this.#parent = parent;
  }

  compare(earlier: number, later: number): void {
    const parent = this.#parent;
    const refuted = this.#refuted;
    if (find(parent, earlier) === find(parent, later)) return;
    const pair = earlier * parent.length + later;
    if (refuted.has(pair)) return;
    this.comparisons++;
    if (this.#alike(earlier, later)) join(parent, earlier, later);
    else if (refuted.size < MAX_REMEMBERED) refuted.add(pair);
  }

  #alike(earlier: number, later: number): boolean {
    const { similarity, setSize, shinglesOf } = this.#options;
    const [a, b] = [setSize(earlier), setSize(later)];
    if (Math.min(a, b) < similarity * Math.max(a, b) * (1 - 1e-9)) return false; // the most that J can be
    if (this.#last !== later) this.#lastSet = shinglesOf(later);
    this.#last = later;
    return similarEnough(shinglesOf(earlier), this.#lastSet, similarity);
  }
}

/** Pairs found unlike once are not compared again in another band; bounded, since forgetting costs only time. */
const MAX_REMEMBERED = 1_000_000;

export const nearDuplicatesStage = corpusStage({
  label: { zh: '近似重复', en: 'Near duplicates' },
  names: {
    'near-duplicate': { zh: '近似重复', en: 'near duplicate' },
  },
  schema,
});
