/**
 * One mark □ for everything that stands for a character which the transcriber, the font or the encoding could not give,
 * so that the rules can count it. For editions of old texts: in a web page ● and ★ are bullets.
 */

import { MISSING } from '@tunan/page';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { Draft } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({ use: z.literal('mark-missing') })
  .describe(inBoth('A lost character becomes □.', '缺失的字标为 □。'));

// Characters described by their parts: {氵仓}, <囗贵>, 《囗贵》 after folding, ideographic description sequences (⿰木养).
const DESCRIBED = /\{[^{}\n]{1,16}\}|<[^<>\n]{1,4}>|[\u2FF0-\u2FFB][^，。！？；：\n]{2}/gu;
// Kana, Bopomofo, Cyrillic, Greek, box drawing, private use and U+FFFD are what wrong decoding made of rare
// characters (荼コ架, ㄓ环碧): in Chinese verse they have no other meaning.
const UNREADABLE =
  /[\p{Co}\uFFFD\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Cyrillic}\p{Script=Greek}\u2500-\u257F\uFE30-\uFE4F\u25A0-\u25FF☆★*]/gu;
// A circle in a number is a zero, at the end of a title too (其四○).
const CHINESE_ZERO = /(?<=[一二三四五六七八九十百千〇])○(?=[一二三四五六七八九十百千〇○年卷页])/g;
const ZERO_IN_TITLE = /(?<=[一二三四五六七八九十百千〇])○/g;

export function markMissing(draft: Draft): Draft {
  return { ...draft, title: mark(draft.title.replace(ZERO_IN_TITLE, '〇')), body: mark(draft.body) };
}

function mark(text: string): string {
  return text.replace(DESCRIBED, MISSING).replace(CHINESE_ZERO, '〇').replace(UNREADABLE, MISSING);
}

export const markMissingStage = documentStage({
  label: { zh: '标记缺字', en: 'Missing characters marked' },
  schema,
  prepare: () => markMissing,
});
