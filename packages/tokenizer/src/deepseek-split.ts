/**
 * The split `deepseek-v3` as a hand-written scanner: the words of its three regular expressions, ten times faster.
 * Property tests hold it against Hugging Face and against the expressions themselves.
 *
 * The expressions isolate, one after the other, groups of up to three digits; runs of Han characters and kana; and in
 * all pieces so far the words of the third. Digits and Han runs do not look around, so a text may be cut at them first.
 * What is left, and kana runs with signs in them, goes through the third (`scanRest`), for which the piece's end is the
 * end of the text.
 */
import { characterClasses, LETTER, MARK, NUMBER, OTHER, PUNCTUATION, SPACE, SYMBOL } from './unicode-classes.ts';
import type { WordVisitor } from './word-visitor.ts';

const LONGEST_NUMBER = 3;
const NEW_LINE = 0x0a;
const RETURN = 0x0d;
const BLANK = 0x20;

const classes = characterClasses();

/** [一-龥぀-ゟ゠-ヿ] */
const isHanOrKana = (unit: number): boolean => (unit >= 0x4e00 && unit <= 0x9fa5) || (unit >= 0x3040 && unit <= 0x30ff);
const isLetterOrMark = (kind: number): boolean => kind === LETTER || kind === MARK;
const isSign = (kind: number): boolean => kind === PUNCTUATION || kind === SYMBOL;
const isLineEnd = (unit: number): boolean => unit === NEW_LINE || unit === RETURN;

/** Class of the code point at `at`. */
function classAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff ? classes[text.codePointAt(at)!]! : classes[unit]!;
}

/** Code units of the code point at `at`, in well-formed text. */
function widthAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff ? 2 : 1;
}

/** First place in [at, end) whose class does not pass, or `end`. */
function skip(text: string, at: number, end: number, passes: (kind: number) => boolean): number {
  let next = at;
  while (next < end && passes(classAt(text, next))) next += widthAt(text, next);
  return next;
}

export function splitDeepseek(text: string, visit: WordVisitor): void {
  const length = text.length;
  let at = 0;
  while (at < length) {
    const start = at;
    if (isHanOrKana(text.charCodeAt(at))) {
      let plain = true;
      for (; at < length; at++) {
        const unit = text.charCodeAt(at);
        if (!isHanOrKana(unit)) break;
        if (unit < 0x4e00 && !isLetterOrMark(classes[unit]!)) plain = false;
      }
      if (plain) visit(start, at);
      else scanRest(text, start, at, visit);
    } else if (classAt(text, at) === NUMBER) {
      for (let digits = 0; digits < LONGEST_NUMBER && at < length && classAt(text, at) === NUMBER; digits++) {
        at += widthAt(text, at);
      }
      visit(start, at);
    } else {
      while (at < length && !isHanOrKana(text.charCodeAt(at)) && classAt(text, at) !== NUMBER) at += widthAt(text, at);
      scanRest(text, start, at, visit);
    }
  }
}

/** The third expression on the piece [start, end), in which there are no digits. */
function scanRest(text: string, start: number, end: number, visit: WordVisitor): void {
  let at = start;
  /** Where characters began that the expression does not match; they stay together up to the next match. */
  let unmatched = -1;
  while (at < end) {
    const next = matchEnd(text, at, end);
    if (next > at) {
      if (unmatched >= 0) visit(unmatched, at);
      unmatched = -1;
      visit(at, next);
      at = next;
    } else {
      if (unmatched < 0) unmatched = at;
      at += widthAt(text, at);
    }
  }
  if (unmatched >= 0) visit(unmatched, end);
}

/** End of the match that begins at `at`, or `at` where there is none. */
function matchEnd(text: string, at: number, end: number): number {
  const unit = text.charCodeAt(at);
  const kind = classAt(text, at);
  if (isLetterOrMark(kind)) return skip(text, at, end, isLetterOrMark);
  if (isSign(kind))
    return unit < 0x80 && at + 1 < end && isAsciiLetter(text.charCodeAt(at + 1))
      ? asciiWordEnd(text, at + 1, end)
      : signsEnd(text, at, end);
  const after = at + widthAt(text, at);
  const kindAfter = after < end ? classAt(text, after) : OTHER;
  if (isLetterOrMark(kindAfter) && after < end && !isLineEnd(unit)) return skip(text, after, end, isLetterOrMark);
  if (unit === BLANK && isSign(kindAfter)) return signsEnd(text, after, end);
  return kind === SPACE ? spacesEnd(text, at, end) : at;
}

const isAsciiLetter = (unit: number): boolean => (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a);

/** `[A-Za-z]+` */
function asciiWordEnd(text: string, at: number, end: number): number {
  let next = at;
  while (next < end && isAsciiLetter(text.charCodeAt(next))) next++;
  return next;
}

/** `[\p{P}\p{S}]+[\r\n]*` */
function signsEnd(text: string, at: number, end: number): number {
  let next = skip(text, at, end, isSign);
  while (next < end && isLineEnd(text.charCodeAt(next))) next++;
  return next;
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+`: through the last line end; or all but one before a word; or the one. */
function spacesEnd(text: string, at: number, end: number): number {
  let next = at;
  let lastLineEnd = -1;
  for (; next < end && classAt(text, next) === SPACE; next++) if (isLineEnd(text.charCodeAt(next))) lastLineEnd = next;
  if (lastLineEnd >= 0) return lastLineEnd + 1;
  return next < end && next - at > 1 ? next - 1 : next;
}
