/**
 * Undoes wrong charsets and cut characters line by line, so that a damaged comment does not cost an article. A line is read anew only if its
 * characters are unlikely or show marks of damage. What a document has shown on several lines is then tried on all others, for
 * short ones give no sign of their own. Lines that are left alone come out as they were.
 */
import { MISSING } from '../missing.ts';
import { bitsAfter, bitsOf } from './character-model.ts';
import { mendCutCharacters } from './cut-characters.ts';
import { MOJIBAKE, type Mojibake, type Reading, readMojibake, readThroughLatin } from './mojibake.ts';

/** Bits a character of a window from which on a line is looked at. One good window in 500 reaches it, half of the damaged ones do not miss it. */
const SUSPICIOUS_BITS = 14.5;
const WINDOW = 12;
/** A line shorter than the window needs more. */
const SUSPICIOUS_SHORT_BITS = 17;
/** From so many bits on, in a short window, a line may have characters cut in half; in a shorter one on a page with other damage. */
const CUT = { sound: { window: 6, bits: 16 }, damaged: { window: 3, bits: 16 } };
/** The long window that ends in such a short one costs so much. */
const LEAST_AROUND_CUT = 10.5;
/** A line that is still like this after all is noise. */
const GARBLED_BITS = 17;
/** A new decoding must be cheaper by bits and by share. */
const LEAST_GAIN = 20;
const LARGEST_REST = 0.8;
const UTF_8_SHARE = 0.7;
/** Where other lines have shown the decoding it costs less to begin with it, and a small gain is enough. */
const SHOWN = { lines: 3, gain: 4, price: 2 };
/** Wrong decodings that lie upon each other are taken off one by one. */
const LAYERS = 3;
/** Pieces that are searched at once; a line may be as long as a document. */
const LONGEST_PIECE = 16_384;

export type LineDamage = 'charset' | 'cut-characters';

/** Wrong decodings that lie upon each other, the outermost first. */
export type Layers = readonly Mojibake[];

/** `unlikely`: some line was no likely Chinese before it was mended. `layers`: what several lines have shown. */
export interface MendedLines {
  text: string;
  damage: Set<LineDamage>;
  unlikely: boolean;
  layers: Layers;
}

interface MendedPiece {
  text: string;
  layers: Layers;
  cut: boolean;
}

/** `shown`: what another part of the document has shown. `damaged`: something else was wrong with it. */
export function mendLines(text: string, shown: Layers = [], damaged = false): MendedLines {
  const damage = new Set<LineDamage>();
  const lines = text.split('\n');
  const mended = new Map<number, MendedPiece>();
  let unlikely = false;
  for (const [at, line] of lines.entries()) {
    const suspicion = suspicionOf(line, damaged);
    if (suspicion === 'none') continue;
    if (suspicion === 'any') unlikely = true;
    const result = mendLine(line, suspicion, damaged);
    if (result.text !== line) mended.set(at, result);
  }
  const layers = shown.length > 0 ? shown : shownBy([...mended.values()]);
  if (layers.length > 0) mendAlike(lines, mended, layers);
  for (const [at, piece] of mended) {
    if (piece.layers.length > 0) damage.add('charset');
    if (piece.cut) damage.add('cut-characters');
    lines[at] = piece.text;
  }
  return { text: mended.size > 0 ? lines.join('\n') : text, damage, unlikely, layers };
}

function shownBy(pieces: readonly MendedPiece[]): Layers {
  const seen = new Map<string, { layers: Layers; lines: number }>();
  for (const { layers } of pieces) {
    const key = layers.map(({ shown, meant }) => `${shown} ${meant}`).join();
    seen.set(key, { layers, lines: (seen.get(key)?.lines ?? 0) + 1 });
  }
  const most = [...seen.values()].reduce((a, b) => (b.lines > a.lines ? b : a), { layers: [], lines: 0 });
  return most.lines >= SHOWN.lines ? most.layers : [];
}

