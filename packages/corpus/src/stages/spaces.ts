/**
 * Spaces between Chinese words: those that part things stay (names, keywords, halves of verse, labels, 第一章 总则), those that only the layout
 * made go (我 喜 欢, 姓 名, a line that was wrapped, text cut into words). How wide a space is says nothing, since a second look at the result
 * must find the same. Spaces beside marks are not judged here; they go with closeSpaces (punctuation.ts).
 */

import { unitsOf } from '@tunan/page/utf16-units';
import { setOfUnits } from './punctuation.ts';
import { KEPT_SPACE } from './verbatim.ts';

const HAN = '[\\p{Script=Han}□]';
const BEGINS_HAN = new RegExp(`^${HAN}`, 'u');
const HAS_HAN = /\p{Script=Han}/u;

/** Marks part a line into clauses; those of a sentence say that it is prose. */
const CLAUSE_MARKS = setOfUnits('，。、；：！？,;:!?…—“”‘’"\'（）()《》「」【】[]');
const SENTENCE = /[，。；！？,;!?]/;
const LABELLED = /[：:][^：: ]* [^：: ]+ /;

/** Words of grammar: one that stands alone was cut off from a sentence, and what has one in it is no name. */
const WORDS_OF_GRAMMAR =
  '的了着是在我你您他她它们不很也都就和与或有这那去来把被给对从到说要会能吗呢吧啊过为以于但而又还再才并及等';
const GRAMMAR = new RegExp(`[${WORDS_OF_GRAMMAR}]`);
/** … and those that names have in them as well. */
const PARTICLES = '将用可请让使向自由其该此每各若如时后前中上下里内外地得';
const CUT = new Set(WORDS_OF_GRAMMAR + PARTICLES);
/** 第一章, 第3条, 附则: what follows is what they name. */
const HEADING =
  /^(?:第[〇零一二三四五六七八九十百千两\d]+[章节条款回卷篇部集编讲课幕场单元届期]|[上中下][篇部卷册编]|附[则录件][一二三四五六七八九十\dA-Z]*|序[言章]?|楔子|尾声|引言|前言|后记)$/;
/** Numbers of sections and figures with a point or a name, at the head of a line. */
const NUMBERED =
  /^((?:\d{1,3}(?:\.\d{1,3})+\.?|[图表例] ?\d+(?:[-.]\d+)*|[（(]?[一二三四五六七八九十]+[)）]?)) (?=\p{Script=Han})/u;
const LONGEST_HEADING = 40;
const LONGEST_NUMBER = 8;
/** A word of a list in the midst of prose. */
const SHORT = 4;

