/**
 * Stage `repair`: damaged text is mended where its information survives, else rejected. In order: character references,
 * pinyin inserted after characters, wrong charset, characters cut in half, keywords injected at the ends. What was mended
 * stands in meta.repaired (kinds joined by commas). Undamaged text comes out byte for byte; no style, spelling or layout
 * is touched. Lines are judged one by one, so that one damaged comment does not cost an article.
 */
import type { Draft, Rejection } from '../../document.ts';
import { MISSING } from '../missing.ts';
import { bitsAfter, bitsOf } from './character-model.ts';
import { mendCutCharacters } from './cut-characters.ts';
import { decodeReferences } from './entities.ts';
import { cutInjectedSpam } from './injected-spam.ts';
import { MOJIBAKE, readMojibake } from './mojibake.ts';
import { removeInsertedPinyin } from './pinyin.ts';
import { resolvePrivateUse } from './private-use.ts';

/** Bits a character of a window from which on a line is looked at. One good window in 500 reaches it, half of the damaged ones do not miss it. */
const SUSPICIOUS_BITS = 14.5;
const WINDOW = 12;
/** A line shorter than the window needs more. */
const SUSPICIOUS_SHORT_BITS = 17;
/** A line that is still like this after all is noise. */
const GARBLED_BITS = 17;
/** Share of the text that may be noise or lost before the document is rejected. */
const LARGEST_NOISE = 0.02;
/** A list of rare names is as unlikely as noise, but short. */
const LEAST_NOISE = 2 * WINDOW;
const LARGEST_LOSS = 0.05;
/** A new decoding must be cheaper by bits and by share. */
const LEAST_GAIN = 20;
const LARGEST_REST = 0.8;
const UTF_8_SHARE = 0.7;
/** Wrong decodings that lie upon each other are taken off one by one. */
const LAYERS = 3;
/** Pieces that are searched at once; a line may be as long as a document. */
const LONGEST_PIECE = 16_384;

type Kind = 'references' | 'pinyin' | 'charset' | 'cut-characters' | 'private-use' | 'injected-spam';

export function repair(draft: Draft): Draft | Rejection {
  const kinds = new Set<Kind>();
  const title = mend(draft.title, kinds).text;
  const { text: body, unlikely } = mend(draft.body, kinds);
  const damage = damageOf(draft.body, body, unlikely);
  if (damage.lost > 1 && damage.lost > LARGEST_LOSS * damage.characters) return { reason: 'lost-characters' };
  if (damage.noise > LEAST_NOISE && damage.noise > LARGEST_NOISE * damage.characters) return { reason: 'garbled' };
  if (kinds.size === 0) return draft;
  return { ...draft, title, body, meta: { ...draft.meta, repaired: [...kinds].join(',') } };
}

/** `unlikely`: some line was no likely Chinese before it was mended. */
type Mended = { text: string; unlikely: boolean };

function mend(text: string, kinds: Set<Kind>): Mended {
  const step = (kind: Kind, before: string, after: string) => {
    if (after !== before) kinds.add(kind);
    return after;
  };
  let mended = step('references', text, decodeReferences(text));
  mended = step('pinyin', mended, removeInsertedPinyin(mended));
  const { text: lines, unlikely } = mendLines(mended, kinds);
  mended = step('private-use', lines, resolvePrivateUse(lines));
  return { text: step('injected-spam', mended, cutInjectedSpam(mended)), unlikely };
}

function mendLines(text: string, kinds: Set<Kind>): Mended {
  const lines = text.split('\n');
  let changed = false;
  let unlikely = false;
  for (const [at, line] of lines.entries()) {
    if (!isSuspicious(line)) continue;
    unlikely = true;
    const mended = mendLine(line, kinds);
    if (mended === line) continue;
    lines[at] = mended;
    changed = true;
  }
  return { text: changed ? lines.join('\n') : text, unlikely };
}

