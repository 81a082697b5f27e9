/**
 * Takes out pinyin that a spinner of stolen pages put in brackets after single characters to pass for new text: 效應(yīng)，
 * 設(shè)計. A reading that an author gives stays: of several syllables (饕餮（tāo tiè）), after rare characters (蒯（kuǎi）), after those
 * that have several readings (行(háng)列，行(xíng)走), after nearly every character of a line of verse or a list of words. A spinner's
 * stand here and there, after characters that everyone can read, and most of all after those that Simplified text does not have.
 */
import { bitsAlone, simplifiedUnit } from './character-model.ts';

const TONED = 'āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ';
const BRACKETED = new RegExp(`(?<=\\p{Script=Han}) ?[(（] ?([a-zü:${TONED}]{1,7})([1-5]?) ?[)）]`, 'gu');
/** … behind a lost character or a mark too, and with its last bracket lost. */
const BRACKETED_ANYWHERE = new RegExp(
  BRACKETED.source.replace('\\p{Script=Han}', '[^\\0-\\x7f]').replace('[)）]', '[)）□]'),
  'gu',
);
/** A reading whose vowel was lost with its tone. */
const BRACKETED_LOST = /[(（] ?[a-z]{0,5}[□\uFFFD?][a-z]{0,4} ?[)）]/g;
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
const LEAST_WEIGHT = 2;
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

/** `known`: readings were found to be inserted already; then they are taken from behind lost characters and marks too. */
export function removeInsertedPinyin(text: string, known = false): string {
  if (!/[(（]/.test(text)) return text;
  if (!known && !isSpun(text)) return text;
  const read = text.replace(known ? BRACKETED_ANYWHERE : BRACKETED, (whole, syllable: string, digit: string) =>
    kindOf(syllable, digit) === undefined ? whole : '',
  );
  return known ? read.replace(BRACKETED_LOST, '') : read;
}

/** Whether this is one syllable with its tone. */
export function isReading(syllable: string): boolean {
  return kindOf(syllable, '') === 'toned';
}

type Reading = { unit: number; syllable: string; kind: 'toned' | 'plain'; at: number };

function isSpun(text: string): boolean {
  const readings = readingsOf(text);
  let weight = 0;
  let plain = 0;
  for (const { unit, kind } of readings) {
    if (bitsAlone(unit) > COMMON_BITS || hasSeveral(unit)) continue;
    if (kind === 'plain') plain++;
    else if (simplifiedUnit(unit) !== unit) weight += WEIGHT.traditional;
    else weight += bitsAlone(unit) <= FREQUENT_BITS ? WEIGHT.frequent : WEIGHT.other;
  }
  const brackets = text.match(BRACKET)?.length ?? 0;
  if (plain >= LEAST_PLAIN && plain >= PLAIN_SHARE * brackets) weight += WEIGHT.plain * plain;
  return weight >= LEAST_WEIGHT && !isAuthors(text, readings);
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

function isAuthors(text: string, readings: readonly Reading[]): boolean {
  const syllables = new Map<number, Set<string>>();
  for (const { unit, syllable } of readings) {
    const of = syllables.get(unit) ?? new Set();
    syllables.set(unit, of.add(syllable));
  }
  const isMost = (share: number, is: (reading: Reading) => boolean) =>
    readings.filter(is).length >= share * readings.length;
  return (
    isMost(AUTHOR.twofold, ({ unit }) => syllables.get(unit)!.size > 1) ||
    isMost(AUTHOR.taught, ({ unit }) => bitsAlone(unit) > COMMON_BITS || hasSeveral(unit)) ||
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

function hasSeveral(unit: number): boolean {
  return SEVERAL_READINGS.has(String.fromCharCode(simplifiedUnit(unit)));
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