/** Reads the lines anew with the layers that are known; what is likelier then than before takes their place. */
function mendAlike(lines: readonly string[], mended: Map<number, MendedPiece>, layers: Layers): void {
  for (const [at, line] of lines.entries()) {
    const before = mended.get(at);
    if (before?.cut || line.length > LONGEST_PIECE || !OUTSIDE_ASCII.test(line)) continue;
    const reading = layers.reduce<Reading>((outer, layer) => readMojibake(outer.text, layer, SHOWN.price), {
      text: line,
      bits: 0,
      before: 0,
    });
    if (reading.text === (before?.text ?? line)) continue;
    if (reading.bits > bitsOf(before?.text ?? line) - SHOWN.gain) continue;
    mended.set(at, { text: reading.text, layers, cut: false });
  }
}

const OUTSIDE_ASCII = /[^\0-\x7f]/;

/** What may be wrong with a line: nothing, characters cut in half, or anything. */
type Suspicion = 'none' | 'cut' | 'any';

/** A line whose characters are too unlikely for the model, or that shows marks of damage. */
function suspicionOf(line: string, damaged: boolean): Suspicion {
  if (MARKS.test(line)) return 'any';
  const { window, bits } = damaged ? CUT.damaged : CUT.sound;
  const dearest = dearestWindows(line, window);
  if (dearest.long > SUSPICIOUS_BITS) return 'any';
  // What is marked as lost is no sign of anything more.
  if (line.includes(MISSING)) return 'none';
  return dearest.short > bits || (damaged && QUESTION.test(line)) ? 'cut' : 'none';
}

// Private use, lost characters, a narrowed ？！ before what is no quotation mark, letters of windows-1252 side by side.
const MARKS =
  /[\uE000-\uF8FF\uFFFD]|[?!]{2}[\u2460-\u27FF\u3000-\uFFFF]|[\u0080-\u00FF][\u0080-\u00FF\u0152\u0153\u0160\u0161\u0178\u017D\u017E\u0192\u02C6\u02DC\u2013-\u203A\u20AC\u2122]/;
/** A question mark of ASCII behind Chinese may be a byte that a decoder had no character for. */
const QUESTION = /[^\0-\x7f]\?/;

const ring = new Float64Array(WINDOW);

/**
 * The largest mean of bits a character over windows of characters outside ASCII, and over short windows. It runs over all text there
 * is: the short ones are looked at only at the end of long ones that are dear.
 */
function dearestWindows(line: string, shortWindow: number): { long: number; short: number } {
  const least = shortWindow === CUT.damaged.window ? 0 : LEAST_AROUND_CUT * WINDOW;
  let [sum, seen, slot, previous, long, short] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < line.length; i++) {
    const unit = line.charCodeAt(i);
    if (unit >= 0x80 && !isOtherScript(unit)) {
      const bits = bitsAfter(previous, unit);
      if (seen >= WINDOW) sum -= ring[slot]!;
      ring[slot] = bits;
      sum += bits;
      seen++;
      if (sum >= least && seen >= shortWindow) short = Math.max(short, lastOnes(slot, shortWindow));
      if (seen >= WINDOW && sum > long) long = sum;
      slot = slot + 1 === WINDOW ? 0 : slot + 1;
    }
    previous = unit;
  }
  const whole = seen >= 4 && seen < WINDOW ? sum / seen - (SUSPICIOUS_SHORT_BITS - SUSPICIOUS_BITS) : long / WINDOW;
  return { long: whole, short: short / shortWindow };
}

/** The sum of the last so many values of the ring. */
function lastOnes(slot: number, count: number): number {
  let sum = 0;
  for (let back = 0; back < count; back++) sum += ring[(slot - back + WINDOW) % WINDOW]!;
  return sum;
}

/** Calls `visit` with the mean of each full window; once for a line that is shorter, if it has four characters. */
function eachWindow(line: string, visit: (mean: number, at: number, size: number) => void): void {
  let sum = 0;
  let seen = 0;
  let previous = 0;
  for (let i = 0; i < line.length; i++) {
    const unit = line.charCodeAt(i);
    if (unit >= 0x80 && !isOtherScript(unit)) {
      const bits = bitsAfter(previous, unit);
      if (seen >= WINDOW) sum -= ring[seen % WINDOW]!;
      ring[seen % WINDOW] = bits;
      sum += bits;
      seen++;
      if (seen >= WINDOW) visit(sum / WINDOW, i, WINDOW);
    }
    previous = unit;
  }
  if (seen >= 4 && seen < WINDOW) visit(sum / seen, line.length - 1, seen);
}

