/**
 * Undoes decoding with the wrong charset: UTF-8 read as GBK (锛, 鐨), Big5 or windows-1252 (ä¸­), GBK read as windows-1252
 * (ÖÐ) or Big5, Big5 read as GBK or windows-1252. A line may be mojibake in part, and a wrong decoder loses a byte here and there: it
 * shows ? or U+FFFD, or swallows it. So the line goes back to bytes and the cheapest reading is searched under the character model,
 * in two modes, as it stands and decoded anew; changing the mode has its price. Bytes lost for good become □, or
 * the one character that is far likelier than all others that they can have been (。 for E3 80 and a lost byte).
 */
import { bitsAfter, bitsAlone, bitsOf } from './character-model.ts';
import { type ByteText, type CodePage, codeTable, FOREIGN, LOST, LOST_OR_QUESTION, toBytes } from './code-pages.ts';
import { isTraditional, likeliest, MISSING_UNIT, SURE, withLead, withSixBits } from './lost-characters.ts';

type Target = 'utf-8' | 'gbk' | 'big5';
export interface Mojibake {
  shown: CodePage;
  meant: Target;
}

export const MOJIBAKE: readonly Mojibake[] = [
  { shown: 'gbk', meant: 'utf-8' },
  { shown: 'windows-1252', meant: 'utf-8' },
  { shown: 'windows-1252', meant: 'gbk' },
  { shown: 'windows-1252', meant: 'big5' },
  { shown: 'big5', meant: 'utf-8' },
  { shown: 'gbk', meant: 'big5' },
  { shown: 'big5', meant: 'gbk' },
];

const PRICE = { start: 12, change: 16, lost: 8, swallowed: 16, stray: 20, island: 10, mark: 6, letter: 10 };
/** A character that stood as a reference among mistaken ones is right already; such are frequent, what wrong decoders show is rare. */
const ISLAND_BITS = 13;
const MISSING_BITS = 4;

/** Dashes, quotation marks and dots may have been references too, and windows-1252 has bytes for them. */
function islandPrice(unit: number): number | undefined {
  if (unit >= 0x2013 && unit <= 0x2026) return PRICE.mark;
  return unit >= 0x3000 && bitsAlone(unit) <= ISLAND_BITS ? PRICE.island : undefined;
}

export interface Reading {
  text: string;
  bits: number;
  before: number;
}

/**
 * The cheapest reading of a line of one kind of mojibake. It is the line itself where nothing is gained. `start` is the price of
 * beginning with it.
 */
export function readMojibake(line: string, kind: Mojibake, start = PRICE.start): Reading {
  return new Lattice(toBytes(line, kind.shown), kind, start).read();
}

/**
 * A line that was mistaken twice by way of windows-1252 (中 → ä¸­ → 盲赂颅): the text between is no Chinese and looks no better
 * than what is shown, so both steps are taken at once. Undefined where the text between is not made of such letters.
 */
export function readThroughLatin(line: string, kind: Mojibake): { reading: Reading; inner: Mojibake } | undefined {
  if (kind.meant !== 'utf-8' || kind.shown === 'windows-1252') return undefined;
  const { bytes, length } = toBytes(line, kind.shown);
  // A lost byte breaks its sequence, and is lost in the text between.
  const between = new TextDecoder().decode(
    Uint8Array.from(bytes.subarray(0, length), (byte) => (byte < 0 ? 0xff : byte)),
  );
  const letters = between.match(WINDOWS_1252)?.length ?? 0;
  const others = between.match(IDEOGRAPHS)?.length ?? 0;
  if (letters < LEAST_LETTERS || letters < 8 * others) return undefined;
  const inner = MOJIBAKE.find(({ shown, meant }) => shown === 'windows-1252' && meant === 'utf-8')!;
  const reading = readMojibake(between, inner, 0);
  return { reading: { ...reading, before: bitsOf(line) }, inner };
}

const WINDOWS_1252 =
  /[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]/g;
const IDEOGRAPHS = /[\u2e80-\uffef]/g;
const LEAST_LETTERS = 6;

