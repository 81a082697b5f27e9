/**
 * Every n-gram of the evaluation sets that a recipe names, to find what a document shares with them. Texts are compared
 * by their letters, digits and ideographs after NFKC, so that punctuation, spaces and widths do not hide a copy. A hit is
 * exact: the hash only finds the place, the characters are compared. Items shorter than n hold no n-gram and take no part.
 *
 * Memory: 2 bytes a character of the sets, about 10 an n-gram. One index serves all documents of a worker.
 */
import { resolve } from 'node:path';
import { CorpusError } from '../errors.ts';
import { readJsonLines } from '../json-lines.ts';
import { existing } from '../sources/paths.ts';
import { contentUnits, gramHashes } from './shingles.ts';

export type EvaluationSet = {
  name: string;
  /** JSON lines, plain, .gz or .zst. */
  paths: readonly string[];
  /** Fields with text: strings or lists of strings; `a.b` stands for field b inside a. */
  fields: readonly string[];
};

/** What a document shares with an evaluation set: n-grams in all, the first of them, and the item that it is from. */
export type Overlap = { set: string; item: string; gram: string; grams: number };

type Item = { set: string; item: string; start: number };

export class EvaluationIndex {
  private readonly n: number;
  private readonly units: Uint16Array;
  private readonly items: Item[];
  /** Open addressing: one more than where an n-gram stands first in `units`, 0 where the place is free. */
  private readonly table: Uint32Array;
  /** One bit for each of eight times as many hashes: nearly all n-grams of a document end here. */
  private readonly filter: Uint32Array;

  private constructor(n: number, units: Uint16Array, items: Item[]) {
    this.n = n;
    this.units = units;
    this.items = items;
    this.table = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(16, 1.5 * units.length))));
    this.filter = new Uint32Array(this.table.length / 4);
    for (const [i, { start }] of items.entries()) this.add(start, items[i + 1]?.start ?? units.length);
  }

  /** @throws CorpusError for a set that is missing, malformed, or has none of the fields. */
  static async load(sets: readonly EvaluationSet[], base: string, n: number): Promise<EvaluationIndex> {
    const texts: Uint16Array[] = [];
    const items: Item[] = [];
    let start = 0;
    for (const set of sets) {
      for (const name of set.paths) {
        for await (const { text, line } of textsOf(set, resolve(base, name))) {
          const units = evaluationUnits(text);
          if (units.length < n) continue;
          items.push({ set: set.name, item: `${name}:${line}`, start });
          texts.push(units);
          start += units.length;
        }
      }
    }
    const all = new Uint16Array(start);
    for (const [i, units] of texts.entries()) all.set(units, items[i]!.start);
    return new EvaluationIndex(n, all, items);
  }

  /** The overlap of a text with the set it shares most n-grams with; undefined where it shares fewer than `least`. */
  find(text: string, least = 1): Overlap | undefined {
    const units = evaluationUnits(text);
    if (units.length < this.n) return undefined;
    const hashes = gramHashes(units, this.n);
    const found = new Map<string, Overlap>();
    const seen = new Set<number>();
    for (let i = 0; i < hashes.length; i++) {
      const at = this.lookUp(units, i, hashes[i]!);
      if (at === undefined || seen.has(at)) continue;
      seen.add(at);
      const { set, item } = this.itemAt(at);
      const overlap = found.get(set);
      if (overlap !== undefined) overlap.grams++;
      else found.set(set, { set, item, gram: String.fromCharCode(...units.subarray(i, i + this.n)), grams: 1 });
    }
    const most = [...found.values()].reduce((a, b) => (b.grams > a.grams ? b : a), { grams: 0 } as Overlap);
    return seen.size >= least && most.grams > 0 ? most : undefined;
  }

  private add(start: number, end: number): void {
    const units = this.units.subarray(start, end);
    const hashes = gramHashes(units, this.n);
    for (let i = 0; i < hashes.length; i++) {
      const slot = this.slot(units, i, hashes[i]!);
      if (this.table[slot] === 0) this.table[slot] = start + i + 1;
      const bit = this.bitOf(hashes[i]!);
      this.filter[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  /** Where in `units` of the sets the n-gram at `i` of a document stands. */
  private lookUp(units: Uint16Array, i: number, hash: number): number | undefined {
    const bit = this.bitOf(hash);
    if ((this.filter[bit >>> 5]! & (1 << (bit & 31))) === 0) return undefined;
    const at = this.table[this.slot(units, i, hash)]!;
    return at === 0 ? undefined : at - 1;
  }

  /** The place of the n-gram at `i` of `units`, or the free one where it would stand. */
  private slot(units: Uint16Array, i: number, hash: number): number {
    const mask = this.table.length - 1;
    let slot = hash & mask;
    while (this.table[slot] !== 0 && !this.equal(this.table[slot]! - 1, units, i)) slot = (slot + 1) & mask;
    return slot;
  }

  private equal(at: number, units: Uint16Array, i: number): boolean {
    for (let k = 0; k < this.n; k++) if (this.units[at + k] !== units[i + k]) return false;
    return true;
  }

  private bitOf(hash: number): number {
    return hash & (this.filter.length * 32 - 1);
  }

  private itemAt(at: number): Item {
    let [low, high] = [0, this.items.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.items[middle]!.start <= at) low = middle;
      else high = middle - 1;
    }
    return this.items[low]!;
  }
}

function evaluationUnits(text: string): Uint16Array {
  return contentUnits(text.normalize('NFKC'));
}

async function* textsOf(set: EvaluationSet, path: string): AsyncGenerator<{ text: string; line: number }> {
  existing(path);
  let found = false;
  let known: string[] = [];
  for await (const { value, line } of readJsonLines(path)) {
    if (known.length === 0) known = Object.keys((value ?? {}) as object);
    for (const field of set.fields) {
      const inner = field.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], value);
      for (const text of Array.isArray(inner) ? inner : [inner]) {
        if (typeof text !== 'string') continue;
        found = true;
        yield { text, line };
      }
    }
  }
  if (found) return;
  const problem = `${path} has no text in ${set.fields.join(', ')} (its fields: ${known.join(', ') || 'none'})`;
  throw new CorpusError(
    'CORPUS_SOURCE_FORMAT',
    `${problem}; name others in the set "${set.name}" of stage decontaminate`,
  );
}
