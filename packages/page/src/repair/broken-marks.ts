/**
 * Marks that lost their first half to a character: a decoder that met the lead byte of a character before `(` or `<` showed one ? for
 * both. What is left is the end of a reading (因?yàn)橹) or of a tag (场景?!?/p>); it goes, and U+FFFD stands where a byte is missing, for
 * the steps that put characters together again.
 */
import { MISSING } from '../missing.ts';
import { isReading } from './pinyin.ts';

/** A mark of a lost byte, the bracket if it is still there, the reading. */
const READING = /([?？\uFFFD□])[(（]?([a-z\u00e0-\u01dc]{1,7})[)）]/g;
const TAG = 'p|div|br ?|li|td|tr|h[1-6]|span|font|strong|b|em|a|center|section';
/** What stood before the tag's end was lost with its `<`. */
const TAG_END = new RegExp(`([?？\\uFFFD][!！])?([?？\\uFFFD])\\/?(?:${TAG})\\/?>`, 'gi');
/** What halving made of 。” before white space, or of another character and 。 */
const HALVED_END = /(?<=\p{Script=Han})[?？][!！][?？](?=\s|$)/gu;
const WHOLE_SENTENCE = /[。！？!?…][”」』）)]?$/;
const SENTENCES = /[，。]/;
const CLOSED = /^[^“”]*(?:“[^“”]*”[^“”]*)*$/;

const LOST = '\uFFFD';

/** `known`: readings were found already, so that those without a tone are some too. */
export function mendBrokenMarks(text: string, known = false): string {
  if (!/[?？\uFFFD□]/.test(text)) return text;
  const read = text.replace(READING, (whole, mark: string, reading: string) => {
    // A □ may be an editor's.
    if (!isReading(reading, known) || (mark === MISSING && !known)) return whole;
    return mark === MISSING ? MISSING : LOST;
  });
  const ended = read.includes('>') ? read.replace(TAG_END, (...match) => sentenceEnd(read, match)) : read;
  return ended.replace(HALVED_END, (marks, at: number) => {
    const line = lineBefore(ended, at);
    if (!CLOSED.test(line)) return '。”';
    return SENTENCES.test(line) ? `${MISSING}。` : marks;
  });
}

/** A paragraph ends in a mark: 。, or ” where a quotation is open. `?!?` is what halving made of 。”. */
function sentenceEnd(text: string, match: readonly unknown[]): string {
  const [, halves, , at] = match as [string, string | undefined, string, number];
  if (halves !== undefined) return '。”';
  const line = lineBefore(text, at);
  const isWhole = WHOLE_SENTENCE.test(line);
  if (!CLOSED.test(line)) return isWhole ? '”' : LOST;
  if (isWhole) return '';
  return SENTENCES.test(line) ? '。' : LOST;
}

function lineBefore(text: string, at: number): string {
  return text.slice(text.lastIndexOf('\n', at) + 1, at);
}