/** Best paths to every byte position in both modes: the state 2·at is as it stands, 2·at + 1 decoded anew. */
class Lattice {
  readonly #text: ByteText;
  readonly #kind: Mojibake;
  readonly #unitOf: Uint16Array | undefined;
  readonly #bits: Float64Array;
  readonly #from: Int32Array;
  readonly #first: Uint16Array;
  readonly #second: Uint16Array;
  readonly #lost = new Map<number, () => Uint16Array>();

  constructor(text: ByteText, kind: Mojibake, start: number) {
    this.#text = text;
    this.#kind = kind;
    this.#unitOf = kind.meant === 'utf-8' ? undefined : codeTable(kind.meant).unitOf;
    const states = 2 * text.length + 2;
    this.#bits = new Float64Array(states).fill(Number.POSITIVE_INFINITY);
    this.#from = new Int32Array(states);
    this.#first = new Uint16Array(states);
    this.#second = new Uint16Array(states);
    this.#bits[0] = 0;
    this.#bits[1] = start;
  }

  read(): Reading {
    const { bytes, units, length } = this.#text;
    let before = 0;
    let previous = 0;
    for (let at = 0; at < length; at++) {
      const step = at + 1 < length && units[at + 1] === 0 ? 2 : 1;
      if (units[at] !== 0) {
        before += bitsAfter(previous, units[at]!);
        previous = units[at]!;
        this.#changeModes(at);
        this.#offer(2 * at, 2 * (at + step), 0, units[at]!, 0);
      }
      if (this.#bits[2 * at + 1] === Number.POSITIVE_INFINITY) continue;
      this.#decodeFrom(at, bytes[at]!);
      const unit = units[at]!;
      const price = islandPrice(unit);
      if (bytes[at]! >= 0x80 && price !== undefined) this.#offer(2 * at + 1, 2 * (at + step) + 1, price, unit, 0);
    }
    this.#changeModes(length);
    return { text: this.#trace(), bits: Math.min(this.#bits[2 * length]!, this.#bits[2 * length + 1]!), before };
  }

  #changeModes(at: number): void {
    this.#change(2 * at, 2 * at + 1);
    this.#change(2 * at + 1, 2 * at);
  }

  #change(from: number, to: number): void {
    if (this.#bits[from]! + PRICE.change >= this.#bits[to]!) return;
    this.#bits[to] = this.#bits[from]! + PRICE.change;
    // The step into `from` is copied, so that a trace needs no steps without text.
    this.#from[to] = this.#from[from]!;
    this.#first[to] = this.#first[from]!;
    this.#second[to] = this.#second[from]!;
    const lost = this.#lost.get(from);
    if (lost === undefined) this.#lost.delete(to);
    else this.#lost.set(to, lost);
  }

  #offer(from: number, to: number, price: number, first: number, second: number): void {
    const last = this.#second[from]! || this.#first[from]!;
    const own = first === MISSING_UNIT ? MISSING_BITS : bitsAfter(last === MISSING_UNIT ? 0 : last, first);
    const bits = this.#bits[from]! + price + own;
    if (to >= this.#bits.length || bits >= this.#bits[to]!) return;
    this.#bits[to] = bits;
    this.#from[to] = from;
    this.#first[to] = first;
    this.#second[to] = second;
    this.#lost.delete(to);
  }

  /** A step that gives one of some candidates; which, is settled when its neighbours are known. */
  #offerLost(from: number, to: number, price: number, candidates: () => Uint16Array): void {
    const before = this.#bits[to];
    this.#offer(from, to, price, MISSING_UNIT, 0);
    if (this.#bits[to] !== before) this.#lost.set(to, candidates);
  }

  #decodeFrom(at: number, byte: number): void {
    const state = 2 * at + 1;
    if (byte === FOREIGN) this.#offer(state, state + 2, 0, this.#text.units[at]!, 0);
    else if (byte === LOST) this.#offer(state, state + 2, PRICE.lost, MISSING_UNIT, 0);
    else if (byte === LOST_OR_QUESTION) {
      this.#offer(state, state + 2, 0, 0x3f, 0);
      this.#offer(state, state + 2, PRICE.lost + PRICE.change, MISSING_UNIT, 0);
    } else if (byte < 0x80) this.#offer(state, state + 2, 0, byte, 0);
    else {
      this.#offer(state, state + 2, PRICE.stray, MISSING_UNIT, 0);
      if (this.#unitOf === undefined) this.#decodeUtf8(at, byte);
      else this.#decodePair(at, byte, this.#unitOf);
    }
  }

  #decodePair(at: number, lead: number, unitOf: Uint16Array): void {
    const trail = this.#byteInside(at + 1);
    const unit = trail >= 0x40 ? unitOf[lead * 256 + trail]! : 0;
    if (unit !== 0) this.#offer(2 * at + 1, 2 * at + 5, 0, unit, 0);
    else if (trail === LOST && this.#kind.meant !== 'utf-8') {
      const page = this.#kind.meant;
      this.#offerLost(2 * at + 1, 2 * at + 5, PRICE.lost, () => withLead(page, lead));
    }
  }

