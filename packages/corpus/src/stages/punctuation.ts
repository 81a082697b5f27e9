/**
 * ASCII punctuation in Chinese text as Chinese punctuation, by what stands beside it: ,;:!? next to Chinese, brackets in pairs or not at
 * all, straight quotes as opening and closing ones, no spaces. Foreign passages keep theirs, and so does code: f(x)返回, a::b, != and lines that
 * have Chinese only in strings and comments. What it decides depends on no mark that it changes, so doing it twice changes nothing more.
 */

const ASCII = ',;:!?()';
const WIDE = '，；：！？（）';
const WIDE_OF = new Map([...ASCII].map((mark, i) => [mark, WIDE[i]!]));
const ASCII_MARK = /[,;:!?()]/;
const ASCII_BRACKET = /[()]/;
const WIDE_MARK = /[，。、；：！？]/;
/** Chinese and English both write these quotes and dashes: what stands behind them tells. */
const NEUTRAL = '“”‘’…—';
const IN_RUN = new Set([...',;:!?，。、；：！？', ...NEUTRAL]);
const TRANSPARENT = new Set([...ASCII, ...WIDE, ...NEUTRAL, ' ']);
const CHINESE = /[\p{Script=Han}。、《》□]/u;
const NAME = /[A-Za-z0-9_$\]]/;
/** An editor's note may run over so many lines; brackets further apart are no pair. */
const MOST_LINES = 4;

/** Marks beside Chinese and pairs of brackets in Chinese become Chinese ones. Every mark stays where it is. */
export function widenMarks(text: string): string {
  if (!ASCII_MARK.test(text)) return text;
  const units = text.split('');
  const lines = linesOf(text).filter(({ begin, end }) => !isCode(text.slice(begin, end)));
  if (ASCII_BRACKET.test(text)) widenBrackets(text, units, lines);
  for (const { begin, end } of lines) widenRuns(text, units, begin, end);
  return units.join('');
}

type Line = { begin: number; end: number };

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let begin = 0; begin <= text.length; ) {
    const found = text.indexOf('\n', begin);
    const end = found < 0 ? text.length : found;
    lines.push({ begin, end });
    begin = end + 1;
  }
  return lines;
}

type Bracket = { at: number; line: number; outer: boolean; inner: number };

function widenBrackets(text: string, units: string[], lines: readonly Line[]): void {
  const beside = neighboursOf(text);
  const open: Bracket[] = [];
  for (const [line, { begin, end }] of lines.entries()) {
    for (let at = begin; at < end; at++) {
      const unit = units[at]!;
      if (unit === '(' || unit === '（') {
        open.push({ at, line, outer: isChinese(text, beside.left[at]!), inner: beside.right[at]! });
      } else if (unit === ')' || unit === '）') {
        const opening = open.pop();
        if (opening === undefined) continue;
        if (line - opening.line >= MOST_LINES) open.length = 0;
        else if (
          isChinesePair(text, opening, { at, line, outer: isChinese(text, beside.right[at]!), inner: beside.left[at]! })
        ) {
          units[opening.at] = '（';
          units[at] = '）';
        }
      }
    }
  }
}

/** One that is wide already takes the other along. A call keeps its brackets, whatever stands after it. */
function isChinesePair(text: string, opening: Bracket, closing: Bracket): boolean {
  if (text[opening.at] === '（' || text[closing.at] === '）') return true;
  const inside =
    (opening.inner >= 0 && opening.inner < closing.at && isChinese(text, opening.inner)) ||
    (closing.inner > opening.at && isChinese(text, closing.inner));
  return inside || ((opening.outer || closing.outer) && !NAME.test(text.charAt(opening.at - 1)));
}

/** For each place the nearest unit of its line before and after it that is no mark, quote or space; -1 where there is none. */
function neighboursOf(text: string): { left: Int32Array; right: Int32Array } {
  const left = new Int32Array(text.length);
  const right = new Int32Array(text.length);
  let nearest = -1;
  const step = (at: number, side: Int32Array) => {
    side[at] = nearest;
    const unit = text[at]!;
    if (unit === '\n') nearest = -1;
    else if (!TRANSPARENT.has(unit)) nearest = at;
  };
  for (let at = 0; at < text.length; at++) step(at, left);
  nearest = -1;
  for (let at = text.length - 1; at >= 0; at--) step(at, right);
  return { left, right };
}

