/**
 * ASCII punctuation in Chinese text as Chinese punctuation, by what stands beside it: ,;:!? next to Chinese, brackets in pairs or not at
 * all, straight quotes as opening and closing ones, no spaces. Foreign passages keep theirs, and so do names of functions in a sentence: f(x)返回,
 * a::b, !=. What it decides depends on no mark that it changes, so doing it twice changes nothing more. Code and addresses are out (verbatim.ts).
 */

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

const BRACKET = setOfUnits('()（）');

type Bracket = { at: number; line: number; outer: boolean; inner: number };

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
  for (let at = 0; at < text.length; at++) if (BRACKET[text.charCodeAt(at)] === 1) brackets.push(at);
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

/** Spaces beside Chinese and its marks go, and those that quotes or dashes part from it. */
export function closeSpaces(text: string): string {
  const isBeside = (place: number) => WIDE_UNITS[text.charCodeAt(place)] === 1 || isChinese(text, place);
  let result = '';
  let from = 0;
  for (let end = 0, space = text.indexOf(' '); space >= 0; space = text.indexOf(' ', end)) {
    let begin = space;
    while (SPACED[text.charCodeAt(begin - 1)] === 1) begin--;
    end = space + 1;
    while (SPACED[text.charCodeAt(end)] === 1) end++;
    if (!isBeside(begin - 1) && !isBeside(end)) continue;
    result += text.slice(from, begin);
    if (end - begin > 1) result += text.slice(begin, end).replaceAll(' ', '');
    from = end;
  }
  return from === 0 ? text : result + text.slice(from);
}

/**
 * Straight quotes of lines with Chinese, where they come in pairs, open and close in turn. One too many opens the line or closes it, as in
 * speech of several paragraphs, or is paired with that of a line near by; else (5") the line stays, and mixes up no other one.
 */
export function pairQuotes(text: string): string {
  if (!text.includes('"') || !CHINESE.test(text)) return text;
  const lines = text.split('\n');
  let odd = -1;
  for (const [i, line] of lines.entries()) {
    if (!line.includes('"')) continue;
    if (line.split('"').length % 2 === 1) {
      if (CHINESE.test(line)) lines[i] = paired(line);
    } else if (CHINESE.test(line) && /^"|[^\d]"$/.test(line)) {
      lines[i] = line.startsWith('"') ? `“${paired(line.slice(1))}` : `${paired(line.slice(0, -1))}”`;
    } else if (odd >= 0 && i - odd < MOST_LINES && CHINESE.test(lines[odd]! + line)) {
      [lines[odd], lines[i]] = paired(`${lines[odd]}\n${line}`).split('\n') as [string, string];
      odd = -1;
    } else odd = i;
  }
  return lines.join('\n');
}

function paired(text: string): string {
  let opens = false;
  return text.replaceAll('"', () => {
    opens = !opens;
    return opens ? '“' : '”';
  });
}
