/**
 * Counts distinct words without making a string of each: words live as UTF-16 code units in one growing array, found
 * through an open-addressing table. A few million Chinese phrases cost their own length and 12 bytes each.
 */

const INITIAL_WORDS = 1 << 12;

export class WordCounts {
  #units = new Uint16Array(1 << 16);
  /** Start of each word in `#units`; entry `size` is the end of the last. */
  #starts = new Uint32Array(INITIAL_WORDS + 1);
  #hashes = new Uint32Array(INITIAL_WORDS);
  #counts = new Float64Array(INITIAL_WORDS);
  /** Word number + 1, 0 where free. */
  #slots = new Uint32Array(INITIAL_WORDS * 2);
  #size = 0;

  /** Number of distinct words. */
  get size(): number {
    return this.#size;
  }

  /** Counts `text.slice(start, end)` once more. */
  add(text: string, start: number, end: number): void {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = (hash ^ (hash >>> 15)) >>> 0;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      const word = entry - 1;
      if (this.#hashes[word] === hash && this.#equals(word, text, start, end)) {
        this.#counts[word]!++;
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#append(text, start, end, hash) + 1;
    if (this.#size * 2 >= this.#slots.length) this.#grow();
  }

  count(word: number): number {
    return this.#counts[word]!;
  }

  /** UTF-16 code units of a word, a view that lives until the next `add`. */
  units(word: number): Uint16Array {
    return this.#units.subarray(this.#starts[word], this.#starts[word + 1]);
  }

  #equals(word: number, text: string, start: number, end: number): boolean {
    const from = this.#starts[word]!;
    if (this.#starts[word + 1]! - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#units[from + i - start] !== text.charCodeAt(i)) return false;
    return true;
  }

  #append(text: string, start: number, end: number, hash: number): number {
    const word = this.#size++;
    const from = this.#starts[word]!;
    const to = from + end - start;
    if (to > this.#units.length) {
      const units = new Uint16Array(Math.max(to, this.#units.length * 1.5));
      units.set(this.#units);
      this.#units = units;
    }
    for (let i = start; i < end; i++) this.#units[from + i - start] = text.charCodeAt(i);
    this.#starts[word + 1] = to;
    this.#hashes[word] = hash;
    this.#counts[word] = 1;
    return word;
  }

  #grow(): void {
    const capacity = this.#slots.length;
    const starts = new Uint32Array(capacity + 1);
    starts.set(this.#starts);
    this.#starts = starts;
    const hashes = new Uint32Array(capacity);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const counts = new Float64Array(capacity);
    counts.set(this.#counts);
    this.#counts = counts;
    this.#slots = new Uint32Array(capacity * 2);
    const mask = this.#slots.length - 1;
    for (let word = 0; word < this.#size; word++) {
      let slot = this.#hashes[word]! & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = word + 1;
    }
  }
}
