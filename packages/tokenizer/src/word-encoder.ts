/**
 * Byte pair merging of one word after another, exactly as Hugging Face's `BPE` model does it: the pair of lowest rank
 * first, the leftmost of equals, until no pair of the word has a merge. Ids are collected in one growing buffer.
 *
 * Where the file says `ignore_merges`, a word that is a token as it stands is not merged at all.
 *
 * Short words are merged in a plain array (the least rank found by a scan), long ones with a heap of ranks over a linked
 * list, so that a word of n symbols costs O(n log n) at worst. Both give the same ids.
 */
import { CharacterTokens, NOT_WHOLE } from './character-tokens.ts';
import { type MergeTable, NO_RANK } from './merge-table.ts';
import { CACHED_LENGTH, WordCache } from './word-cache.ts';

/** Words of more symbols are merged with a heap. */
const SCANNED_LENGTH = 48;
/** Positions of a heap entry stand in the low part of one number, its rank in the high part. */
const POSITIONS = 2 ** 31;

export class WordEncoder {
  readonly #table: MergeTable;
  readonly #idOfByte: Int32Array;
  readonly #characters: CharacterTokens;
  readonly #whole: ReadonlyMap<string, number> | undefined;
  readonly #cache = new WordCache();
  #ids = new Uint32Array(1 << 12);
  #size = 0;
  #symbols = new Int32Array(256);
  #places = new Int32Array(256);

  /** @param whole ids of words that are not to be merged */
  constructor(table: MergeTable, idOfByte: Int32Array, whole?: ReadonlyMap<string, number>) {
    this.#whole = whole;
    this.#table = table;
    this.#idOfByte = idOfByte;
    this.#characters = new CharacterTokens(table, idOfByte);
  }

  /** Appends the ids of the well-formed word `text.slice(start, end)`. */
  addWord(text: string, start: number, end: number): void {
    this.#reserve((end - start) * 3);
    if (end - start > CACHED_LENGTH) {
      this.#mergeWord(text, start, end);
      return;
    }
    const slot = this.#cache.slot(text, start, end);
    if (this.#cache.holds(slot, text, start, end)) {
      this.#size = this.#cache.read(slot, this.#ids, this.#size);
      return;
    }
    const from = this.#size;
    this.#mergeWord(text, start, end);
    this.#cache.write(slot, text, start, end, this.#ids, from, this.#size);
  }

  addId(id: number): void {
    this.#reserve(1);
    this.#ids[this.#size++] = id;
  }

  /** The ids added since the last call. */
  take(): Uint32Array {
    const ids = this.#ids.slice(0, this.#size);
    this.#size = 0;
    return ids;
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#ids.length) return;
    const ids = new Uint32Array(Math.max(this.#size + more, this.#ids.length * 2));
    ids.set(this.#ids);
    this.#ids = ids;
  }

  #mergeWord(text: string, start: number, end: number): void {
    const whole = this.#whole?.get(text.slice(start, end));
    if (whole !== undefined) {
      this.#ids[this.#size++] = whole;
      return;
    }
    const length = this.#writeSymbols(text, start, end);
    const rest = length <= SCANNED_LENGTH ? this.#mergeByScan(length) : this.#mergeByHeap(length);
    for (let i = 0; i < rest; i++) this.#ids[this.#size++] = this.#symbols[i]!;
  }

  /** The word as whole characters where that is exact, else as bytes; returns the number of symbols. */
  #writeSymbols(text: string, start: number, end: number): number {
    if ((end - start) * 3 > this.#symbols.length) {
      this.#symbols = new Int32Array((end - start) * 3);
      this.#places = new Int32Array((end - start) * 3);
    }
    const symbols = this.#symbols;
    let size = 0;
    for (let i = start; i < end; i++) {
      const unit = text.charCodeAt(i);
      const surrogate = unit >= 0xd800 && unit <= 0xdfff;
      const token = surrogate ? NOT_WHOLE : this.#characters.get(unit);
      if (token !== NOT_WHOLE) {
        symbols[size++] = token;
        continue;
      }
      const character = surrogate ? text.slice(i, i + 2) : text[i]!;
      for (const byte of Buffer.from(character)) symbols[size++] = this.#idOfByte[byte]!;
      if (surrogate) i++;
    }
    return size;
  }

  #mergeByScan(length: number): number {
    const symbols = this.#symbols;
    const table = this.#table;
    /** Table place of the pair that begins at each symbol. */
    const places = this.#places;
    let size = length;
    for (let i = 0; i + 1 < size; i++) places[i] = table.find(symbols[i]!, symbols[i + 1]!);
    for (;;) {
      let best = NO_RANK;
      let at = -1;
      for (let i = 0; i + 1 < size; i++) {
        const rank = table.rankAt(places[i]!);
        if (rank < best) {
          best = rank;
          at = i;
        }
      }
      if (at < 0) return size;
      symbols[at] = table.idAt(places[at]!);
      size--;
      for (let i = at + 1; i < size; i++) {
        symbols[i] = symbols[i + 1]!;
        places[i] = places[i + 1]!;
      }
      if (at > 0) places[at - 1] = table.find(symbols[at - 1]!, symbols[at]!);
      if (at + 1 < size) places[at] = table.find(symbols[at]!, symbols[at + 1]!);
    }
  }

  #mergeByHeap(length: number): number {
    const symbols = this.#symbols;
    const table = this.#table;
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    const heap = new RankHeap();
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    const queue = (at: number): void => {
      const rank = at >= 0 && next[at]! < length ? table.rank(symbols[at]!, symbols[next[at]!]!) : NO_RANK;
      if (rank !== NO_RANK) heap.push(rank * POSITIONS + at);
    };
    for (let i = 0; i < length; i++) queue(i);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const at = top % POSITIONS;
      const right = next[at]!;
      if (symbols[at]! < 0 || right >= length) continue;
      const place = table.find(symbols[at]!, symbols[right]!);
      // Another merge came first and the pair is no longer the one that was queued.
      if (table.rankAt(place) !== (top - at) / POSITIONS) continue;
      symbols[at] = table.idAt(place);
      symbols[right] = -1;
      next[at] = next[right]!;
      if (next[at]! < length) previous[next[at]!] = at;
      queue(previous[at]!);
      queue(at);
    }
    let size = 0;
    for (let i = 0; i < length; i = next[i]!) symbols[size++] = symbols[i]!;
    return size;
  }
}

/** Binary min-heap of numbers. */
class RankHeap {
  readonly #values: number[] = [];

  push(value: number): void {
    const values = this.#values;
    let child = values.length;
    values.push(value);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (values[parent]! <= value) break;
      values[child] = values[parent]!;
      child = parent;
    }
    values[child] = value;
  }

  pop(): number | undefined {
    const values = this.#values;
    const top = values[0];
    const last = values.pop();
    if (values.length === 0 || last === undefined) return top;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= values.length) break;
      if (child + 1 < values.length && values[child + 1]! < values[child]!) child++;
      if (values[child]! >= last) break;
      values[parent] = values[child]!;
      parent = child;
    }
    values[parent] = last;
    return top;
  }
}
