/**
 * Duplicates over a whole corpus. Exact: equal 128-bit digests; the first in recipe order is kept. Near: documents that
 * share a band key are candidates, the exact Jaccard similarity of their shingle sets decides, and connected components
 * are the clusters. Both walk the documents in order, so the result does not depend on how many workers read them.
 * Memory: 16 + 4 (bands + 4) bytes a document; shingle sets stay on disk and are read when a pair is compared.
 */
import { jaccard, mix } from './shingles.ts';

/** For each document the index of the first one with the same digest (its own where it is the first). */
export function firstCopies(digests: Uint32Array): Int32Array {
  const count = digests.length / 4;
  const first = new Int32Array(count);
  const table = new Int32Array(tableSize(count)).fill(-1);
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

export type NearDuplicates = {
  /** For each document the smallest index in its cluster; -1 for documents that are not kept. */
  cluster: Int32Array;
  comparisons: number;
};

export type NearOptions = {
  /** Band keys, `bands` a document. */
  keys: Uint32Array;
  bands: number;
  /** Least Jaccard similarity of two documents that belong together. */
  similarity: number;
  isKept: (document: number) => boolean;
  /** The ascending shingle set of a document. */
  shinglesOf: (document: number) => Uint32Array;
  onBand: (done: number) => void;
};

/** Clusters the kept documents. */
export function nearDuplicates(options: NearOptions): NearDuplicates {
  const { keys, bands, similarity, isKept, shinglesOf, onBand } = options;
  const count = keys.length / bands;
  const parent = new Int32Array(count);
  for (let i = 0; i < count; i++) parent[i] = isKept(i) ? i : -1;
  const head = new Int32Array(tableSize(count));
  const next = new Int32Array(count);
  const refuted = new Set<number>();
  let comparisons = 0;
  for (let band = 0; band < bands; band++) {
    head.fill(-1);
    for (let i = 0; i < count; i++) {
      if (parent[i]! < 0) continue;
      const key = keys[i * bands + band]!;
      const slot = mix(key) & (head.length - 1);
      let own: Uint32Array | undefined;
      for (let other = head[slot]!; other >= 0; other = next[other]!) {
        if (keys[other * bands + band] !== key || find(parent, other) === find(parent, i)) continue;
        const pair = other * count + i;
        if (refuted.has(pair)) continue;
        own ??= shinglesOf(i);
        comparisons++;
        if (jaccard(own, shinglesOf(other)) >= similarity) join(parent, other, i);
        else if (refuted.size < MAX_REMEMBERED) refuted.add(pair);
      }
      next[i] = head[slot]!;
      head[slot] = i;
    }
    onBand(band + 1);
  }
  const cluster = parent.map((p, i) => (p < 0 ? -1 : find(parent, i)));
  return { cluster, comparisons };
}

/** Pairs found unlike once are not compared again in another band; bounded, since forgetting costs only time. */
const MAX_REMEMBERED = 2_000_000;

function tableSize(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, count * 2)));
}

function find(parent: Int32Array, start: number): number {
  let node = start;
  while (parent[node] !== node) {
    parent[node] = parent[parent[node]!]!;
    node = parent[node]!;
  }
  return node;
}

/** The smaller index becomes the root, so that a cluster is named by its first document. */
function join(parent: Int32Array, a: number, b: number): void {
  const [x, y] = [find(parent, a), find(parent, b)];
  if (x < y) parent[y] = x;
  else parent[x] = y;
}