/** The end of a sentence in Latin letters; the space behind it is theirs. */
const FOREIGN_END =
  /(^|[。！？!?]["”’]? ?)([^\p{Script=Han}，。；！？]*[A-Za-z]{2}[^\p{Script=Han}，。；！？]*[.!?]["')”’]?) (?=\p{Script=Han})/gu;
const MAY_END_FOREIGN = /[A-Za-z\d"')”’][.!?]["')”’]? /;
const ENDS_ANY = setOfUnits('。！？!?');
const [NEWLINE, SPACE] = [0x0a, 0x20];
const ENDS_SENTENCE = setOfUnits('.!?"\')”’');

/** @param text its spaces are single ones already */
export function settleSpaces(text: string): string {
  const units = unitsOf(text);
  let result = '';
  let from = 0;
  let [begin, space] = [0, -1];
  for (let at = 0; at <= text.length; at++) {
    const unit = units[at]!;
    if (unit === SPACE) space = at;
    if (unit !== NEWLINE && at < text.length) continue;
    if (space >= 0) {
      const first = units[begin] === SPACE ? begin + 1 : begin;
      const last = units[at - 1] === SPACE ? at - 1 : at;
      if (first === begin && isOneHeading(text, begin, space)) {
        result += `${text.slice(from, space)}${KEPT_SPACE}`;
        from = space + 1;
      } else if (first < last && mayPart(text, units, first, last)) {
        result += text.slice(from, begin) + settleLine(text.slice(first, last));
        from = at;
      }
    }
    begin = at + 1;
    space = -1;
  }
  return from === 0 ? text : result + text.slice(from);
}

/** Most lines of statutes: 第一条 and more than one Chinese character behind the line's last space, which is its first as well. */
function isOneHeading(text: string, begin: number, space: number): boolean {
  const isAfterHan = space - begin > 1 && space - begin <= LONGEST_NUMBER && isHanUnit(text.charCodeAt(space - 1));
  if (!isAfterHan || !isHanUnit(text.charCodeAt(space + 1)) || !isHanUnit(text.charCodeAt(space + 2))) return false;
  return HEADING.test(text.slice(begin, space));
}

/** Whether any space of a line could be one that stays or parts Chinese from Chinese; most lines have none. */
function mayPart(text: string, units: Uint16Array, begin: number, end: number): boolean {
  let spaces = 0;
  for (let at = begin + 1; at < end; at++) {
    if (units[at] !== SPACE) continue;
    spaces++;
    if (!isHanUnit(units[at + 1]!)) continue;
    if (isHanUnit(units[at - 1]!) || mayEndForeign(units, begin, at)) return true;
    if (at - begin < 12 && NUMBERED.test(text.slice(begin, end))) return true;
  }
  if (spaces < 2) return false;
  const line = text.slice(begin, end);
  if (SENTENCE.test(line)) return false;
  return LABELLED.test(line) || (HAS_LETTER.test(line) && HAS_HAN.test(line));
}

/** Whether FOREIGN_END may match at this space: a mark before it, and two letters since the last Chinese, of which a sentence may be. */
function mayEndForeign(units: Uint16Array, begin: number, space: number): boolean {
  if (ENDS_SENTENCE[units[space - 1]!] === 0) return false;
  let [hasLetters, isLetterBehind] = [false, false];
  for (let at = space - 1; at >= begin; at--) {
    const unit = units[at]!;
    if (unit >= 0x4e00 && unit <= 0x9fff) return false;
    const isLetter = (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;
    hasLetters ||= isLetter && isLetterBehind;
    isLetterBehind = isLetter;
    if (hasLetters && ENDS_ANY[unit] === 1) return true;
  }
  return hasLetters;
}

/** Spaces between Chinese characters. */
function pairsIn(text: string): number {
  let pairs = 0;
  for (let at = 1; at < text.length; at++) {
    if (text.charCodeAt(at) !== SPACE) continue;
    if (isHanUnit(text.charCodeAt(at - 1)) && isHanUnit(text.charCodeAt(at + 1))) pairs++;
  }
  return pairs;
}

function isHanUnit(unit: number): boolean {
  if (unit >= 0x3400) return unit <= 0x9fff || (unit >= 0xd840 && unit <= 0xdfff) || (unit >= 0xf900 && unit <= 0xfaff);
  return unit >= 0x3005 ? unit <= 0x3007 : unit === 0x25a1;
}

function settleLine(whole: string): string {
  const line = MAY_END_FOREIGN.test(whole) ? whole.replace(FOREIGN_END, `$1$2${KEPT_SPACE}`) : whole;
  const isProse = SENTENCE.test(line);
  const heading = !isProse && isShort(line) ? NUMBERED.exec(line) : null;
  if (heading !== null) return `${heading[1]}${KEPT_SPACE}${settleLine(line.slice(heading[0].length))}`;
  const pairs = pairsIn(line);
  const isCut = pairs > 1 && mayBeCut(line) && cutsIn(line.split(/[^\p{Script=Han}]* [^\p{Script=Han}]*/u)) > 1;
  if (isProse && pairs === 0) return line;
  let result = '';
  let from = 0;
  for (let end = 0, space = line.indexOf(' '); space >= 0; space = line.indexOf(' ', end)) {
    let begin = space;
    while (begin > 0 && CLAUSE_MARKS[line.charCodeAt(begin - 1)] === 0) begin--;
    end = space + 1;
    while (end < line.length && CLAUSE_MARKS[line.charCodeAt(end)] === 0) end++;
    const clause = line.slice(begin, end);
    if (pairsIn(clause) === 0 && (isProse || GRAMMAR.test(clause))) continue;
    const [label, opens] = [isColon(line[begin - 1]), isColon(line[end])];
    result += line.slice(from, begin) + settleClause(clause, { isProse, isCut, isFirst: begin === 0, label, opens });
    from = end;
  }
  return result + line.slice(from);
}

/** Whether two words of grammar stand apart from the Chinese characters around. */
function mayBeCut(line: string): boolean {
  const isChinese = (unit: number) => unit >= 0x4e00 && unit <= 0x9fff;
  let cuts = 0;
  for (let at = 0; at < line.length; at++) {
    if (!isChinese(line.charCodeAt(at))) continue;
    const isAlone = !isChinese(line.charCodeAt(at + 1)) && !isChinese(line.charCodeAt(at - 1));
    if (isAlone && CUT.has(line[at]!) && ++cuts > 1) return true;
  }
  return false;
}

function isShort(line: string): boolean {
  return line.length <= LONGEST_HEADING || line.replaceAll(' ', '').length <= LONGEST_HEADING;
}

function isColon(character: string | undefined): boolean {
  return character === '：' || character === ':';
}

interface Place {
  isProse: boolean;
  /** The line is a sentence that was cut into words. */
  isCut: boolean;
  isFirst: boolean;
  /** A colon stands before it. */
  label: boolean;
  /** A colon stands behind it. */
  opens: boolean;
}

function settleClause(clause: string, place: Place): string {
  const before = clause.startsWith(' ') ? ' ' : '';
  const after = clause.length > before.length && clause.endsWith(' ') ? ' ' : '';
  const inner = clause.slice(before.length, clause.length - after.length);
  const words = joined(withNumbers(withLabel(inner.split(' '), place.opens)));
  if (words.length === 1) return `${before}${words[0]}${after}`;
  let result = words[0]!;
  const keeps = place.isCut ? [] : keptGaps(words, place);
  for (let i = 1; i < words.length; i++) {
    const isChinese = endsHan(words[i - 1]!) && beginsHan(words[i]!);
    const gap = keeps[i] ? KEPT_SPACE : isChinese ? '' : ' ';
    result += gap + words[i]!;
  }
  return `${before}${result}${after}`;
}

function isHan(word: string): boolean {
  return word.length <= 2 && beginsHan(word) && String.fromCodePoint(word.codePointAt(0)!).length === word.length;
}

function beginsHan(word: string): boolean {
  const unit = word.charCodeAt(0);
  return (unit >= 0x4e00 && unit <= 0x9fff) || (unit >= 0x25a1 && BEGINS_HAN.test(word));
}

function endsHan(word: string): boolean {
  const unit = word.charCodeAt(word.length - 1);
  const length = (unit & 0xfc00) === 0xdc00 ? 2 : 1;
  return (unit >= 0x4e00 && unit <= 0x9fff) || (unit >= 0x25a1 && isHan(word.slice(-length)));
}

/** 张 三 性 别： */
function withLabel(words: string[], opens: boolean): string[] {
  if (!opens || words.length < 3) return words;
  const [first, second] = words.slice(-2);
  if (!isHan(first!) || !isHan(second!)) return words;
  return [...words.slice(0, -2), `${first}${second}`];
}

const IS_NUMBER = /^\d+$/;
const HAS_LETTER = /[A-Za-z]/;

/** 5 月 is one word, its space goes with those beside Chinese; Python 3 has its own. */
function withNumbers(words: string[]): string[] {
  if (!words.some((word) => IS_NUMBER.test(word))) return words;
  const result: string[] = [];
  for (const [i, word] of words.entries()) {
    const last = words[i - 1];
    const joins =
      last !== undefined &&
      ((endsHan(last) && IS_NUMBER.test(word) && !HAS_LETTER.test(words[i + 1] ?? '')) ||
        (beginsHan(word) && IS_NUMBER.test(last) && !HAS_LETTER.test(words[i - 2] ?? '')));
    if (joins) result[result.length - 1] += word;
    else result.push(word);
  }
  return result;
}

/** Letters that were spaced out are put together, and sentences cut into words. Repeated until nothing changes. */
function joined(words: string[]): string[] {
  if (words.every(({ length }) => length > 2)) return words;
  for (let current = words; ; ) {
    const next = joinCut(joinSpaced(current));
    if (next.length === current.length) return next;
    current = next;
  }
}

/** Runs of single characters: three or more, or two that are all there is or stand among short words (王 伟 李小明). */
function joinSpaced(words: readonly string[]): string[] {
  const result: string[] = [];
  for (let i = 0; i < words.length; ) {
    let end = i;
    while (end < words.length && isHan(words[end]!)) end++;
    const run = words.slice(i, end);
    const begin = i;
    const isShortBeside = ({ length }: string, at: number) => length <= SHORT || (at >= begin && at < end);
    const isOne = run.length >= 3 || (run.length === 2 && !/[男女]/.test(run.join('')) && words.every(isShortBeside));
    if (run.length > 1 && isOne) result.push(run.join(''));
    else result.push(...(run.length > 0 ? run : [words[i]!]));
    i = Math.max(end, i + 1);
  }
  return result;
}

/** A word of grammar that stands alone joins its neighbours; where two do, the whole was cut into words. */
function joinCut(words: readonly string[]): string[] {
  const cuts = cutsIn(words);
  if (cuts === 0) return [...words];
  const result: string[] = [words[0]!];
  for (const [i, word] of words.entries()) {
    if (i === 0) continue;
    const last = words[i - 1]!;
    const joins = (cuts > 1 || isCut(last) || isCut(word)) && endsHan(last) && beginsHan(word);
    if (joins) result[result.length - 1] += word;
    else result.push(word);
  }
  return result;
}

function isCut(word: string): boolean {
  return word.length === 1 && CUT.has(word);
}

function cutsIn(words: readonly string[]): number {
  return words.filter(isCut).length;
}

/** For each word whether the space before it stays. */
function keptGaps(words: readonly string[], { isProse, isFirst, label, opens }: Place): boolean[] {
  const isBetweenHan = words.map((word, i) => i > 0 && endsHan(words[i - 1]!) && beginsHan(word));
  const hasPair = isBetweenHan.includes(true);
  const isList = isProse ? hasPair && isListInProse(words, label) : hasPair || isMixedList(words, label);
  const keeps = words.map((_, i) => i > 0 && isList);
  if (isFirst && isBetweenHan[1] && HEADING.test(words[0]!)) keeps[1] = true;
  // 姓名：张三 性别：男
  const last = words.length - 1;
  if (opens && isBetweenHan[last] && words[last]!.length <= 6 && !GRAMMAR.test(words[last]!)) keeps[last] = true;
  return keeps;
}

/** Python Java 数据库: three or more words without grammar, Chinese and others. */
function isMixedList(words: readonly string[], label: boolean): boolean {
  if (words.length < 3 || words.some((word) => GRAMMAR.test(word))) return false;
  return label || (words.some((word) => HAS_LETTER.test(word)) && words.some((word) => HAS_HAN.test(word)));
}

/** Names, three or more short words, or verse of one length; the outer ones may belong to the sentence around. */
function isListInProse(words: readonly string[], label: boolean): boolean {
  const isShort = (word: string) => word.length <= SHORT && HAS_HAN.test(word) && !GRAMMAR.test(word);
  if (words.every(isShort) && (words.length >= 3 || label || words.every(isName))) return true;
  const inner = words.slice(1, -1);
  if (inner.length > 1 && inner.every(isShort)) return true;
  if (inner.length === 1 && isName(inner[0]!) && SURNAMES.has(words.at(-1)![0]!)) return true;
  const { length } = words[0]!;
  return (length === 5 || length === 7) && words.every((word) => word.length === length);
}

/** The hundred most frequent ones. */
const SURNAMES = new Set(
  '王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文',
);

function isName(word: string): boolean {
  return word.length >= 2 && word.length <= 3 && SURNAMES.has(word[0]!);
}
