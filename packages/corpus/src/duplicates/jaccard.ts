/** Jaccard similarity of shingle sets, |A ∩ B| / |A ∪ B|; sets are ascending, without repetition. */

/** 0 for two empty sets. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  return ratio(common(a, b, 0), a, b);
}

/** Whether it is at least `similarity`; ends as soon as that is out of reach. */
export function similarEnough(a: Uint32Array, b: Uint32Array, similarity: number): boolean {
  // J ≥ s exactly when |A ∩ B| ≥ s (|A| + |B|) / (1 + s); one less, so that rounding never ends a true pair early.
  const needed = Math.floor((similarity * (a.length + b.length)) / (1 + similarity)) - 1;
  return ratio(common(a, b, needed), a, b) >= similarity;
}

function ratio(both: number, a: Uint32Array, b: Uint32Array): number {
  const union = a.length + b.length - both;
  return union === 0 ? 0 : both / union;
}

/** Elements in both; 0 where fewer than `needed` are found to be there. */
function common(a: Uint32Array, b: Uint32Array, needed: number): number {
  let [i, j, both] = [0, 0, 0];
  // Elements of either side that may still be passed over without a partner.
  const spareA = a.length - needed;
  const spareB = b.length - needed;
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) both++;
    if (x <= y) i++;
    if (y <= x) j++;
    if (i - both > spareA || j - both > spareB) return 0;
  }
  return both;
}
