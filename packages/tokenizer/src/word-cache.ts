/**
 * A bounded cache from short words to their ids: one slot for each hash, the newer word replaces the older. All memory
 * is allocated at once (5.3 MB) and never grows, whatever is encoded.
 */

/** Longest word, in UTF-16 code units, and longest result, in ids, that are kept. */
export const CACHED_LENGTH = 16;

const SLOTS = 1 << 15;

export class WordCache {
  readonly #units = new Uint16Array(SLOTS * CACHED_LENGTH);
  readonly #ids = new Uint32Array(SLOTS * CACHED_LENGTH);
  /** Code units of the word in a slot, 0 where free. */
  readonly #unitCounts = new Uint8Array(SLOTS);
  readonly #idCounts = new Uint8Array(SLOTS);

  /** Slot of the word `text.slice(start, end)`, held or not. */
  slot(text: string, start: number, end: number): number {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (SLOTS - 1);
  }

  holds(slot: number, text: string, start: number, end: number): boolean {
    const length = end - start;
    if (this.#unitCounts[slot] !== length) return false;
    const from = slot * CACHED_LENGTH;
    for (let i = 0; i < length; i++) if (this.#units[from + i] !== text.charCodeAt(start + i)) return false;
    return true;
  }

  /** Copies the ids of a held word to `out` from `at` on, and returns the place after them. */
  read(slot: number, out: Uint32Array, at: number): number {
    const count = this.#idCounts[slot]!;
    const from = slot * CACHED_LENGTH;
    for (let i = 0; i < count; i++) out[at + i] = this.#ids[from + i]!;
    return at + count;
  }

  /** Keeps `ids[from, to)` for the word, unless either is too long. */
  write(slot: number, text: string, start: number, end: number, ids: Uint32Array, from: number, to: number): void {
    if (end - start > CACHED_LENGTH || to - from > CACHED_LENGTH) return;
    const at = slot * CACHED_LENGTH;
    for (let i = start; i < end; i++) this.#units[at + i - start] = text.charCodeAt(i);
    for (let i = from; i < to; i++) this.#ids[at + i - from] = ids[i]!;
    this.#unitCounts[slot] = end - start;
    this.#idCounts[slot] = to - from;
  }
}
