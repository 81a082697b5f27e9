/**
 * How much of some texts stands in others, in 13-grams as in `decontaminate`: held-out texts that a corpus has in its training split
 * under another name (two editions, a page quoted whole) are no near duplicates, and are known by heart all the same.
 */
import { GramTable } from './gram-table.ts';
import { comparedUnits, gramHashes } from './shingles.ts';

const GRAM = 13;

export class SeenTexts {
  readonly #starts: number[] = [];
  readonly #table: GramTable;
  /** For each place the first place of its n-gram; itself where it is that. */
  readonly #first: Uint32Array;
  /** At the first place of an n-gram: 1 once another text had it. */
  readonly #seen: Uint8Array;

  /** @param texts that are looked for; their characters are kept in memory */
  constructor(texts: readonly string[]) {
    const units = texts.map(comparedUnits);
    const all = new Uint16Array(units.reduce((n, { length }) => n + length, 0));
    let start = 0;
    for (const one of units) {
      this.#starts.push(start);
      all.set(one, start);
      start += one.length;
    }
    this.#starts.push(start);
    this.#table = new GramTable(all, GRAM);
    this.#first = new Uint32Array(start);
    this.#seen = new Uint8Array(start);
    for (const [i, one] of units.entries()) {
      if (one.length < GRAM) continue;
      const hashes = gramHashes(one, GRAM);
      for (let k = 0; k < hashes.length; k++) {
        const at = this.#starts[i]! + k;
        this.#first[at] = this.#table.add(at, hashes[k]!);
      }
    }
  }

  /** Looks for the texts in another one. */
  read(text: string): void {
    const units = comparedUnits(text);
    if (units.length < GRAM) return;
    const hashes = gramHashes(units, GRAM);
    for (let i = 0; i < hashes.length; i++) {
      const at = this.#table.find(units, i, hashes[i]!);
      if (at !== undefined) this.#seen[at] = 1;
    }
  }

  /** For each text the share of its n-grams that stood in what was read; 0 for texts shorter than one. */
  shares(): number[] {
    return this.#starts.slice(1).map((end, i) => {
      const start = this.#starts[i]!;
      const grams = end - start - GRAM + 1;
      let seen = 0;
      for (let k = 0; k < grams; k++) seen += this.#seen[this.#first[start + k]!]!;
      return grams > 0 ? seen / grams : 0;
    });
  }
}
