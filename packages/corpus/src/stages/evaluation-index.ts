/**
 * Every n-gram of the evaluation sets that a recipe names, to find which of their items a document holds. Texts are compared
 * by their letters, digits and ideographs after NFKC, so that punctuation, spaces and widths do not hide a copy. A hit is
 * exact: the hash only finds the place, the characters are compared. Items shorter than n hold no n-gram and take no part, and
 * n-grams that many items share (the stem of a question, an instruction) stand for none of them.
 *
 * Memory: 2 bytes a character of the sets, about 15 an n-gram. One index serves all documents of a worker.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { GramTable } from '../duplicates/gram-table.ts';
import { comparedUnits, gramHashes } from '../duplicates/shingles.ts';
import { CorpusError } from '../errors.ts';
import { existing } from '../reading/files.ts';
import { readJsonLines } from '../reading/json-lines.ts';

export interface EvaluationSet {
  name: string;
  /** JSON lines, plain, .gz or .zst. */
  paths: readonly string[];
  /** Fields with text: strings or lists of strings; `a.b` stands for field b inside a. */
  fields: readonly string[];
}

/** The item that a document holds most of: how many of its `of` n-grams, and the first of these. */
export interface Overlap {
  set: string;
  item: string;
  gram: string;
  grams: number;
  of: number;
}

/** What makes an overlap: so many n-grams of one item at least, and this share of all that it has. */
export interface OverlapLimits {
  minGrams: number;
  minShare: number;
}

interface Item {
  set: string;
  item: string;
  start: number;
}

/** An n-gram in so many different items is a form of words. */
const COMMON_ITEMS = 5;

/** Of a long item less than its share is a copy too: so many n-grams of it are some five lines. */
const LONG_COPY = 100;

export class EvaluationIndex {
  readonly #n: number;
  readonly #units: Uint16Array;
  readonly #items: Item[];
  readonly #table: GramTable;
  /** One more than the next place of the same n-gram, in another item; 0 at the last. */
  readonly #next: Uint32Array;
  /** At the first place of an n-gram: in how many items it stands, up to COMMON_ITEMS. */
  readonly #spread: Uint8Array;
  /** N-grams of each item that are not common. */
  readonly #grams: Uint32Array;

  private constructor(n: number, units: Uint16Array, items: Item[]) {
    this.#n = n;
    this.#units = units;
    this.#items = items;
    this.#table = new GramTable(units, n);
    this.#next = new Uint32Array(units.length);
    this.#spread = new Uint8Array(units.length);
    this.#grams = new Uint32Array(items.length);
    for (const [i, { start }] of items.entries()) this.#add(i, start, items[i + 1]?.start ?? units.length);
  }

  /** @throws CorpusError for a set that is missing, malformed, or has none of the fields. */
  static async load(sets: readonly EvaluationSet[], base: string, n: number): Promise<EvaluationIndex> {
    const texts: Uint16Array[] = [];
    const items: Item[] = [];
    const seen = new Set<string>();
    let start = 0;
    for (const set of sets) {
      for (const name of set.paths) {
        for await (const { text, line } of textsOf(set, resolve(base, name))) {
          const units = comparedUnits(text);
          // One passage under several questions is one item.
          const key = createHash('sha1').update(units).digest('base64');
          if (units.length < n || seen.has(key)) continue;
          seen.add(key);
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

  /** The item that the text holds most n-grams of, among those of which it holds enough. */
  find(text: string, { minGrams, minShare }: OverlapLimits): Overlap | undefined {
    const units = comparedUnits(text);
    if (units.length < this.#n) return undefined;
    const hashes = gramHashes(units, this.#n);
    const shared = new Map<number, { grams: number; first: number }>();
    const seen = new Set<number>();
    for (let i = 0; i < hashes.length; i++) {
      const at = this.#table.find(units, i, hashes[i]!);
      if (at === undefined || seen.has(at)) continue;
      seen.add(at);
      if (this.#spread[at]! >= COMMON_ITEMS) continue;
      for (let place = at + 1; place > 0; place = this.#next[place - 1]!) {
        const item = this.#itemAt(place - 1);
        const overlap = shared.get(item);
        if (overlap === undefined) shared.set(item, { grams: 1, first: i });
        else overlap.grams++;
      }
    }
    let best: Overlap | undefined;
    for (const [index, { grams, first }] of shared) {
      const of = this.#grams[index]!;
      if (grams < minGrams || grams < Math.min(minShare * of, LONG_COPY) || grams <= (best?.grams ?? 0)) continue;
      const { set, item } = this.#items[index]!;
      best = { set, item, gram: String.fromCharCode(...units.subarray(first, first + this.#n)), grams, of };
    }
    return best;
  }

  #add(item: number, start: number, end: number): void {
    const hashes = gramHashes(this.#units.subarray(start, end), this.#n);
    for (let i = 0; i < hashes.length; i++) {
      const first = this.#table.add(start + i, hashes[i]!);
      if (first !== start + i) this.#addAgain(item, first, start + i);
      else {
        this.#spread[first] = 1;
        this.#grams[item]!++;
      }
    }
  }

  /** An n-gram that stands in an item already; once it is common it counts for none of its items. */
  #addAgain(item: number, first: number, at: number): void {
    const items: number[] = [];
    for (let place = first + 1; place > 0; place = this.#next[place - 1]!) items.push(this.#itemAt(place - 1));
    if (items.includes(item) || this.#spread[first] === COMMON_ITEMS) return;
    if (++this.#spread[first]! === COMMON_ITEMS) for (const other of items) this.#grams[other]!--;
    else {
      this.#grams[item]!++;
      this.#next[at] = this.#next[first]!;
      this.#next[first] = at + 1;
    }
  }

  #itemAt(at: number): number {
    let [low, high] = [0, this.#items.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#items[middle]!.start <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
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
  const [wanted, has] = [set.fields.join(', '), known.join(', ')];
  const name = `"${set.name}"`;
  throw new CorpusError('CORPUS_SOURCE_FORMAT', {
    en: `${path} has no text in ${wanted} (its fields: ${has || 'none'}); name others in the set ${name} of stage decontaminate`,
    zh: `${path} 的 ${wanted} 字段没有文本（字段：${has || '无'}）；请在 decontaminate 阶段的评测集 ${name} 中改写字段`,
  });
}