  /** One UTF-8 sequence; a continuation byte may be lost (a mark stands for it) or swallowed (nothing does). */
  #decodeUtf8(at: number, lead: number): void {
    const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (size === 0 || lead > 0xf4) return;
    let code = lead & (0x7f >> size);
    let lostShift = -1;
    let step = 1;
    let price = 0;
    for (let i = 1; i < size; i++) {
      const byte = at + step < this.#text.length ? this.#byteInside(at + step) : FOREIGN;
      code <<= 6;
      if (byte >= 0x80 && byte < 0xc0) {
        code |= byte & 0x3f;
        step++;
      } else if (lostShift >= 0) return;
      else {
        lostShift = 6 * (size - 1 - i);
        const marked = byte === LOST || byte === LOST_OR_QUESTION;
        if (marked) step++;
        price = marked ? PRICE.lost : PRICE.swallowed;
      }
    }
    const to = 2 * (at + step) + 1;
    // Letters of languages that are not beside Chinese: two bytes of a character that was right already.
    if ((code >= 0x180 && code < 0x370 && !(code >= 0x1cd && code <= 0x1dc)) || (code >= 0x530 && code < 0x800))
      price += PRICE.letter;
    if (lostShift >= 0) this.#offerLost(2 * at + 1, to, price, () => withSixBits(code, lostShift));
    else if (code >= 0x10000) {
      if (code <= 0x10ffff) this.#offer(2 * at + 1, to, 0, 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
    } else if (code >= 0x80 && (code < 0xd800 || code > 0xdfff)) this.#offer(2 * at + 1, to, price, code, 0);
  }

  /** A byte inside a sequence: white space is what clean-up made of the byte A0 of windows-1252. */
  #byteInside(at: number): number {
    const byte = this.#text.bytes[at] ?? FOREIGN;
    return byte === 0x20 && this.#kind.shown === 'windows-1252' ? 0xa0 : byte;
  }

  #trace(): string {
    const end = 2 * this.#text.length;
    const units: number[] = [];
    const open: { place: number; candidates: () => Uint16Array }[] = [];
    for (let at = this.#bits[end]! <= this.#bits[end + 1]! ? end : end + 1; at > 1; at = this.#from[at]!) {
      if (this.#second[at] !== 0) units.push(this.#second[at]!);
      const candidates = this.#first[at] === MISSING_UNIT ? this.#lost.get(at) : undefined;
      if (candidates !== undefined) open.push({ place: units.length, candidates });
      units.push(this.#first[at]!);
    }
    // Units stand in reverse.
    const traditional = isTraditional(units);
    const sure = this.#kind.meant === 'utf-8' ? SURE.sixBits : SURE.half;
    for (const { place, candidates } of open.reverse()) {
      units[place] = likeliest(candidates(), units[place + 1] ?? 0, units[place - 1] ?? 0, traditional, sure);
    }
    let text = '';
    for (let i = units.length - 1; i >= 0; i--) text += String.fromCharCode(units[i]!);
    return text;
  }
}
