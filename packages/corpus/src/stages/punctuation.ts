/**
 * ASCII punctuation in Chinese text as Chinese punctuation, by what stands beside it: ,;:!? next to Chinese, brackets in pairs or not at
 * all, straight quotes as opening and closing ones, no spaces. Foreign passages keep theirs, and so do names of functions in a sentence: f(x)返回,
 * a::b, !=. What it decides depends on no mark that it changes, so doing it twice changes nothing more. Code and addresses are out (verbatim.ts).
 */

import { unitsOf } from '@tunan/page/utf16-units';

const WIDE = new Map([...',;:!?()'].map((mark, i) => [mark, '，；：！？（）'[i]!]));
const ASCII_MARK = /[,;:!?()]/;
const RUN_MARK = /[,;:!?]/g;
const WIDE_MARK = /[，。、；：！？]/;
/** Chinese and English both write these quotes and dashes: what stands behind them tells. */
const NEUTRAL = '“”‘’…—';
const IN_RUN = setOfUnits(`,;:!?，。、；：！？${NEUTRAL}`);
const TRANSPARENT = setOfUnits(`,;:!?()，；：！？（） ${NEUTRAL}`);
const CHINESE = /[\p{Script=Han}。、《》□]/u;
const NAME = /[A-Za-z0-9_$\]]/;
/** An editor's note may run over so many lines; brackets further apart are no pair. */
const MOST_LINES = 4;

/** 1 for each UTF-16 unit that is in it. */
export function setOfUnits(units: string): Uint8Array {
  const set = new Uint8Array(65_536);
  for (const unit of units) set[unit.charCodeAt(0)] = 1;
  return set;
}

/** Marks beside Chinese and pairs of brackets in Chinese become Chinese ones. Every mark stays where it is. */
export function widenMarks(text: string): string {
  if (!ASCII_MARK.test(text)) return text;
  const bracketed = text.includes('(') || text.includes(')') ? widened(text, chineseBrackets(text)) : text;
  return alikeInSeries(widened(bracketed, chineseMarks(bracketed)));
}

