/**
 * The distinct words of a corpus as one array of symbols, in which neighbouring symbols are merged in place.
 *
 * A token of n bytes at position p occupies n slots: `[p]` is its id and, for n > 1, `[p + n - 1]` is -n, so that the
 * neighbour on either side is found without links; slots between are negative. Words stand between separators, the
 * frequent first, so that the weight of a position (how often its word occurs) is a step function of the position.
 */
import type { WordCounts } from './word-counts.ts';

export const SEPARATOR = -0x80000000;

/** Writes the well-formed UTF-16 of a word as symbols from a position on; as many slots as it has bytes in UTF-8. */
export type SymbolWriter = (units: Uint16Array, symbols: Int32Array, position: number) => number;

const DEAD = -1;
/** Counts below this are sorted by counting. */
const SMALL_COUNT = 1 << 12;

export class SymbolText {
  readonly symbols: Int32Array;
  /** First position of each weight step, ascending; the last entry is the end. */
  readonly stepStarts: number[] = [];
  readonly stepWeights: number[] = [];

  /** @param write the symbols of a word, and returns the position after them: writeUtf8 or writeTokens */
  constructor(words: WordCounts, write: SymbolWriter) {
    let bytes = 0;
    for (let word = 0; word < words.size; word++) bytes += utf8Length(words.units(word));
    this.symbols = new Int32Array(bytes + words.size + 1);
    this.symbols[0] = SEPARATOR;
    let position = 1;
    let weight = 0;
    for (const word of wordsByFallingCount(words)) {
      if (words.count(word) !== weight) {
        weight = words.count(word);
        this.stepStarts.push(position);
        this.stepWeights.push(weight);
      }
      position = write(words.units(word), this.symbols, position);
      this.symbols[position++] = SEPARATOR;
    }
    this.stepStarts.push(position);
  }

  /** Joins the tokens at `first` and `second` into `id` of `length` bytes. */
  join(first: number, second: number, id: number, length: number): void {
    this.symbols[second] = DEAD;
    this.symbols[first + length - 1] = -length;
    this.symbols[first] = id;
  }

  /** Number of the step that holds a position, searched from step `from` on. */
  stepAt(position: number, from: number): number {
    const starts = this.stepStarts;
    if (position < starts[from + 1]!) return from;
    let low = from + 1;
    let high = starts.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function wordsByFallingCount(words: WordCounts): Uint32Array {
  const small = new Uint32Array(SMALL_COUNT + 1);
  const large: number[] = [];
  for (let word = 0; word < words.size; word++) {
    if (words.count(word) < SMALL_COUNT) small[words.count(word)]!++;
    else large.push(word);
  }
  large.sort((a, b) => words.count(b) - words.count(a) || a - b);
  const order = new Uint32Array(words.size);
  order.set(large);
  let next = large.length;
  for (let count = SMALL_COUNT - 1; count >= 0; count--) {
    const many = small[count]!;
    small[count] = next;
    next += many;
  }
  for (let word = 0; word < words.size; word++) {
    const count = words.count(word);
    if (count < SMALL_COUNT) order[small[count]!++] = word;
  }
  return order;
}

function utf8Length(units: Uint16Array): number {
  let length = 0;
  for (const unit of units) length += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  return length;
}

/** One symbol a byte. */
export function writeBytes(idOfByte: Int32Array): SymbolWriter {
  return (units, symbols, position) => writeUtf8(units, symbols, position, idOfByte);
}

/** One symbol a token. @param encode the ids of a word @param lengths bytes of each token @param borders tokens that nothing is joined across */
export function writeTokens(
  encode: (word: string) => Iterable<number>,
  lengths: Int32Array,
  borders: ReadonlySet<number>,
): SymbolWriter {
  return (units, symbols, position) => {
    let at = position;
    for (const id of encode(String.fromCharCode(...units))) {
      const length = lengths[id]!;
      if (borders.has(id)) symbols.fill(SEPARATOR, at, at + length);
      else {
        symbols.fill(DEAD, at, at + length);
        if (length > 1) symbols[at + length - 1] = -length;
        symbols[at] = id;
      }
      at += length;
    }
    return at;
  };
}

function writeUtf8(units: Uint16Array, symbols: Int32Array, position: number, idOfByte: Int32Array): number {
  let at = position;
  for (let i = 0; i < units.length; i++) {
    let codePoint = units[i]!;
    if (codePoint >= 0xd800 && codePoint <= 0xdbff) {
      codePoint = 0x10000 + ((codePoint - 0xd800) << 10) + (units[++i]! - 0xdc00);
    }
    if (codePoint < 0x80) {
      symbols[at++] = idOfByte[codePoint]!;
      continue;
    }
    if (codePoint < 0x800) {
      symbols[at++] = idOfByte[0xc0 | (codePoint >> 6)]!;
    } else {
      if (codePoint < 0x10000) {
        symbols[at++] = idOfByte[0xe0 | (codePoint >> 12)]!;
      } else {
        symbols[at++] = idOfByte[0xf0 | (codePoint >> 18)]!;
        symbols[at++] = idOfByte[0x80 | ((codePoint >> 12) & 0x3f)]!;
      }
      symbols[at++] = idOfByte[0x80 | ((codePoint >> 6) & 0x3f)]!;
    }
    symbols[at++] = idOfByte[0x80 | (codePoint & 0x3f)]!;
  }
  return at;
}
