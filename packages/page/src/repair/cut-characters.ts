/**
 * Undoes byte-level damage to GBK text by careless converters. The usual one replaces full-width ASCII (A3 xx) by ASCII
 * byte by byte, without minding where characters begin: 。“ is A1 A3 A1 B0, its middle is ！, so what is left is A1 21 B0 and
 * every character after it is cut in half until the next ASCII byte. Shown, that is `?!` and a run of rare characters,
 * private-use characters where commas were, and a letter or digit where another pair was taken for a full-width one.
 * Others drop a single byte, with the same kind of run behind it.
 *
 * The text goes back to bytes, and the cheapest reading of the bytes is searched (Viterbi over byte positions) among: a
 * character as it stands, a narrowed pair made wide again, half a character lost. The original is kept unless the new reading is
 * far more likely under the character model. What is lost for good becomes □.
 */

import { MISSING } from '../missing.ts';
import { bitsAfter, simplifiedUnit } from './character-model.ts';
import { codeTable, FOREIGN, LOST, LOST_OR_QUESTION, toBytes } from './code-pages.ts';
import { isTraditional, likeliest, MISSING_UNIT, SURE, withByte, withLead, withTrail } from './lost-characters.ts';

/** Price in bits of each kind of damage: how surprising it is before one has looked at what it explains. */
const PRICE = {
  narrowed: 9,
  narrowedLost: 12,
  narrowedUnmarked: 20,
  half: 22,
  lostByte: 12,
  lostHalf: 8,
  question: 14,
  /** … in a line that is known to have lost bytes. */
  questionMarked: 3,
};
/** The new reading must be cheaper by this, in bits, all prices paid; by less on a damaged page, and where a byte is known to be lost. */
const LEAST_GAIN = 36;
const LEAST_GAIN_DAMAGED = 16;
const LEAST_GAIN_MARKED = 8;

/** Marks of lost bytes: a decoder's, or the first half of a mark that was narrowed, which no one writes before a character. */
const MARKED = /\uFFFD|[?]![\u2460-\u27FF\u3000-\u9FFF\uE000-\uFFFF]/;

/** The text mended, or undefined where no other reading is clearly better. `damaged`: the page has shown damage. */
export function mendCutCharacters(line: string, damaged = false): string | undefined {
  const plain = read(line);
  const folded = foldToSimplified(line);
  // A page turned into Traditional after the damage: the bytes are those of the Simplified characters.
  const other = folded === line ? undefined : read(folded);
  const best = other !== undefined && other.bits < plain.bits - LEAST_GAIN ? other : plain;
  const least = MARKED.test(line) ? LEAST_GAIN_MARKED : damaged ? LEAST_GAIN_DAMAGED : LEAST_GAIN;
  return best.before - best.bits >= least ? best.text : undefined;
}

function foldToSimplified(text: string): string {
  let folded = '';
  for (let i = 0; i < text.length; i++) folded += String.fromCharCode(simplifiedUnit(text.charCodeAt(i)));
  return folded;
}

/** Cheapest way to each byte position: its bits, where it came from, the one or two units that the last step gives. */
class Paths {
  readonly bits: Float64Array;
  readonly from: Int32Array;
  readonly first: Uint16Array;
  readonly second: Uint16Array;
  /** Candidates of the unit that is □, the second if it is. */
  readonly lost = new Map<number, Uint16Array>();

  constructor(length: number) {
    this.bits = new Float64Array(length + 1).fill(Number.POSITIVE_INFINITY);
    this.bits[0] = 0;
    this.from = new Int32Array(length + 1);
    this.first = new Uint16Array(length + 1);
    this.second = new Uint16Array(length + 1);
  }

  previous(at: number): number {
    return at === 0 ? 0 : this.second[at]! || this.first[at]!;
  }

  /** A step from `at` over `step` bytes that gives `first` and, unless 0, `second`. */
  offer(at: number, step: number, price: number, first: number, second: number, candidates?: Uint16Array): void {
    let bits = this.bits[at]! + price + bitsOfUnit(this.previous(at), first);
    if (second !== 0) bits += bitsOfUnit(first, second);
    const to = at + step;
    if (to >= this.bits.length || bits >= this.bits[to]!) return;
    this.bits[to] = bits;
    this.from[to] = at;
    this.first[to] = first;
    this.second[to] = second;
    if (candidates === undefined) this.lost.delete(to);
    else this.lost.set(to, candidates);
  }

  text(): string {
    const units: number[] = [];
    const open: { place: number; candidates: Uint16Array }[] = [];
    for (let at = this.bits.length - 1; at > 0; at = this.from[at]!) {
      const candidates = this.lost.get(at);
      for (const unit of this.second[at] === 0 ? [this.first[at]!] : [this.second[at]!, this.first[at]!]) {
        if (candidates !== undefined && unit === MISSING_UNIT) open.push({ place: units.length, candidates });
        units.push(unit);
      }
    }
    // Units stand in reverse.
    const traditional = isTraditional(units);
    for (const { place, candidates } of open.reverse()) {
      units[place] = likeliest(candidates, units[place + 1] ?? 0, units[place - 1] ?? 0, traditional, SURE.half);
    }
    let text = '';
    for (let i = units.length - 1; i >= 0; i--) text += units[i] === EATEN ? MISSING : String.fromCharCode(units[i]!);
    return text;
  }
}

