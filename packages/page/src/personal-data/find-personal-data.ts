/**
 * Finds what a person could be reached or known by: telephone numbers, identity, passport and card numbers, e-mail addresses,
 * accounts of chat services, postal addresses down to the door, plates. A number needs the right shape and nothing beside it that
 * says what else it is; a shape that many things have (eight digits, a letter and eight digits) needs a word that says it is one. Addresses
 * of web pages, file names, versions, amounts and the numbers of cases, orders and books stay.
 */
import type { PersonalDataKind } from './kinds.ts';
import { RULES, type Surroundings } from './rules.ts';

export type PersonalDatum = {
  kind: PersonalDataKind;
  begin: number;
  end: number;
  /** Named by the word before it, though its check digit is wrong: a slip of the pen, or digits that a model made up. */
  slip: boolean;
};

/** What a line has that any rule could find: most lines have none of it, and are looked at no further. */
const TRIGGER =
  /[\d０-９](?:[ ()（）[\].．‐–—−－-]{0,3}[\d０-９]){6}|\d{6}[(（]|[Qq] ?[Qq]|Q[:：]|ＱＱ|扣扣|企鹅|球球|\d(?:[号室弄组]|[栋幢座]|单元)|1[3-9]\d?[Oo]|[@＠#]|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]|[aA][tT][\])） ]|[一幺][三四五六七八九][〇零○一二三四五六七八九幺]{9}|[微薇威]信|加[薇vV]|[VvWw][Xx]|[Ww][Ee](?:[Cc]hat|ixin)|[Ss]kype|[Tt](?:elegram|[Gg])|TG|[Ll](?:ine|INE)|钉钉/y;
/** Units that it may begin with; 2 for those that a letter must follow. */
const BEGINNINGS = new Uint8Array(65_536);
for (const unit of '0123456789０１２３４５６７８９@＠#aA一幺微薇威VvWwSsTtLlQqＱ扣企球钉')
  BEGINNINGS[unit.charCodeAt(0)] = 1;
for (const unit of '京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼加')
  BEGINNINGS[unit.charCodeAt(0)] = 2;
const FULL_WIDTH = /[\uff01-\uff5e\u3000\u00a0‐‑–—−•・]/g;

/** In the order of places; where two overlap, the kind that is tried first has it. */
export function findPersonalData(text: string, kinds: readonly PersonalDataKind[]): PersonalDatum[] {
  const found: PersonalDatum[] = [];
  for (let at = 0; at < text.length; at++) {
    const beginning = BEGINNINGS[text.charCodeAt(at)];
    if (beginning === 0 || (beginning === 2 && (text.charCodeAt(at + 1) | 0x20) > 0x7a && text[at + 1] !== '薇'))
      continue;
    TRIGGER.lastIndex = at;
    if (!TRIGGER.test(text)) continue;
    const begin = text.lastIndexOf('\n', at) + 1;
    const newline = text.indexOf('\n', at);
    at = newline < 0 ? text.length : newline;
    findInLine(text.slice(begin, at), begin, kinds, found);
  }
  return found;
}

function findInLine(line: string, offset: number, kinds: readonly PersonalDataKind[], found: PersonalDatum[]): void {
  const plain = line.replace(FULL_WIDTH, asAscii);
  const spans: PersonalDatum[] = [];
  const needed = new Map<RegExp, boolean>();
  for (const { kind, pattern, needs, judge } of RULES) {
    if (!kinds.includes(kind)) continue;
    if (!needed.has(needs)) needed.set(needs, needs.test(plain));
    if (!needed.get(needs)) continue;
    for (const match of plain.matchAll(pattern)) {
      const [begin, end] = [match.index, match.index + match[0].length];
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

/** One unit for one: letters, digits and marks of full width, dashes and spaces of all kinds, points between letters. */
function asAscii(character: string): string {
  const unit = character.charCodeAt(0);
  if (unit >= 0xff01 && unit <= 0xff5e) return String.fromCharCode(unit - 0xfee0);
  if (unit === 0x3000 || unit === 0xa0) return ' ';
  return character === '•' || character === '・' ? '·' : '-';
}