/** A line whose characters are too unlikely for the model, or that shows marks of damage. */
function isSuspicious(line: string): boolean {
  return MARKS.test(line) || dearestWindow(line) > SUSPICIOUS_BITS;
}

// Private use, lost characters, a narrowed ？！ before Chinese, letters of windows-1252 side by side.
const MARKS =
  /[\uE000-\uF8FF\uFFFD]|[?!]{2}[\u3000-\uFFFF]|[\u0080-\u00FF][\u0080-\u00FF\u0152\u0153\u0160\u0161\u0178\u017D\u017E\u0192\u02C6\u02DC\u2013-\u203A\u20AC\u2122]/;

/** The largest mean of bits a character over windows of characters outside ASCII. */
function dearestWindow(line: string): number {
  let dearest = 0;
  eachWindow(line, (mean, _at, size) => {
    const threshold = size < WINDOW ? mean - (SUSPICIOUS_SHORT_BITS - SUSPICIOUS_BITS) : mean;
    dearest = Math.max(dearest, threshold);
  });
  return dearest;
}

const ring = new Float64Array(WINDOW);

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

function mendLine(line: string, kinds: Set<Kind>): string {
  return pieces(line)
    .map((piece) => mendPiece(piece, kinds))
    .join('');
}

function mendPiece(piece: string, kinds: Set<Kind>): string {
  let text = piece;
  for (let layer = 0; layer < LAYERS; layer++) {
    const cut = mendCutCharacters(text);
    const decoded = bestDecoding(text);
    const cutBits = cut === undefined ? Number.POSITIVE_INFINITY : bitsOf(cut);
    if (decoded !== undefined && decoded.bits < cutBits) {
      kinds.add('charset');
      text = decoded.text;
    } else if (cut !== undefined) {
      kinds.add('cut-characters');
      text = cut;
    } else break;
    if (!isSuspicious(text)) break;
  }
  return text;
}

function bestDecoding(text: string): { text: string; bits: number } | undefined {
  const latin = looksLatin(text);
  let best: { text: string; bits: number } | undefined;
  for (const kind of MOJIBAKE) {
    if ((kind.shown === 'windows-1252') !== latin) continue;
    const reading = readMojibake(text, kind);
    if (reading.bits > reading.before - LEAST_GAIN || reading.bits > LARGEST_REST * reading.before) continue;
    // Bytes are UTF-8 hardly by chance, while any bytes make characters of two.
    const bits = kind.meant === 'utf-8' ? UTF_8_SHARE * reading.bits : reading.bits;
    if (best === undefined || bits < best.bits) best = { text: reading.text, bits };
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

type Damage = { characters: number; lost: number; noise: number };

const QUESTION_MARKS = /\?{4,}/g;

/** What is wrong with a text after all. A □ that stood in it before is an editor's, who marks a gap of an old print by it. */
function damageOf(before: string, text: string, unlikely: boolean): Damage {
  // U+FFFD in UTF-8 read as GBK is 锟斤拷.
  let lost = count(text, '\uFFFD') + 2 * count(text, '锟斤拷');
  lost += Math.max(0, count(text, MISSING) - count(before, MISSING));
  if (text.includes('????')) for (const line of text.split('\n')) lost += lostToQuestionMarks(line);
  let noise = 0;
  if (unlikely) for (const line of text.split('\n')) noise += noiseOf(line);
  return { characters: lost === 0 && noise === 0 ? 0 : text.replace(/\s+/g, '').length, lost, noise };
}

/** Some converters write a question mark for each lost character; beside a sentence many of them are only loud. */
function lostToQuestionMarks(line: string): number {
  let marks = 0;
  for (const [run] of line.matchAll(QUESTION_MARKS)) marks += run.length;
  return 3 * marks > 2 * line.replace(/\s+/g, '').length ? marks : 0;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** Characters in windows that no language model takes for Chinese. */
function noiseOf(line: string): number {
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
