/**
 * Finds words of a list in a text by Aho-Corasick, lower case against lower case, with the longest match at each place and
 * without overlaps: what counts is how much of a text the words cover. ASCII words match whole words alone (sm is not in small).
 *
 * @module @tunan/page/word-finder
 */
import { AhoCorasick } from '@monyone/aho-corasick';

export interface Found<T> {
  begin: number;
  end: number;
  value: T;
}

export class WordFinder<T> {
  readonly #automaton: AhoCorasick;
  readonly #values: Map<string, T>;
  readonly #beginnings = new Beginnings();

  /** Of a word that comes twice the first value counts. */
  constructor(words: Iterable<readonly [string, T]>) {
    this.#values = new Map();
    for (const [word, value] of words) {
      const key = word.toLowerCase();
      if (key === '' || this.#values.has(key)) continue;
      this.#values.set(key, value);
      this.#beginnings.add(key);
    }
    this.#automaton = new AhoCorasick([...this.#values.keys()]);
  }

  /** In order of place. */
  find(text: string): Found<T>[] {
    // Lower case of a few letters (İ) is longer; places must stay those of the text.
    const lower = text.toLowerCase();
    const haystack = lower.length === text.length ? lower : text;
    const matches = this.#beginnings
      .windows(haystack)
      .flatMap((window) => this.#matchesIn(haystack, window))
      .filter(({ begin, end }) => isWhole(haystack, begin, end))
      .sort((a, b) => a.begin - b.begin || b.end - a.end);
    const found: Found<T>[] = [];
    let covered = 0;
    for (const { begin, end, keyword } of matches) {
      if (begin < covered) continue;
      found.push({ begin, end, value: this.#values.get(keyword)! });
      covered = end;
    }
    return found;
  }

  #matchesIn(text: string, window: Window): { begin: number; end: number; keyword: string }[] {
    const matches = this.#automaton.matchInText(text.slice(window.begin, window.end));
    return matches.map(({ begin, end, keyword }) => ({
      begin: begin + window.begin,
      end: end + window.begin,
      keyword,
    }));
  }
}

interface Window {
  begin: number;
  end: number;
}

/** How words begin, so that the automaton runs only over the parts of a text in which one may stand. */
class Beginnings {
  /** By first unit: 1 where a longer word begins so, 2 where a word is that unit alone. */
  readonly #first = new Uint8Array(65_536);
  /** By hash of the first two units. */
  readonly #pair = new Uint8Array(65_536);
  #longest = 0;

  add(word: string): void {
    const first = word.charCodeAt(0);
    if (word.length === 1) this.#first[first] = 2;
    else {
      this.#first[first] ||= 1;
      this.#pair[hashOf(first, word.charCodeAt(1))] = 1;
    }
    this.#longest = Math.max(this.#longest, word.length);
  }

  /** Parts of the text, apart from each other and in order, that hold every place of a word. */
  windows(text: string): Window[] {
    const windows: Window[] = [];
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      const kind = this.#first[unit];
      if (kind === 0 || (kind === 1 && this.#pair[hashOf(unit, text.charCodeAt(at + 1))] === 0)) continue;
      const last = windows.at(-1);
      if (last !== undefined && at < last.end) last.end = at + this.#longest;
      else windows.push({ begin: at, end: at + this.#longest });
    }
    return windows;
  }
}

function hashOf(first: number, second: number): number {
  return (Math.imul(first, 0x9e37) ^ second) & 0xffff;
}

function isWhole(text: string, begin: number, end: number): boolean {
  return (
    !(isWordUnit(text, begin) && isWordUnit(text, begin - 1)) && !(isWordUnit(text, end - 1) && isWordUnit(text, end))
  );
}

function isWordUnit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x7a);
}
