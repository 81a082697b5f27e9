/**
 * The merges of a vocabulary for look-up while encoding: (left id, right id) → rank and joined id, in an
 * open-addressing table with the four numbers of an entry side by side.
 */
export const NO_RANK = 0x7fffffff;

const FREE = -1;
const WIDTH = 4;

export class MergeTable {
  readonly #entries: Int32Array;
  readonly #mask: number;
  /** Lowest rank of any merge in which a token is the left, or the right, part; NO_RANK where there is none. */
  readonly #lowestAsLeft: Int32Array;
  readonly #lowestAsRight: Int32Array;

  /** `merges`: left, right and joined id of each rank, flat. */
  constructor(merges: Int32Array, vocabularySize: number) {
    const count = merges.length / 3;
    const slots = 2 ** Math.ceil(Math.log2(Math.max(count, 8) * 2));
    this.#mask = slots - 1;
    this.#entries = new Int32Array(slots * WIDTH).fill(FREE);
    this.#lowestAsLeft = new Int32Array(vocabularySize).fill(NO_RANK);
    this.#lowestAsRight = new Int32Array(vocabularySize).fill(NO_RANK);
    // A pair that is listed twice has its later rank, as in Hugging Face.
    for (let rank = 0; rank < count; rank++) {
      const left = merges[3 * rank]!;
      const right = merges[3 * rank + 1]!;
      const at = this.find(left, right);
      this.#entries.set([left, right, rank, merges[3 * rank + 2]!], at);
      if (rank < this.#lowestAsLeft[left]!) this.#lowestAsLeft[left] = rank;
      if (rank < this.#lowestAsRight[right]!) this.#lowestAsRight[right] = rank;
    }
  }

  /** Where the pair's entry is, or would be; for `rankAt` and `idAt`. */
  find(left: number, right: number): number {
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.#mask;
    const entries = this.#entries;
    for (;;) {
      const at = slot * WIDTH;
      const other = entries[at];
      if (other === FREE || (other === left && entries[at + 1] === right)) return at;
      slot = (slot + 1) & this.#mask;
    }
  }

  rankAt(at: number): number {
    return this.#entries[at] === FREE ? NO_RANK : this.#entries[at + 2]!;
  }

  idAt(at: number): number {
    return this.#entries[at + 3]!;
  }

  rank(left: number, right: number): number {
    return this.rankAt(this.find(left, right));
  }

  lowestAsLeft(token: number): number {
    return this.#lowestAsLeft[token]!;
  }

  lowestAsRight(token: number): number {
    return this.#lowestAsRight[token]!;
  }
}