/** Runs of marks, with quotes, dashes and single spaces among them, are Chinese as a whole or not at all. */
function widenRuns(text: string, units: string[], begin: number, end: number): void {
  for (let first = begin; first < end; first++) {
    if (!IN_RUN.has(units[first]!)) continue;
    let last = first;
    for (let next = first + 1; next < end; next++) {
      if (IN_RUN.has(units[next]!)) last = next;
      else if (units[next] !== ' ' || next > last + 1) break;
    }
    if (isChineseRun(text, units, first, last)) {
      for (let at = first; at <= last; at++) units[at] = WIDE_OF.get(units[at]!) ?? units[at]!;
    }
    first = last;
  }
}

function isChineseRun(text: string, units: string[], first: number, last: number): boolean {
  const run = text.slice(first, last + 1);
  if (WIDE_MARK.test(run)) return true;
  // a::b, !=, :=
  if (units[last + 1] === '=' || run === '::') return false;
  return isChineseSide(text, units, first - 1, -1) || isChineseSide(text, units, last + 1, 1);
}

/** A space between the run and a bracket that has just become wide will go. */
function isChineseSide(text: string, units: string[], at: number, step: 1 | -1): boolean {
  const unit = units[at] === ' ' ? units[at + step] : units[at];
  return unit === '（' || unit === '）' || isChinese(text, at);
}

function isChinese(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false;
  const unit = text.charCodeAt(at);
  if (unit >= 0x4e00 && unit <= 0x9fff) return true;
  if (unit < 0x2e80) return false;
  const start = (unit & 0xfc00) === 0xdc00 && at > 0 ? at - 1 : at;
  return CHINESE.test(String.fromCodePoint(text.codePointAt(start)!));
}

const SPACED = /[“”‘’…— ]+/g;
const WIDE_UNITS = new Set([...'，。、；：！？（）《》']);

/** Spaces beside Chinese and its marks go, and those that quotes or dashes part from it. */
export function closeSpaces(text: string): string {
  return text.replace(SPACED, (run, at: number) => {
    if (!run.includes(' ')) return run;
    const isBeside = (place: number) => WIDE_UNITS.has(text.charAt(place)) || isChinese(text, place);
    return isBeside(at - 1) || isBeside(at + run.length) ? run.replaceAll(' ', '') : run;
  });
}

/** Straight quotes of a text with Chinese, where they come in pairs, open and close in turn. */
export function pairQuotes(text: string): string {
  if (!text.includes('"') || !CHINESE.test(text)) return text;
  const lines = text.split('\n').map((line) => ({ line, quotes: isCode(line) ? 0 : line.split('"').length - 1 }));
  const straight = lines.reduce((sum, { quotes }) => sum + quotes, 0);
  if (straight === 0 || straight % 2 === 1) return text;
  let open = false;
  const pair = () => {
    open = !open;
    return open ? '“' : '”';
  };
  return lines.map(({ line, quotes }) => (quotes === 0 ? line : line.replace(/"/g, pair))).join('\n');
}

const NOT_ASCII = /[^\0-\x7f]/;
const MAY_BE_CODE = /["'`]|\/\/|#/;
const STRING_OR_COMMENT = /"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|(?:^|\s)(?:\/\/|#).*$/g;
const OPERATION = /[={};]|[\w$\]]\(/;
const KEY = /^\s*"[^"\n]*"\s*:/;

/** A line that is a program's once its strings and comments are taken away. */
function isCode(line: string): boolean {
  if (!MAY_BE_CODE.test(line)) return false;
  const rest = line.replace(STRING_OR_COMMENT, '');
  return rest !== line && !NOT_ASCII.test(rest) && (OPERATION.test(rest) || KEY.test(line));
}
