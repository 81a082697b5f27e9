/**
 * The different n-grams of some texts, and where each stands first. A hit is exact: the hash only finds the place, the characters are
 * compared. Memory: about 13 bytes a character of the texts.
 */
export class GramTable {
  readonly #units: Uint16Array;
  readonly #n: number;
  /** Open addressing: one more than where an n-gram stands first in `units`, 0 where the place is free. */
  readonly #table: Uint32Array;
  /** One bit for each of eight times as many hashes: nearly all n-grams of other texts end here. */
  readonly #filter: Uint32Array;

  /** @param units of all texts, one behind the other */
  constructor(units: Uint16Array, n: number) {
    this.#units = units;
    this.#n = n;
    this.#table = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(16, 1.5 * units.length))));
    this.#filter = new Uint32Array(this.#table.length / 4);
  }

  /** Enters the n-gram that stands at a place of the texts. Returns the first place where it stands: this one, if it is new. */
  add(at: number, hash: number): number {
    const slot = this.#slot(this.#units, at, hash);
    if (this.#table[slot] === 0) this.#table[slot] = at + 1;
    const bit = this.#bitOf(hash);
    this.#filter[bit >>> 5]! |= 1 << (bit & 31);
    return this.#table[slot]! - 1;
  }

  /** Where in the texts the n-gram at `i` of other units stands first. */
  find(units: Uint16Array, i: number, hash: number): number | undefined {
    const bit = this.#bitOf(hash);
    if ((this.#filter[bit >>> 5]! & (1 << (bit & 31))) === 0) return undefined;
    const at = this.#table[this.#slot(units, i, hash)]!;
    return at === 0 ? undefined : at - 1;
  }

  /** The slot of the n-gram at `i` of `units`, or the free one where it would stand. */
  #slot(units: Uint16Array, i: number, hash: number): number {
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    while (this.#table[slot] !== 0 && !this.#equal(this.#table[slot]! - 1, units, i)) slot = (slot + 1) & mask;
    return slot;
  }

  #equal(at: number, units: Uint16Array, i: number): boolean {
    for (let k = 0; k < this.#n; k++) if (this.#units[at + k] !== units[i + k]) return false;
    return true;
  }

  #bitOf(hash: number): number {
    return hash & (this.#filter.length * 32 - 1);
  }
}
