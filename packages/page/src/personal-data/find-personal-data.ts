/**
 * Finds what a person could be reached or known by: telephone numbers, identity, passport and card numbers, e-mail addresses,
 * accounts of chat services, postal addresses down to the door, plates. A number needs the right shape and nothing beside it that
 * says what else it is; a shape that many things have (eight digits, a letter and eight digits) needs a word that says it is one. Addresses
 * of web pages, file names, versions, amounts and the numbers of cases, orders and books stay.
 */
import { unitsOf } from '../utf16-units.ts';
import { asAscii, FULL_WIDTH } from './ascii.ts';
import type { PersonalDataKind } from './kinds.ts';
import { RULES, type Rule, type Surroundings } from './rules.ts';

export interface PersonalDatum {
  kind: PersonalDataKind;
  begin: number;
  end: number;
  /** Named by the word before it, though its check digit is wrong: a slip of the pen, or digits that a model made up. */
  slip: boolean;
}

/** Words and marks beside which a line may have personal data; most lines have none, nor a number of that kind, and are looked at no further. */
const TRIGGER =
  /[Qq] ?[Qq]|Q[:：]|ＱＱ|扣扣|企鹅|球球|(?<=[\w.%+'\-\uff01-\uff5e])[@＠][\w\-\uff01-\uff5e]|#(?:163|126|139|189|qq|gmail|foxmail|sina|sohu|yeah|hotmail|outlook|aliyun)\.|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]|[aA][tT](?:[\])）]| \S{1,63}\s[dD][oO][tT]\s)|[一幺][三四五六七八九][〇零○一二三四五六七八九幺]{9}|[微薇威]信|加[薇vV]|[VvWw][Xx]|[Ww][Ee](?:[Cc]hat|ixin)|(?:[Ss]kype|[Tt](?:elegram|[Gg])|[Ll](?:ine|INE)(?: ?[Ii][Dd])?)[:：]|TG[:：]|钉钉/y;
const [WORD, HAN_WORD, PLATE, LETTER, DIGIT] = [1, 2, 3, 4, 5] as const;
/** What may begin at a unit; and a bit for each unit at which anything may, which is small enough for the processor's first cache. */
const BEGINNINGS = new Uint8Array(65_536);
const BEGINS = new Uint32Array(65_536 / 32);
const mayBegin = (characters: string, what: number) => {
  for (const character of characters) {
    const unit = character.charCodeAt(0);
    BEGINNINGS[unit] = what;
    BEGINS[unit >>> 5]! |= 1 << (unit & 31);
  }
};
mayBegin('@＠#Ｑ', WORD);
mayBegin('一幺微薇威扣企球钉', HAN_WORD);
mayBegin('京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼加', PLATE);
mayBegin('aAVvWwSsTtLlQq', LETTER);
mayBegin('0123456789０１２３４５６７８９', DIGIT);
/**
 * Units of ASCII that TRIGGER has behind each other: two, and for pairs that are frequent in English the third. PAIRS holds 1 for a pair
 * alone, else 2 and more: which of THIRDS must follow.
 */
const PAIRS = new Uint8Array(128 * 128);
const THIRDS: ReadonlySet<number>[] = [];
const BEGINNINGS_OF_WORDS: [firsts: string, seconds: string, thirds?: string][] = [
  ['aA', 'tT', ' ])）'],
  ['vVwW', 'xX'],
  ['wW', 'eE', 'cCiI'],
  ['sS', 'k', 'y'],
  ['tT', 'e', 'l'],
  ['tT', 'gG'],
  ['lL', 'iI', 'nN'],
  ['qQ', 'qQ :'],
];
for (const [firsts, seconds, thirds] of BEGINNINGS_OF_WORDS) {
  const mark = thirds === undefined ? 1 : 1 + THIRDS.push(new Set(unitsIn(thirds)));
  for (const first of unitsIn(firsts)) for (const second of unitsIn(seconds)) PAIRS[128 * first + second] = mark;
}
/** What follows a Chinese character at which a word of TRIGGER begins: 一三五…, 微信, 扣扣, 企鹅, 球球, 钉钉. */
const AFTER_HAN = new Set(unitsIn('三四五六七八九信扣鹅球钉'));
const IN_NUMBER = new Set(unitsIn(' ()（）[].．‐–—－−-'));
const HOUSE = new Set(unitsIn('号室弄组栋幢座单'));

function unitsIn(characters: string): number[] {
  return Array.from(characters, (character) => character.charCodeAt(0));
}

/** In the order of places; where two overlap, the kind that is tried first has it. */
export function findPersonalData(text: string, kinds: readonly PersonalDataKind[]): PersonalDatum[] {
  const rules = RULES.filter(({ kind }) => kinds.includes(kind));
  const units = unitsOf(text);
  const found: PersonalDatum[] = [];
  for (let at = 0; at < text.length; at++) {
    const unit = units[at]!;
    if (((BEGINS[unit >>> 5]! >>> (unit & 31)) & 1) === 0) continue;
    const what = BEGINNINGS[unit]!;
    if (what === DIGIT) {
      const end = endOfNumber(text, units, at);
      if (end >= 0) {
        at = end;
        continue;
      }
    } else if (!isTriggered(text, units, at, what)) continue;
    const first = text.lastIndexOf('\n', at) + 1;
    const newline = text.indexOf('\n', at);
    at = newline < 0 ? text.length : newline;
    findInLine(text.slice(first, at), first, rules, found);
  }
  return found;
}

function isTriggered(text: string, units: Uint16Array, at: number, what: number): boolean {
  const second = units[at + 1]!;
  if (what === PLATE && (second | 0x20) > 0x7a && second !== 0x8587) return false;
  if (what === HAN_WORD && !AFTER_HAN.has(second)) return false;
  if (what === LETTER && !isPair(units[at]!, second, units[at + 2]!)) return false;
  TRIGGER.lastIndex = at;
  return TRIGGER.test(text);
}

/** Whether a word of TRIGGER may begin with these units; the second may be the colon of full width. */
function isPair(first: number, second: number, third: number): boolean {
  if (second >= 128) return second === 0xff1a;
  const mark = PAIRS[128 * first + second]!;
  return mark < 2 ? mark === 1 : THIRDS[mark - 2]!.has(third);
}

/**
 * The last unit of a number that no rule finds, which begins at a digit; -1 where one may: seven digits and more, up to three marks or spaces
 * between two of them; six before a bracket; any before a house or a door; 13 to 19 with the letter O for nought.
 */
function endOfNumber(text: string, units: Uint16Array, begin: number): number {
  let [digits, inOne, last] = [0, 0, begin];
  for (let at = begin; at - last <= 4; at++) {
    const unit = units[at]!;
    if (BEGINNINGS[unit] === DIGIT) {
      digits++;
      inOne = at - last > 1 ? 1 : inOne + 1;
      last = at;
      if (digits === 7) return -1;
      continue;
    }
    if (at === last + 1) {
      if (inOne === 6 && (unit === 0x28 || unit === 0xff08)) return -1;
      if (HOUSE.has(unit)) return -1;
      if ((unit | 0x20) === 0x6f && /1[3-9]\d?$/.test(text.slice(begin, at))) return -1;
    }
    if (!IN_NUMBER.has(unit)) break;
  }
  return last;
}

function findInLine(line: string, offset: number, rules: readonly Rule[], found: PersonalDatum[]): void {
  const plain = line.replace(FULL_WIDTH, asAscii);
  const spans: PersonalDatum[] = [];
  const needed = new Map<RegExp, boolean>();
  for (const { kind, pattern, needs, judge } of rules) {
    const isNeeded = needed.get(needs) ?? needs.test(plain);
    needed.set(needs, isNeeded);
    if (!isNeeded) continue;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(plain); match !== null; match = pattern.exec(plain)) {
      const [begin, end] = [match.index, pattern.lastIndex];
      if (spans.some((span) => begin < span.end && span.begin < end)) continue;
      const verdict = judge(match[0], surroundingsOf(plain, begin, end));
      if (verdict !== 'no') spans.push({ kind, begin, end, slip: verdict === 'slip' });
    }
  }
  spans.sort((a, b) => a.begin - b.begin);
  for (const span of spans) found.push({ ...span, begin: offset + span.begin, end: offset + span.end });
}

function surroundingsOf(line: string, begin: number, end: number): Surroundings {
  return {
    before: line.slice(Math.max(0, begin - 40), begin),
    after: line.slice(end, end + 16),
    address: () => isInAddress(line, begin),
  };
}

/** Characters of a web address or a path, which a number may be part of; a Chinese character or a space ends them. */
const ADDRESS_BEFORE = /[\w.~:/?#@!$&'*+,;=%-]+$/;
const IS_ADDRESS =
  /^[a-z][a-z0-9+]*:\/\/|^(?:[\w-]+\.)+[a-z]{2,}[/?]|(?:^|[^\w])10\.\d{4,9}\/|\/[A-Za-z][\w.-]*\/|^\/[A-Za-z]|[?&][\w-]+=|^(?!phone|tel|mobile|cell)[A-Za-z_]\w*=/i;
const KEY = /(?:phone|tel|mobile|cell)\w*=$/i;

function isInAddress(line: string, begin: number): boolean {
  const before = ADDRESS_BEFORE.exec(line.slice(Math.max(0, begin - 200), begin))?.[0] ?? '';
  return before !== '' && !KEY.test(before) && IS_ADDRESS.test(before);
}