const SERIES = /^.*；.*$/gm;
const SEMICOLON = /(?<=[\w#+)%])(?<!&#?\w{1,8});(?=\w)/g;

/** A series whose members are parted by Chinese semicolons has no other ones: A股；C++、C#;x86_64 */
function alikeInSeries(text: string): string {
  if (!text.includes(';') || !text.includes('；')) return text;
  return text.replace(SERIES, (line) => (line.includes(';') ? line.replace(SEMICOLON, '；') : line));
}

/** @param places of ASCII marks, in any order */
function widened(text: string, places: number[]): string {
  if (places.length === 0) return text;
  let result = '';
  let from = 0;
  for (const at of places.sort((a, b) => a - b)) {
    result += text.slice(from, at) + WIDE.get(text[at]!)!;
    from = at + 1;
  }
  return result + text.slice(from);
}

interface Bracket {
  at: number;
  line: number;
  outer: boolean;
  inner: number;
}

/** Places of the ASCII brackets that belong to Chinese pairs. */
function chineseBrackets(text: string): number[] {
  const { brackets, before, after } = bracketsOf(text);
  const places: number[] = [];
  const open: Bracket[] = [];
  let [line, newline] = [0, text.indexOf('\n')];
  for (const [i, at] of brackets.entries()) {
    for (; newline >= 0 && newline < at; newline = text.indexOf('\n', newline + 1)) line++;
    const bracket = text[at];
    if (bracket === '(' || bracket === '（') {
      open.push({ at, line, outer: isChinese(text, before[i]!), inner: after[i]! });
    } else {
      const opening = open.pop();
      if (opening === undefined) continue;
      const closing = { at, line, outer: isChinese(text, after[i]!), inner: before[i]! };
      if (line - opening.line >= MOST_LINES) open.length = 0;
      else if (isChinesePair(text, opening, closing)) {
        if (text[opening.at] === '(') places.push(opening.at);
        if (bracket === ')') places.push(at);
      }
    }
  }
  return places;
}

/** One that is wide already takes the other along. A call keeps its brackets, whatever stands after it. */
function isChinesePair(text: string, opening: Bracket, closing: Bracket): boolean {
  if (text[opening.at] === '（' || text[closing.at] === '）') return true;
  const inside =
    (opening.inner >= 0 && opening.inner < closing.at && isChinese(text, opening.inner)) ||
    (closing.inner > opening.at && isChinese(text, closing.inner));
  return inside || ((opening.outer || closing.outer) && !NAME.test(text.charAt(opening.at - 1)));
}

/** For each bracket the nearest unit of its line before and after it that is no mark, quote or space; -1 where there is none. */
function bracketsOf(text: string): { brackets: number[]; before: number[]; after: number[] } {
  const brackets: number[] = [];
  const units = unitsOf(text);
  for (let at = 0; at < text.length; at++) if (isBracket(units[at]!)) brackets.push(at);
  const before: number[] = [];
  for (const [i, at] of brackets.entries()) {
    let place = at - 1;
    const last = i > 0 ? brackets[i - 1]! : -1;
    while (place > last && TRANSPARENT[text.charCodeAt(place)] === 1) place--;
    before.push(place === last && i > 0 ? before[i - 1]! : text[place] === '\n' ? -1 : place);
  }
  const after = new Array<number>(brackets.length);
  for (let i = brackets.length - 1; i >= 0; i--) {
    let place = brackets[i]! + 1;
    const next = brackets[i + 1] ?? text.length;
    while (place < next && TRANSPARENT[text.charCodeAt(place)] === 1) place++;
    after[i] = place === next ? (after[i + 1] ?? -1) : text[place] === '\n' ? -1 : place;
  }
  return { brackets, before, after };
}

/** One of ()（）. */
function isBracket(unit: number): boolean {
  return unit === 0x28 || unit === 0x29 || unit === 0xff08 || unit === 0xff09;
}

/** Places of the ASCII marks in Chinese runs. A run of marks, with quotes, dashes and single spaces among them, is judged as a whole. */
function chineseMarks(text: string): number[] {
  const places: number[] = [];
  const isIn = (at: number) => IN_RUN[text.charCodeAt(at)] === 1;
  let done = 0;
  for (const { index } of text.matchAll(RUN_MARK)) {
    if (index < done) continue;
    let first = index;
    while (isIn(first - 1) || (text[first - 1] === ' ' && isIn(first - 2))) first--;
    let last = index;
    while (isIn(last + 1) || (text[last + 1] === ' ' && isIn(last + 2))) last++;
    done = last + 1;
    if (!isChineseRun(text, first, last)) continue;
    for (let at = first; at <= last; at++) if (WIDE.has(text[at]!)) places.push(at);
  }
  return places;
}

const QUERY = /^[A-Za-z_][\w.-]*=/;

function isChineseRun(text: string, first: number, last: number): boolean {
  const run = text.slice(first, last + 1);
  if (WIDE_MARK.test(run)) return true;
  // a::b, !=, :=, and the query behind a path in Chinese
  if (text[last + 1] === '=' || run === '::') return false;
  if (run === '?' && QUERY.test(text.slice(last + 1, last + 40))) return false;
  return isChineseSide(text, first - 1, -1) || isChineseSide(text, last + 1, 1);
}

/** A space between the run and a bracket that has just become wide will go. */
function isChineseSide(text: string, at: number, step: 1 | -1): boolean {
  const unit = text[at] === ' ' ? text[at + step] : text[at];
  return unit === '（' || unit === '）' || isChinese(text, at);
}

function isChinese(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false;
  const unit = text.charCodeAt(at);
  if (unit >= 0x4e00 && unit <= 0x9fff) return true;
  if (unit < 0x2e80 && unit !== 0x25a1) return false;
  const start = (unit & 0xfc00) === 0xdc00 && at > 0 ? at - 1 : at;
  return CHINESE.test(String.fromCodePoint(text.codePointAt(start)!));
}

const SPACED = setOfUnits(` ${NEUTRAL}`);
const WIDE_UNITS = setOfUnits('，。、；：！？（）《》');

/** Spaces beside Chinese and its marks go, those that quotes or dashes part from it, and those at either end of a line; around separators they stay. */
export function closeSpaces(text: string): string {
  const isBeside = (place: number) => WIDE_UNITS[text.charCodeAt(place)] === 1 || isChinese(text, place);
  const units = unitsOf(text);
  let result = '';
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (units[at] !== 0x20) continue;
    let begin = at;
    while (begin > 0 && SPACED[units[begin - 1]!] === 1) begin--;
    let end = at + 1;
    while (SPACED[units[end]!] === 1) end++;
    at = end;
    if (end - begin === 1 && isBesideSeparator(units, begin, text.length)) continue;
    if (isBeside(begin - 1) || isBeside(end)) {
      result += text.slice(from, begin);
      if (end - begin > 1) result += text.slice(begin, end).replaceAll(' ', '');
    } else {
      const first = text[begin] === ' ' && isLineEnd(text, begin - 1) ? begin + 1 : begin;
      const last = end > first && text[end - 1] === ' ' && isLineEnd(text, end) ? end - 1 : end;
      if (last - first === end - begin) continue;
      result += text.slice(from, begin) + text.slice(first, last);
    }
    from = end;
  }
  return from === 0 ? text : result + text.slice(from);
}

/** Marks that part cells, entries of menus, terms and sides: | / > -> =, arrows and operators. */
const SEPARATORS = setOfUnits('|/\\<>=+-–&*×÷»');
for (let unit = 0x2190; unit <= 0x22ff; unit++) SEPARATORS[unit] = 1;
const LONGEST_SEPARATOR = 3;

/** Whether a space stands beside a separator that has one on its other side too, or is the bar at the end of a row. */
function isBesideSeparator(units: Uint16Array, space: number, length: number): boolean {
  const isInner = (at: number) => at >= 0 && at < length && units[at] !== 0x0a;
  if (!isInner(space - 1) || !isInner(space + 1)) return false;
  for (const step of [-1, 1]) {
    let at = space + step;
    while (at >= 0 && at < length && SEPARATORS[units[at]!] === 1) at += step;
    const width = Math.abs(at - space) - 1;
    if (width === 0 || width > LONGEST_SEPARATOR) continue;
    // A space at the end of a line will go, and so may one beside a quote.
    const isEnd = !isInner(at) || (units[at] === 0x20 && !isInner(at + step));
    if (isEnd ? units[at - step] === 0x7c : units[at] === 0x20 && SPACED[units[at + step]!] === 0) return true;
  }
  return false;
}

function isLineEnd(text: string, at: number): boolean {
  return at < 0 || at === text.length || text[at] === '\n';
}

/**
 * Straight quotes of lines with Chinese, where they come in pairs, open and close in turn. One too many opens the line or closes it, as in
 * speech of several paragraphs, or is paired with that of a line near by; else (5") the line stays, and mixes up no other one.
 */
export function pairQuotes(text: string): string {
  if (!text.includes('"') || !CHINESE.test(text)) return text;
  const lines = linesWithQuotes(text);
  let odd: QuotedLine | undefined;
  for (const one of lines) {
    const { line } = one;
    const isChineseLine = CHINESE.test(line);
    if (line.split('"').length % 2 === 1) {
      if (isChineseLine) one.line = paired(line);
    } else if (isChineseLine && /^"|[^\d]"$/.test(line)) {
      one.line = line.startsWith('"') ? `“${paired(line.slice(1))}` : `${paired(line.slice(0, -1))}”`;
    } else if (odd !== undefined && isNear(text, odd.end, one.begin) && (isChineseLine || CHINESE.test(odd.line))) {
      [odd.line, one.line] = paired(`${odd.line}\n${line}`).split('\n') as [string, string];
      odd = undefined;
    } else odd = one;
  }
  let result = '';
  let from = 0;
  for (const { begin, end, line } of lines) {
    result += text.slice(from, begin) + line;
    from = end;
  }
  return result + text.slice(from);
}

interface QuotedLine {
  readonly begin: number;
  readonly end: number;
  line: string;
}

function linesWithQuotes(text: string): QuotedLine[] {
  const lines: QuotedLine[] = [];
  for (let end = 0, quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', end)) {
    const begin = text.lastIndexOf('\n', quote) + 1;
    const newline = text.indexOf('\n', quote);
    end = newline < 0 ? text.length : newline;
    lines.push({ begin, end, line: text.slice(begin, end) });
  }
  return lines;
}

/** Whether fewer line breaks than MOST_LINES part two places. */
function isNear(text: string, from: number, to: number): boolean {
  let breaks = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) {
    if (++breaks === MOST_LINES) return false;
  }
  return true;
}

function paired(text: string): string {
  let opens = false;
  return text.replaceAll('"', () => {
    opens = !opens;
    return opens ? '“' : '”';
  });
}
