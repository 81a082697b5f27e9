/**
 * Takes out pinyin that a spinner of stolen pages put in brackets after single characters to pass for new text: 效應(yīng)，
 * 設(shè)計. A reading that an author gives stays: of several syllables (饕餮（tāo tiè）), after rare characters (蒯（kuǎi）), after those
 * that have several readings (行(háng)列，行(xíng)走), after nearly every character of a line of verse or a list of words. A spinner's
 * stand here and there, after characters that everyone can read, and most of all after those that Simplified text does not have.
 */
import { bitsAlone, simplifiedUnit } from './character-model.ts';
import { codeTable } from './code-pages.ts';

const TONED = 'āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ';
const BRACKETED = new RegExp(`(?<=\\p{Script=Han}) ?[(（] ?([a-zü:${TONED}]{1,7})([1-5]?) ?[)）]`, 'gu');
/** … behind a lost character or a mark too, and with its last bracket lost. */
const BRACKETED_ANYWHERE = new RegExp(
  BRACKETED.source.replace('\\p{Script=Han}', '[^\\0-\\x7f]').replace('[)）]', '[)）□]'),
  'gu',
);
/** A reading whose vowel was lost with its tone. */
const BRACKETED_LOST = /[(（] ?[a-z]{0,5}[□\uFFFD?]{1,2}[a-z]{0,4} ?[)）]/g;
/** One that lost a byte, so that what was left of it and the letter behind were taken for a character; or its bracket was. */
const BRACKETED_CUT = new RegExp(`[(（]?([a-z${TONED}]{0,5})([^\\0-\\x7f${TONED}])([a-z${TONED}]{0,5})[)）]`, 'g');
const SYLLABLE =
  /^(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?(?:a|o|e|ai|ei|ao|ou|an|en|ang|eng|ong|i|ia|ie|iao|iu|ian|in|iang|ing|iong|u|ua|uo|uai|ui|uan|un|uang|ü|üe|üan|ün|ue|v|ve)$|^(?:er|m|n|ng|hm|hng)$/;
const TONE = new RegExp(`[${TONED}]`, 'g');
const BRACKET = /[(（]\s*[A-Za-z]/g;
const HAN = /\p{Script=Han}/gu;

/** Bits below which a character needs no reading: the 2 000 most frequent. */
const COMMON_BITS = 15;
/** Characters of several readings that schools teach. */
const SEVERAL_READINGS = new Set(
  '行长重好乐教着了得地的还都种中为应当数处分干少便率藏传调冠强曲朝盛降解弹难相兴宿省奇似背假间将卷空量露落蒙模磨没泊铺切散舍什胜说提挑吐系校削血咽与晕载扎' +
    '涨正只转钻作和大会见看乘称冲臭畜创答担倒度恶发缝更供观号喝横荷哄划几济夹结尽禁劲卡壳累俩笼绿论埋闷宁炮漂屏迫仆曾刹扇杀石食属刷谁缩挨薄剥参差禅车盛朴其' +
    '悄翘亲塞色上圈尾吓鲜鸟纤旋要饮予给父角咳',
);

/** What speaks for a spinner: a reading of a character that Simplified text does not have, of one in every sentence, of another common one. */
const WEIGHT = { traditional: 1, frequent: 0.7, other: 0.4, plain: 0.4 };
const FREQUENT_BITS = 10.5;
/** What a page has shown before its readings are looked at: nothing, some damage, or that somebody stole and spun it. */
export type Sign = 'none' | 'damage' | 'theft';
const LEAST_WEIGHT: Readonly<Record<Sign, number>> = { none: 2, damage: 1, theft: 0.4 };
const LEAST_PLAIN = 5;
const PLAIN_SHARE = 0.8;
/** What speaks for an author: the share of all readings that … */
const AUTHOR = {
  /** … belong to characters with two different ones on the page, */
  twofold: 0.3,
  /** … stand after characters of several readings or rare ones, */
  taught: 0.75,
  /** … are in lines where so many characters have one. */
  crowded: 0.5,
  line: 0.45,
};

const LEAST_CROWD = 4;

/** Particles without a tone, of which nobody is taught the reading. */
const NEUTRAL = new Map(
  ['的de', '了le', '着zhe', '著zhe', '吗ma', '呢ne', '吧ba', '们men'].map((entry) => [entry[0]!, entry.slice(1)]),
);

/** `known`: readings were found to be inserted already; then they are taken from behind lost characters and marks too. */
export function removeInsertedPinyin(text: string, known = false, sign: Sign = 'none'): string {
  if (!/[)）]/.test(text) || !(known || isSpun(text, sign))) return text;
  // A vowel that is lost is no last bracket that is.
  const whole = withoutCut(text).replace(BRACKETED_LOST, '');
  return whole.replace(BRACKETED_ANYWHERE, (all, syllable: string, digit: string) =>
    kindOf(syllable, digit) === undefined ? all : '',
  );
}

/** Without readings that lost a byte: the second byte of the character in them is a letter of theirs. */
function withoutCut(text: string): string {
  const { bytesOf } = codeTable('gbk');
  return text.replace(BRACKETED_CUT, (all, before: string, character: string, after: string) => {
    const code = bytesOf[character.charCodeAt(0)]!;
    const letter = String.fromCharCode(code & 0xff);
    if (!/[a-z]/.test(letter) || before + after === '') return all;
    const vowels = code >> 8 === VOWELS ? TONED : (vowelOf(code >> 8) ?? '');
    const syllables = ['', ...vowels].map((vowel) => before + vowel + letter + after);
    return syllables.some((syllable) => kindOf(syllable, '') !== undefined) ? '' : all;
  });
}

/** The first byte in GBK of vowels with a tone. */
const VOWELS = 0xa8;

/** The vowel whose second byte this is. */
function vowelOf(trail: number): string | undefined {
  const unit = codeTable('gbk').unitOf[VOWELS * 256 + trail]!;
  const vowel = String.fromCharCode(unit);
  return unit !== 0 && TONED.includes(vowel) ? vowel : undefined;
}

/** Whether this is one syllable, with its tone unless that may be missing. */
export function isReading(syllable: string, toneless = false): boolean {
  const kind = kindOf(syllable, '');
  return kind === 'toned' || (toneless && kind === 'plain');
}

interface Reading {
  unit: number;
  syllable: string;
  kind: 'toned' | 'plain';
  at: number;
}

function isSpun(text: string, sign: Sign): boolean {
  const readings = readingsOf(text);
  let weight = 0;
  let plain = 0;
  for (const { unit, syllable, kind } of readings) {
    if (sign !== 'none' && NEUTRAL.get(String.fromCharCode(simplifiedUnit(unit))) === syllable) weight += WEIGHT.other;
    if (isTaught(unit, sign)) continue;
    if (kind === 'plain') plain++;
    else if (simplifiedUnit(unit) !== unit) weight += WEIGHT.traditional;
    else weight += bitsAlone(unit) <= FREQUENT_BITS ? WEIGHT.frequent : WEIGHT.other;
  }
  const brackets = text.match(BRACKET)?.length ?? 0;
  if (plain >= LEAST_PLAIN && plain >= PLAIN_SHARE * brackets) weight += WEIGHT.plain * plain;
  return weight >= LEAST_WEIGHT[sign] && !isAuthors(text, readings, sign);
}

function readingsOf(text: string): Reading[] {
  const readings: Reading[] = [];
  for (const match of text.matchAll(BRACKETED)) {
    const kind = kindOf(match[1]!, match[2]!);
    const syllable = match[1]! + match[2]!;
    if (kind !== undefined) readings.push({ unit: text.charCodeAt(match.index - 1), syllable, kind, at: match.index });
  }
  return readings;
}

function isAuthors(text: string, readings: readonly Reading[], sign: Sign): boolean {
  const syllables = new Map<number, Set<string>>();
  for (const { unit, syllable } of readings) {
    const of = syllables.get(unit) ?? new Set();
    syllables.set(unit, of.add(syllable));
  }
  const isMost = (share: number, is: (reading: Reading) => boolean) =>
    readings.filter(is).length >= share * readings.length;
  return (
    isMost(AUTHOR.twofold, ({ unit }) => syllables.get(unit)!.size > 1) ||
    isMost(AUTHOR.taught, ({ unit }) => isTaught(unit, sign)) ||
    inCrowdedLines(text, readings) >= AUTHOR.crowded * readings.length
  );
}

/** Readings of the lines where nearly every character has one. */
function inCrowdedLines(text: string, readings: readonly Reading[]): number {
  let crowded = 0;
  let next = 0;
  let begin = 0;
  for (const line of text.split('\n')) {
    const first = next;
    while (next < readings.length && readings[next]!.at < begin + line.length) next++;
    if (next - first >= LEAST_CROWD && next - first >= AUTHOR.line * (line.match(HAN)?.length ?? 0))
      crowded += next - first;
    begin += line.length + 1;
  }
  return crowded;
}

/** An author gives the reading of a rare character, or says which of several it is; on a stolen page the latter is no excuse. */
function isTaught(unit: number, sign: Sign): boolean {
  if (bitsAlone(unit) > COMMON_BITS) return true;
  return sign !== 'theft' && SEVERAL_READINGS.has(String.fromCharCode(simplifiedUnit(unit)));
}

function kindOf(syllable: string, digit: string): 'toned' | 'plain' | undefined {
  const marks = syllable.match(TONE)?.length ?? 0;
  if (marks + digit.length > 1) return undefined;
  const bare = syllable
    .normalize('NFD')
    .replace(/[\u0300\u0301\u0304\u030c]/g, '')
    .normalize('NFC')
    .replace('u:', 'ü');
  if (!SYLLABLE.test(bare)) return undefined;
  return marks + digit.length === 1 ? 'toned' : 'plain';
}
