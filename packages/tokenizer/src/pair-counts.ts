/**
 * Weighted counts of ordered token pairs in an open-addressing table of typed arrays. A pair that is not there counts
 * zero; pairs that fell to zero are dropped whenever the table is rebuilt.
 */
const FREE = -1;

export class PairCounts {
  #lefts: Int32Array;
  #rights: Int32Array;
  #counts: Float64Array;
  #used = 0;

  constructor(expectedPairs = 1 << 16) {
    const capacity = 2 ** Math.ceil(Math.log2(expectedPairs * 2));
    this.#lefts = new Int32Array(capacity).fill(FREE);
    this.#rights = new Int32Array(capacity);
    this.#counts = new Float64Array(capacity);
  }

  get(left: number, right: number): number {
    const slot = this.#find(left, right);
    return this.#lefts[slot] === FREE ? 0 : this.#counts[slot]!;
  }

  /** Adds to a pair's count and returns the new count. */
  add(left: number, right: number, change: number): number {
    const slot = this.#find(left, right);
    if (this.#lefts[slot] !== FREE) {
      const count = this.#counts[slot]! + change;
      this.#counts[slot] = count;
      return count;
    }
    this.#lefts[slot] = left;
    this.#rights[slot] = right;
    this.#counts[slot] = change;
    if (++this.#used * 3 > this.#lefts.length * 2) this.#rebuild();
    return change;
  }

  #find(left: number, right: number): number {
    const mask = this.#lefts.length - 1;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let slot = (hash ^ (hash >>> 13)) & mask;
    for (;;) {
      const other = this.#lefts[slot];
      if (other === FREE || (other === left && this.#rights[slot] === right)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #rebuild(): void {
    const lefts = this.#lefts;
    const rights = this.#rights;
    const counts = this.#counts;
    let live = 0;
    for (let slot = 0; slot < lefts.length; slot++) if (lefts[slot] !== FREE && counts[slot] !== 0) live++;
    const capacity = live * 3 > lefts.length ? lefts.length * 2 : lefts.length;
    this.#lefts = new Int32Array(capacity).fill(FREE);
    this.#rights = new Int32Array(capacity);
    this.#counts = new Float64Array(capacity);
    this.#used = live;
    for (let from = 0; from < lefts.length; from++) {
      if (lefts[from] === FREE || counts[from] === 0) continue;
      const slot = this.#find(lefts[from]!, rights[from]!);
      this.#lefts[slot] = lefts[from]!;
      this.#rights[slot] = rights[from]!;
      this.#counts[slot] = counts[from]!;
    }
  }
}