/** A lost character is priced by the damage that explains it. */
function bitsOfUnit(previous: number, unit: number): number {
  if (unit === EATEN) return 0;
  return unit === MISSING_UNIT ? 4 : bitsAfter(previous === MISSING_UNIT || previous === EATEN ? 0 : previous, unit);
}

/** Stands for an ASCII character that the decoder took for a trail byte; it comes out as □, and nothing is known of it. */
const EATEN = 0xfffc;

/** A number whose first digit a decoder of GB 18030 takes for one of four bytes. */
function goesOnLikeNumber(bytes: Int16Array, at: number): boolean {
  const [byte, next] = [bytes[at] ?? 0, bytes[at + 1] ?? 0];
  return isDigit(byte) || ((byte === 0x2e || byte === 0x25 || byte === 0x2c) && (byte === 0x25 || isDigit(next)));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function read(line: string): { text: string; bits: number; before: number } {
  const { bytes, units, length } = toBytes(line, 'gbk');
  const { unitOf } = codeTable('gbk');
  const paths = new Paths(length);
  const question = line.includes('\uFFFD') ? PRICE.questionMarked : PRICE.question;
  let before = 0;
  let previous = 0;
  for (let at = 0; at < length; at++) {
    if (units[at] !== 0) {
      before += bitsAfter(previous, units[at]!);
      previous = units[at]!;
    }
    if (paths.bits[at] === Number.POSITIVE_INFINITY) continue;
    const byte = bytes[at]!;
    const next = at + 1 < length ? bytes[at + 1]! : FOREIGN;
    if (byte === FOREIGN) paths.offer(at, 1, 0, units[at]!, 0);
    else if (byte >= 0 && byte < 0x80) paths.offer(at, 1, 0, byte, 0);
    else if (byte === LOST || byte === LOST_OR_QUESTION) offerLost(paths, at, byte === LOST ? 0 : question, next);
    else offerHigh(paths, at, bytes, question, unitOf);
    offerNarrowed(paths, at, bytes, unitOf);
  }
  return { text: paths.text(), bits: paths.bits[length]!, before };
}

/** `price`: of its being a lost byte and no question mark; 0 where it is one. */
function offerLost(paths: Paths, at: number, price: number, next: number): void {
  if (price > 0) paths.offer(at, 1, 0, 0x3f, 0);
  paths.offer(at, 1, price + PRICE.lostByte, MISSING_UNIT, 0);
  if (next >= 0x40) {
    paths.offer(at, 2, price + PRICE.lostHalf, MISSING_UNIT, 0, withTrail('gbk', next));
  }
}

function offerHigh(paths: Paths, at: number, bytes: Int16Array, question: number, unitOf: Uint16Array): void {
  const byte = bytes[at]!;
  const next = at + 1 < paths.bits.length - 1 ? bytes[at + 1]! : FOREIGN;
  if (byte === 0x80) paths.offer(at, 1, 0, 0x20ac, 0);
  if (next >= 0x40) {
    const unit = unitOf[byte * 256 + next]!;
    if (unit !== 0) paths.offer(at, 2, 0, unit, 0);
  }
  paths.offer(at, 1, PRICE.half, MISSING_UNIT, 0, withByte('gbk', byte));
  if (next !== LOST && next !== LOST_OR_QUESTION) return;
  const price = PRICE.lostHalf + (next === LOST ? 0 : question);
  const eaten = goesOnLikeNumber(bytes, at + 2) ? EATEN : 0;
  paths.offer(at, 2, price, MISSING_UNIT, eaten, withLead('gbk', byte));
}

/** lead, ASCII, trail ← lead A3 | ASCII + 80, trail; a space ← A1 | A1. The lead may be shown as a lost byte, or not at all. */
function offerNarrowed(paths: Paths, at: number, bytes: Int16Array, unitOf: Uint16Array): void {
  const byte = bytes[at]!;
  const marked = byte >= 0x81 || byte === LOST || byte === LOST_OR_QUESTION;
  const middle = bytes[marked ? at + 1 : at];
  const trail = bytes[marked ? at + 2 : at + 1];
  if (trail === LOST && byte >= 0x81) offerTrailLost(paths, at, byte, middle!, unitOf);
  if (trail === undefined || trail < 0x40) return;
  // A question mark is a narrowed ？ as well.
  const ascii = middle === LOST_OR_QUESTION ? 0x3f : middle;
  if (ascii === undefined || ascii < 0x20 || ascii > 0x7e) return;
  const [inner, lead] = ascii === 0x20 ? [0xa1, 0xa1] : [0xa3, ascii + 0x80];
  const second = unitOf[lead * 256 + trail]!;
  if (second === 0) return;
  if (byte >= 0x81) {
    const first = unitOf[byte * 256 + inner]!;
    if (first !== 0) paths.offer(at, 3, PRICE.narrowed, first, second);
  } else if (marked) {
    paths.offer(at, 3, PRICE.narrowedLost, MISSING_UNIT, second, withTrail('gbk', inner));
  } else {
    paths.offer(at, 2, PRICE.narrowedUnmarked, MISSING_UNIT, second, withTrail('gbk', inner));
  }
}

/** The trail stood before an ASCII byte, so that nothing could be shown for it. */
function offerTrailLost(paths: Paths, at: number, byte: number, ascii: number, unitOf: Uint16Array): void {
  if (ascii < 0x21 || ascii > 0x7e) return;
  const first = unitOf[byte * 256 + 0xa3]!;
  if (first !== 0) paths.offer(at, 3, PRICE.narrowed, first, MISSING_UNIT, withLead('gbk', ascii + 0x80));
}
