/**
 * Documents as numbers: every Unicode code point of the training text becomes a small integer, every document is framed
 * by a begin symbol (context only, never predicted) and an end symbol (predicted like a character).
 *
 * The alphabet is closed: the characters of the training text and of the text that will be evaluated. Counts come from
 * the training text alone. That the baselines know which characters will occur favours them a little; it spares an
 * escape symbol whose cost nobody could compare with that of a byte-level language model.
 */

import { EvaluationError } from '../errors.ts';

/** Symbol before the first character of a document. It sorts before all others, which the counts rely on. */
export const BEGIN = 0;
/** Symbol after the last character of a document. */
export const END = 1;
/** Symbol of the first character of the alphabet. */
const FIRST_CHARACTER = 2;
const CODE_POINTS = 0x110000;

/** Training text as symbols. Plain data, so that it can be moved to a worker thread. */
export interface CharacterText {
  /** BEGIN, characters, END of every document, one after the other. */
  readonly symbols: Uint32Array<ArrayBuffer>;
  readonly documents: number;
  /** Code point of symbol `i + 2`: first the characters of the training text, then those of the evaluated text only. */
  readonly alphabet: Uint32Array<ArrayBuffer>;
}

/** Reads training documents one by one. A lone surrogate counts as a character of its own. */
export class CharacterTextReader {
  readonly #symbolOf = new Uint32Array(CODE_POINTS);
  readonly #alphabet: number[] = [];
  #symbols: Uint32Array<ArrayBuffer>;
  #length = 0;
  #documents = 0;

  /** @param expected characters that will come, so that nothing is copied on the way; any number is right */
  constructor(expected = 1 << 16) {
    this.#symbols = new Uint32Array(Math.max(16, expected));
  }

  /** Symbols so far, two a document beside its characters. */
  get length(): number {
    return this.#length;
  }

  add(document: string): void {
    if (this.#length + document.length + 2 > this.#symbols.length) {
      const larger = new Uint32Array(2 * (this.#length + document.length + 2));
      larger.set(this.#symbols.subarray(0, this.#length));
      this.#symbols = larger;
    }
    this.#symbols[this.#length++] = BEGIN;
    for (let i = 0; i < document.length; i++) {
      const code = document.codePointAt(i)!;
      if (code > 0xffff) i++;
      this.#symbols[this.#length++] = this.#symbolFor(code);
    }
    this.#symbols[this.#length++] = END;
    this.#documents++;
  }

  /**
   * @param evaluated text whose characters join the alphabet; it is not counted
   * @throws EvaluationError EVALUATION_EMPTY_TEXT when there is no training document
   */
  finish(evaluated: Iterable<string>): CharacterText {
    if (this.#documents === 0) {
      throw new EvaluationError('EVALUATION_EMPTY_TEXT', {
        en: 'no training document: give the baselines at least one',
        zh: '没有训练文档：基线至少需要一篇',
      });
    }
    for (const document of evaluated) {
      for (const character of document) this.#symbolFor(character.codePointAt(0)!);
    }
    return {
      symbols: this.#symbols.subarray(0, this.#length),
      documents: this.#documents,
      alphabet: Uint32Array.from(this.#alphabet),
    };
  }

  #symbolFor(code: number): number {
    if (this.#symbolOf[code] === 0) this.#symbolOf[code] = this.#alphabet.push(code) - 1 + FIRST_CHARACTER;
    return this.#symbolOf[code]!;
  }
}

/** @throws EvaluationError as CharacterTextReader.finish */
export function readCharacterText(training: Iterable<string>, evaluated: Iterable<string>): CharacterText {
  const reader = new CharacterTextReader();
  for (const document of training) reader.add(document);
  return reader.finish(evaluated);
}

/** Looks symbols up by code point, for the text that is evaluated. */
export class Alphabet {
  /** Characters and the end symbol: everything that can be predicted. */
  readonly size: number;
  readonly #symbolOf: Map<number, number>;
  readonly #codePoints: Uint32Array;

  constructor(codePoints: Uint32Array) {
    this.size = codePoints.length + 1;
    this.#codePoints = codePoints;
    this.#symbolOf = new Map(Array.from(codePoints, (code, i) => [code, i + FIRST_CHARACTER]));
  }

  /** @throws EvaluationError EVALUATION_UNKNOWN_CHARACTER for a character of neither text */
  symbol(codePoint: number): number {
    const symbol = this.#symbolOf.get(codePoint);
    if (symbol === undefined) {
      throw new EvaluationError('EVALUATION_UNKNOWN_CHARACTER', {
        en: `U+${codePoint.toString(16).toUpperCase()} is not in the alphabet: pass the evaluated text when reading the training text`,
        zh: `U+${codePoint.toString(16).toUpperCase()} 不在字表中：读取训练文本时请一并给出被评测的文本`,
      });
    }
    return symbol;
  }

  /** Everything that can be predicted, as text: `''` stands for the end of the document. */
  entries(): { symbol: number; character: string }[] {
    const characters = Array.from(this.#codePoints, (code, i) => ({
      symbol: i + FIRST_CHARACTER,
      character: String.fromCodePoint(code),
    }));
    return [{ symbol: END, character: '' }, ...characters];
  }
}