/**
 * Letters that the model has no numbers for: emoji and other pairs, kana, Hangul, Thai, Latin with accents. Garbage has no two of them
 * in a row often enough to hide behind; Greek and Cyrillic rows of GBK count.
 */
function isOtherScript(unit: number): boolean {
  if (unit < 0x0590) return unit >= 0xc0 && unit < 0x0250;
  // Arrows, drawings and bullets are no language either.
  if (unit < 0x1e00 || (unit >= 0x2190 && unit < 0x2c00)) return true;
  return (unit >= 0x3041 && unit <= 0x318f) || (unit >= 0xac00 && unit <= 0xdfff);
}

function mendLine(line: string, suspicion: Suspicion, damaged: boolean): MendedPiece {
  const parts = pieces(line).map((piece) => mendPiece(piece, suspicion, damaged));
  return {
    text: parts.map((part) => part.text).join(''),
    layers: parts.find((part) => part.layers.length > 0)?.layers ?? [],
    cut: parts.some((part) => part.cut),
  };
}

function mendPiece(piece: string, suspicion: Suspicion, damaged: boolean): MendedPiece {
  const layers: Mojibake[] = [];
  let text = piece;
  let cut = false;
  for (let layer = 0; layer < LAYERS; layer++) {
    const joined = mendCutCharacters(text, damaged);
    const decoded = suspicion === 'any' ? bestDecoding(text) : undefined;
    const joinedBits = joined === undefined ? Number.POSITIVE_INFINITY : bitsOf(joined);
    if (decoded !== undefined && decoded.bits < joinedBits) {
      layers.push(...decoded.layers);
      text = decoded.text;
    } else if (joined !== undefined) {
      cut = true;
      text = joined;
    } else break;
    if (suspicionOf(text, damaged) === 'none') break;
  }
  return { text, layers, cut };
}

interface Decoded {
  text: string;
  bits: number;
  layers: Layers;
}

function bestDecoding(text: string): Decoded | undefined {
  const latin = looksLatin(text);
  let best: Decoded | undefined;
  const offer = (reading: Reading, layers: Layers) => {
    if (reading.bits > reading.before - LEAST_GAIN || reading.bits > LARGEST_REST * reading.before) return;
    // Bytes are UTF-8 hardly by chance, while any bytes make characters of two.
    const bits = layers.at(-1)!.meant === 'utf-8' ? UTF_8_SHARE * reading.bits : reading.bits;
    if (best === undefined || bits < best.bits) best = { text: reading.text, bits, layers };
  };
  for (const kind of MOJIBAKE) {
    if ((kind.shown === 'windows-1252') !== latin) continue;
    offer(readMojibake(text, kind), [kind]);
    const through = readThroughLatin(text, kind);
    if (through !== undefined) offer(through.reading, [kind, through.inner]);
  }
  return best;
}

/** Letters of Latin-1 are what windows-1252 shows; GBK and Big5 show one of them among many ideographs. */
function looksLatin(text: string): boolean {
  let balance = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80 && unit < 0x100) balance++;
    else if (unit >= 0x2e80) balance--;
  }
  return balance > 0;
}

/** A long line in pieces that end at ASCII characters, where every reading of the bytes agrees. */
function pieces(line: string): string[] {
  if (line.length <= LONGEST_PIECE) return [line];
  const result: string[] = [];
  for (let begin = 0; begin < line.length; ) {
    let end = Math.min(line.length, begin + LONGEST_PIECE);
    while (end < line.length && end > begin + LONGEST_PIECE / 2 && line.charCodeAt(end - 1) >= 0x40) end--;
    result.push(line.slice(begin, end));
    begin = end;
  }
  return result;
}

/** Characters in windows that no language model takes for Chinese. */
export function noiseOf(line: string): number {
  let noise = 0;
  let until = -1;
  eachWindow(line, (mean, at, size) => {
    if (mean < GARBLED_BITS) return;
    const from = Math.max(until, at - size);
    noise += at - from;
    until = at;
  });
  return noise;
}
