/**
 * How likely a text is to be Chinese that a person wrote: bits a character, from the frequencies of characters and how much
 * the 240 000 most frequent pairs of neighbours are drawn to each other. Good text costs 6-8 bits a character, shifted or wrongly decoded bytes
 * 12-20. Traditional characters are judged as their Simplified form. It orders readings of damaged bytes; it does not tell
 * good style from bad.
 *
 * The numbers (character-model.bin) were counted by scripts/character-model/train.ts, whose header says on which public texts:
 * half of the documents of the recipe open-texts, and messages, reviews, comments, answers and articles. None of the pages that
 * bench/repair.ts measures with is among them.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { simplecc } from 'simplecc-wasm';

/**
 * Layout of the file. A pair has one of four classes by its pointwise mutual information in bits: not among the frequent ones or
 * shunned, indifferent, drawn together, bound.
 */
export const MODEL = {
  units: 65_536,
  eighths: 8,
  pairs: 240_000,
  pairSlots: 2 ** 24,
  informationOf: [Number.NEGATIVE_INFINITY, -1.5, 1.5, 5],
} as const;

/** Bits of an ASCII character; the corpora have too few to count them. */
const ASCII_BITS = { letter: 6, digit: 5, space: 4, other: 8 };
/** Private-use characters and U+FFFD stand for damage. */
const DAMAGED_BITS = 28;
/** Names of plants and fish are not the less Chinese for standing in none of the texts that were counted. */
const LARGEST_BITS = 20;
/** A letter of kana, Hangul, Greek or Cyrillic after another: a word of that language. Wrong decoders show them one by one. */
const FOREIGN_WORD_BITS = 6;
/** What a pair of each class adds to the bits of its second character. */
const PAIR_BITS = [1.75, 0, -3, -7];
const LEAST_BITS = 1;

/** The slot of a pair in the table; several pairs may share one. */
export function pairSlot(first: number, second: number): number {
  const h = Math.imul((first << 16) | second, 0x9e3779b1);
  return (h ^ (h >>> 15)) & (MODEL.pairSlots - 1);
}

/** The unit that stands for another as a neighbour: all digits are one, all letters, all other ASCII; 0 is the end of a line. */
export function contextOf(unit: number): number {
  if (unit >= 0x80) return unit;
  if (unit === 0 || unit === 0x0a) return 0x0a;
  if (unit >= 0x30 && unit <= 0x39) return 0x30;
  return (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a ? 0x61 : 0x20;
}

interface Tables {
  bits: Float32Array;
  folded: Uint16Array;
  pairs: Uint8Array;
  scripts: Uint8Array;
}
let loaded: Tables | undefined;

function tables(): Tables {
  loaded ??= load();
  return loaded;
}

function load(): Tables {
  const bytes = brotliDecompressSync(readFileSync(new URL('./character-model.bin', import.meta.url)));
  const folded = simplifiedForms();
  const bits = new Float32Array(MODEL.units);
  for (let unit = 0; unit < MODEL.units; unit++) {
    bits[unit] = unit < 0x80 ? asciiBits(unit) : Math.min(LARGEST_BITS, bytes[folded[unit]!]! / MODEL.eighths);
    if ((unit >= 0xe000 && unit <= 0xf8ff) || unit === 0xfffd) bits[unit] = DAMAGED_BITS;
  }
  return { bits, folded, pairs: bytes.subarray(MODEL.units), scripts: foreignScripts() };
}

/** A number for each script that is written in letters, 0 for all other units. */
function foreignScripts(): Uint8Array {
  const scripts = new Uint8Array(MODEL.units);
  const rows: readonly [number, number][] = [
    [0x0370, 0x03ff],
    [0x0400, 0x04ff],
    [0x3041, 0x30ff],
    [0xac00, 0xd7a3],
  ];
  for (const [at, [first, last]] of rows.entries()) scripts.fill(at + 1, first, last + 1);
  return scripts;
}

/** The Simplified form of each unit, itself where it has none. */
function simplifiedForms(): Uint16Array {
  const forms = Uint16Array.from({ length: MODEL.units }, (_, unit) => unit);
  const ideographs: number[] = [];
  for (let unit = 0x3400; unit < 0xa000; unit++) ideographs.push(unit);
  // Line breaks keep phrases from forming across neighbours.
  const lines = simplecc(ideographs.map((unit) => String.fromCharCode(unit)).join('\n'), 't2s').split('\n');
  for (const [at, line] of lines.entries()) if (line.length === 1) forms[ideographs[at]!] = line.charCodeAt(0);
  return forms;
}

function asciiBits(unit: number): number {
  if (unit === 0x20 || unit === 0x0a) return ASCII_BITS.space;
  if (unit >= 0x30 && unit <= 0x39) return ASCII_BITS.digit;
  if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) return ASCII_BITS.letter;
  return ASCII_BITS.other;
}

/** Bits of a UTF-16 unit after another (0 at the beginning of a line). */
export function bitsAfter(previous: number, unit: number): number {
  const { bits, folded, pairs, scripts } = tables();
  const alone = bits[unit]!;
  if (unit < 0x80) return alone;
  if (scripts[unit] !== 0 && scripts[unit] === scripts[previous]) return Math.min(alone, FOREIGN_WORD_BITS);
  const slot = pairSlot(contextOf(folded[previous]!), folded[unit]!);
  return Math.max(LEAST_BITS, alone + PAIR_BITS[(pairs[slot >> 2]! >> (2 * (slot & 3))) & 3]!);
}

/** What the end of a line, a digit or a letter after a unit adds to the bits of it; 0 before other units, which have their own. */
export function bitsBefore(unit: number, next: number): number {
  if (next >= 0x80) return 0;
  const { folded, pairs } = tables();
  const slot = pairSlot(folded[unit]!, contextOf(next));
  return PAIR_BITS[(pairs[slot >> 2]! >> (2 * (slot & 3))) & 3]!;
}

/** Bits of the character without a neighbour. */
export function bitsAlone(unit: number): number {
  return tables().bits[unit]!;
}

/** The Simplified form of a UTF-16 unit. */
export function simplifiedUnit(unit: number): number {
  return tables().folded[unit]!;
}

/** Bits of a whole text. */
export function bitsOf(text: string): number {
  let sum = 0;
  let previous = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    sum += bitsAfter(previous, unit);
    previous = unit;
  }
  return sum;
}
