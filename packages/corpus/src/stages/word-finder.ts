/**
 * Finds words of a list in a text by Aho-Corasick, lower case against lower case, with the longest match at each place and
 * without overlaps: what counts is how much of a text the words cover. ASCII words match whole words alone (sm is not in small).
 */
import { AhoCorasick } from '@monyone/aho-corasick';

export type Found<T> = { begin: number; end: number; value: T };

export class WordFinder<T> {
  private readonly automaton: AhoCorasick;
  private readonly values: Map<string, T>;

  /** Of a word that comes twice the first value counts. */
  constructor(words: Iterable<readonly [string, T]>) {
    this.values = new Map();
    for (const [word, value] of words) {
      const key = word.toLowerCase();
      if (key !== '' && !this.values.has(key)) this.values.set(key, value);
    }
    this.automaton = new AhoCorasick([...this.values.keys()]);
  }

  /** In order of place. */
  find(text: string): Found<T>[] {
    // Lower case of a few letters (İ) is longer; places must stay those of the text.
    const lower = text.toLowerCase();
    const haystack = lower.length === text.length ? lower : text;
    const matches = this.automaton
      .matchInText(haystack)
      .filter(({ begin, end }) => isWhole(haystack, begin, end))
      .sort((a, b) => a.begin - b.begin || b.end - a.end);
    const found: Found<T>[] = [];
    let covered = 0;
    for (const { begin, end, keyword } of matches) {
      if (begin < covered) continue;
      found.push({ begin, end, value: this.values.get(keyword)! });
      covered = end;
    }
    return found;
  }
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
