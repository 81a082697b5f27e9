/**
 * A text as a bag of hashed character n-grams, the input of the linear classifier.
 *
 * Contract: the same text gives the same features in the same order on every machine. What says nothing about the kind of a
 * text, but would be learnt by heart, is folded away first: width, case, which digit, how much white space.
 * Does not fold script: give Simplified and Traditional alike only after stage `simplify`.
 */

export interface FeatureSettings {
  /** N-grams of 1 to this many characters. */
  readonly maxOrder: number;
  /** N-grams share 2 to the power of this many rows of the weights. */
  readonly bucketBits: number;
  /** Of a longer text the first and the last half of as many UTF-16 units are read: adverts hang on at the end. */
  readonly maxCharacters: number;
}

/** Addresses say whose page it is, and hosts are many: each becomes one sign. */
const ADDRESS = /(https?:\/\/|www\.)[\w.\-/?&=%#:~+]+/gi;
const ADDRESS_SIGN = '\u{1f517}';

/** Different buckets of one text and their weights, of Euclidean length 1. Views that the next `extract` overwrites. */
export interface Features {
  readonly buckets: Int32Array;
  readonly weights: Float32Array;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const DROPPED = 0;

const DIGIT = 0x30;

/** A number of more digits, as of a telephone or an account, becomes one symbol of its own: how long it is says nothing. */
const LONGEST_NUMBER = 6;
const LONG_NUMBER = 1;

/** Every UTF-16 unit folded: half width, lower case, 0 for digits, one kind of space; 0 where it is left out. */
const FOLDED = foldTable();

function foldTable(): Uint16Array {
  const table = new Uint16Array(0x1_0000);
  for (let unit = 0; unit < table.length; unit++) table[unit] = foldUnit(unit);
  return table;
}

function foldUnit(unit: number): number {
  // Han, Hangul and surrogates stay as they are; normalising 50 000 of them would cost the start of every process.
  if ((unit >= 0x3400 && unit < 0xa000) || (unit >= 0xac00 && unit < 0xe000)) return unit;
  if (unit === NEWLINE || unit === 0x0d || unit === 0x2028 || unit === 0x2029) return NEWLINE;
  const character = String.fromCharCode(unit);
  if (/\s/.test(character)) return SPACE;
  if (/[\p{Cc}\p{Cf}]/u.test(character)) return DROPPED;
  const folded = character.normalize('NFKC').toLowerCase();
  if (folded.length !== 1) return unit;
  return /\p{Nd}/u.test(folded) ? DIGIT : folded.charCodeAt(0);
}

export class FeatureExtractor {
  readonly settings: FeatureSettings;
  readonly #counts: Uint16Array;
  readonly #symbols: Uint16Array;
  #buckets: Int32Array = new Int32Array(1 << 12);
  #weights: Float32Array = new Float32Array(1 << 12);

  constructor(settings: FeatureSettings) {
    this.settings = settings;
    this.#counts = new Uint16Array(2 ** settings.bucketBits);
    this.#symbols = new Uint16Array(settings.maxCharacters + 3);
  }

  extract(text: string): Features {
    const symbols = this.#fold(text.replace(ADDRESS, ADDRESS_SIGN));
    const different = this.#count(symbols);
    let squares = 0;
    for (let i = 0; i < different; i++) {
      const bucket = this.#buckets[i]!;
      const weight = 1 + Math.log(this.#counts[bucket]!);
      this.#counts[bucket] = 0;
      this.#weights[i] = weight;
      squares += weight * weight;
    }
    const scale = 1 / Math.sqrt(squares || 1);
    for (let i = 0; i < different; i++) this.#weights[i]! *= scale;
    return { buckets: this.#buckets.subarray(0, different), weights: this.#weights.subarray(0, different) };
  }

  /** Folded symbols between two newlines, so that n-grams know the beginning and the end of lines. Returns their number. */
  #fold(text: string): number {
    const { maxCharacters } = this.settings;
    const symbols = this.#symbols;
    symbols[0] = NEWLINE;
    let length = 1;
    const head = text.length <= maxCharacters ? text.length : maxCharacters >> 1;
    const tail = text.length <= maxCharacters ? text.length : text.length - (maxCharacters - head);
    for (let i = 0; i < text.length; i++) {
      if (i === head) i = tail;
      if (i >= text.length) break;
      const symbol = FOLDED[text.charCodeAt(i)]!;
      if (symbol === DROPPED) continue;
      const last = symbols[length - 1]!;
      if (symbol === DIGIT && (last === LONG_NUMBER || endsInDigits(symbols, length))) {
        if (last !== LONG_NUMBER) length -= LONGEST_NUMBER;
        if (last !== LONG_NUMBER) symbols[length++] = LONG_NUMBER;
      } else if (symbol === NEWLINE && (last === SPACE || last === NEWLINE)) symbols[length - 1] = NEWLINE;
      else if (symbol !== SPACE || (last !== SPACE && last !== NEWLINE)) symbols[length++] = symbol;
    }
    if (symbols[length - 1] !== NEWLINE) symbols[length++] = NEWLINE;
    return length;
  }

  /** Counts the n-grams of the folded symbols; returns how many buckets were hit, listed in #buckets. */
  #count(length: number): number {
    const { maxOrder, bucketBits } = this.settings;
    this.#reserve(length * maxOrder);
    const counts = this.#counts;
    const symbols = this.#symbols;
    const buckets = this.#buckets;
    const shift = 32 - bucketBits;
    let different = 0;
    for (let i = 0; i < length; i++) {
      const end = Math.min(maxOrder, length - i);
      let hash = 0x811c9dc5;
      for (let n = 0; n < end; n++) {
        hash = Math.imul(hash ^ symbols[i + n]!, 0x01000193);
        hash ^= hash >>> 15;
        const bucket = Math.imul(hash, 0x9e3779b1) >>> shift;
        const count = counts[bucket]!;
        if (count === 0) buckets[different++] = bucket;
        if (count < 0xffff) counts[bucket] = count + 1;
      }
    }
    return different;
  }

  #reserve(features: number): void {
    if (features <= this.#buckets.length) return;
    this.#buckets = new Int32Array(2 * features);
    this.#weights = new Float32Array(2 * features);
  }
}

function endsInDigits(symbols: Uint16Array, length: number): boolean {
  for (let i = 1; i <= LONGEST_NUMBER; i++) if (symbols[length - i] !== DIGIT) return false;
  return true;
}
