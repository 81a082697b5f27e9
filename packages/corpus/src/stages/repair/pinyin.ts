/**
 * Takes out pinyin that a spinner of stolen pages put in brackets after single characters to pass for new text: 效應(yīng)，
 * 設(shè)計. A reading that an author gives (饕餮（tāo tiè）, 蒯（kuǎi）) stays: it has several syllables, stands after a rare
 * character, or is alone on its page.
 */
import { bitsAlone } from './character-model.ts';

const TONED = 'āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ';
const BRACKETED = new RegExp(`(?<=\\p{Script=Han}) ?[(（] ?([a-zü:${TONED}]{1,7})([1-5]?) ?[)）]`, 'gu');
const SYLLABLE =
  /^(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?(?:a|o|e|ai|ei|ao|ou|an|en|ang|eng|ong|i|ia|ie|iao|iu|ian|in|iang|ing|iong|u|ua|uo|uai|ui|uan|un|uang|ü|üe|üan|ün|ue|v|ve)$|^(?:er|m|n|ng|hm|hng)$/;
const TONE = new RegExp(`[${TONED}]`, 'g');
const BRACKET = /[(（]\s*[A-Za-z]/g;

/** Bits below which a character needs no reading: the 2 000 most frequent. */
const COMMON_BITS = 15;
/** With tone marks two on a page are damage; without them a word in brackets may look like a syllable. */
const LEAST_TONED = 2;
const LEAST_PLAIN = 5;
const PLAIN_SHARE = 0.8;

export function removeInsertedPinyin(text: string): string {
  if (!/[(（]/.test(text)) return text;
  let toned = 0;
  let plain = 0;
  for (const match of text.matchAll(BRACKETED)) {
    const kind = kindOf(match[1]!, match[2]!);
    if (kind === undefined || bitsAlone(text.charCodeAt(match.index - 1)) > COMMON_BITS) continue;
    if (kind === 'toned') toned++;
    else plain++;
  }
  const brackets = text.match(BRACKET)?.length ?? 0;
  const inserted = toned >= LEAST_TONED || (plain >= LEAST_PLAIN && plain >= PLAIN_SHARE * brackets);
  if (!inserted) return text;
  return text.replace(BRACKETED, (whole, syllable: string, digit: string) =>
    kindOf(syllable, digit) === undefined ? whole : '',
  );
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
