/**
 * From where on a text that is still being written may hold personal data that what follows decides: for masking a stream while it is sent.
 *
 * What stands before that place is final: findPersonalData says the same of it whatever comes. It holds back a little more than the rules
 * need, since a regular expression does not tell whether it could go on. An address may begin at any Chinese character, so that it holds back a
 * clause; the other kinds hold back a word, a number, and the few characters behind a number that say what it counts.
 */
import { asAscii, FULL_WIDTH } from './ascii.ts';
import { findPersonalData, type PersonalDatum } from './find-personal-data.ts';
import type { PersonalDataKind } from './kinds.ts';

/** What judges read behind a match. */
const BEHIND = 16;
/** Digits in Chinese, provinces of plates, «extension», types of plates: the Chinese characters that stand in numbers. */
const PART =
  /[\w.%+'@#()[\]·○一幺二三四五六七八九〇零京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼转轉港澳学警挂领-]/;
/** Numbers and addresses of mail that are looked at together with what stands behind them. */
const JUDGED_BY_REST =
  /(?:\d[^\d]{0,3}){5}|[@#]|[[(](?:at|AT)|\b(?:at|AT) |[一幺][一二三四五六七八九〇零○幺]{10}|[\u4e00-\u9fff][A-Z][· ]?[A-Z\d]{4}/;
const NUMERIC_END = /[\dOo)\].-]$/;
const NUMERIC_BEGINNING = /^[\dOo([.-]/;
/** «name at host dot com» as far as it has come. */
const MAIL_WORD = /^(?:a|at|d|do|dot)$/i;
const MAIL_JOINT = /^(?:at|dot)$/i;
/** Behind a telephone number. */
const EXTENSION = /^(?:[转轉]|ex?t?\.?)/;
/** «(at)», «[dot]». */
const BRACKETED = /^[[(]/;
/** Longer than any datum. */
const LONGEST = 400;

/** What of a text is final, though it goes on: the data before `border`, where nothing that lies across it begins. */
export function findDecidedPersonalData(
  text: string,
  kinds: readonly PersonalDataKind[],
): { readonly found: PersonalDatum[]; readonly border: number } {
  const found = findPersonalData(text, kinds);
  let border = undecidedFrom(text, kinds);
  // One that is not decided may hide one of another kind, which comes to light when it falls away.
  if (found.some(({ end }) => end > border)) {
    const all = kinds.flatMap((kind) => findPersonalData(text, [kind])).sort((a, b) => b.begin - a.begin);
    for (const { begin, end } of [...all, ...all]) if (begin < border && end > border) border = begin;
  }
  return { found: found.filter(({ begin }) => begin < border), border };
}

/** The length of the text where all of it is final. */
function undecidedFrom(text: string, kinds: readonly PersonalDataKind[]): number {
  const first = Math.max(text.lastIndexOf('\n') + 1, text.length - LONGEST);
  const line = text.slice(first).replace(FULL_WIDTH, asAscii);
  const numbers = Math.min(beginningOf(line, line.length), judgedFrom(line));
  return first + (kinds.includes('address') ? Math.min(numbers, addressFrom(line)) : numbers);
}

/** Where the number or word begins that ends at a place; the place itself where none does. */
function beginningOf(line: string, end: number): number {
  let at = beginningOfWord(line, end);
  for (;;) {
    let before = at;
    while (before > 0 && line[before - 1] === ' ' && at - before < 3) before--;
    if (before === at || !PART.test(line[before - 1] ?? '')) return at;
    const begin = beginningOfWord(line, before);
    const [word, next] = [line.slice(begin, before), /^[^ ]*/.exec(line.slice(at, end))![0]];
    const goesOn =
      next === '' ||
      (NUMERIC_END.test(word) && NUMERIC_BEGINNING.test(next)) ||
      MAIL_WORD.test(next) ||
      MAIL_JOINT.test(word) ||
      BRACKETED.test(next) ||
      word.endsWith(']') ||
      word.endsWith(')') ||
      EXTENSION.test(next) ||
      EXTENSION.test(word);
    if (!goesOn) return at;
    at = begin;
  }
}

function beginningOfWord(line: string, end: number): number {
  let at = end;
  while (at > 0 && PART.test(line[at - 1]!)) at--;
  return at;
}

/** Where the first number begins that ends so near to the end that what comes may say what it is. */
function judgedFrom(line: string): number {
  for (let at = Math.max(0, line.length - BEHIND - 1); at < line.length; at++) {
    if (!PART.test(line[at]!)) continue;
    const begin = beginningOf(line, at + 1);
    let end = at + 1;
    while (end < line.length && (PART.test(line[end]!) || beginningOf(line, end + 1) === begin)) end++;
    if (JUDGED_BY_REST.test(line.slice(begin, end))) return begin;
    at = end;
  }
  return line.length;
}

const REGION = /[区县市镇乡]|街道/g;
const ROAD = /路|街|道|巷|弄|胡同|村|里|组|苑|园|小区|新村/;
const LABEL = /(?:住址|住地址|家庭址|地址|家住|现住|户籍地|居住地)[:为是在 ]{0,3}/g;
/** Most characters before the region, from the region to the end of the road, and from a label to it. */
const [TO_REGION, TO_ROAD, FROM_LABEL] = [24, 18, 33];

/** Characters of an address stand without marks between; where the marks are, it ends. */
function addressFrom(line: string): number {
  const run = /[\u4e00-\u9fff\dA-Z]*$/.exec(line)!;
  const { index: first } = run;
  const end = line.length;
  const goesOn = (from: number, most: number) => end - from <= most || ROAD.test(line.slice(from, from + most));
  let begin = Math.max(first, end - TO_REGION - 1);
  for (const { index } of line.matchAll(REGION)) {
    if (index < first || !goesOn(index, TO_ROAD)) continue;
    begin = Math.min(begin, Math.max(first, index - TO_REGION));
    break;
  }
  for (const { index, 0: label } of line.matchAll(LABEL)) {
    const from = index + label.length;
    if (from >= first && goesOn(from, FROM_LABEL)) return Math.min(begin, from);
  }
  return begin;
}
