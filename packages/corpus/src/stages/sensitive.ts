/**
 * Stage `sensitive`: rejects pages that are adverts, spam, adult, gambling or offers of illegal trade, by the density of terms of
 * a category, and documents with more hits a line of given word lists than allowed (ChineseWebText: 0.5). What a sentence says of a thing
 * that spam sells, as reports and lessons do, is no evidence. No site names and no single word decides. The project ships no word list of its
 * own beyond the spam terms; lists are files of the recipe, one word a line, each with a category that names the reason.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SPAM_TERMS, type SpamCategory, type SpamTerm, STRONG, WEAK } from '@tunan/page/spam-terms';
import { WordFinder } from '@tunan/page/word-finder';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage } from '../document.ts';
import { CorpusError } from '../errors.ts';
import { documentStage, LOWER_CASE, textOption } from '../stage.ts';

const schema = z
  .strictObject({
    use: z.literal('sensitive'),
    spam: z
      .boolean()
      .default(true)
      .describe(
        inBoth(
          'Pages of adverts, adult content, gambling and illegal offers, recognised by our own terms.',
          '按自有词表剔除广告、色情、赌博与违法交易页面。',
        ),
      ),
    lists: z
      .array(z.strictObject({ category: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, LOWER_CASE), path: textOption }))
      .default([])
      .describe(
        inBoth(
          'Word lists `{"category", "path"}`, one word a line; category names the reason.',
          '词表 `{"category", "path"}`，每行一词；category 即剔除原因的名称。',
        ),
      ),
    maxHitsPerLine: z
      .number()
      .min(0)
      .default(0.5)
      .describe(
        inBoth('Hits of the lists for each line (ChineseWebText).', '词表命中数与行数之比（ChineseWebText）。'),
      ),
  })
  .describe(inBoth('Spam and what word lists name.', '垃圾内容与词表所列内容。'));

type Options = z.infer<typeof schema>;

/** What a page of a category has at least: share of its letters covered by terms, weight of them, different ones. */
interface Density {
  share: number;
  weight: number;
  different: number;
}

const PAGES: Record<SpamCategory, Density> = {
  adult: { share: 0.08, weight: 4, different: 3 },
  gambling: { share: 0.08, weight: 4, different: 3 },
  'illegal-trade': { share: 0.06, weight: 4, different: 3 },
  'game-servers': { share: 0.06, weight: 4, different: 3 },
  advert: { share: 0.1, weight: 4, different: 4 },
};

/** A message of a line has no room for more. */
const MESSAGE: Density = { share: 0.15, weight: 2, different: 2 };

const spamFinder = new WordFinder<SpamTerm>(SPAM_TERMS.map((term) => [term.term, term]));

/** @throws CorpusError where a list cannot be read or has no words */
function prepare(options: Options, base: string): DocumentStage {
  const lists = options.lists.map(({ category, path: file }) => ({
    category,
    words: readWords(path.resolve(base, file)),
  }));
  const finder = new WordFinder(lists.flatMap(({ category, words }) => words.map((word) => [word, category] as const)));
  return (draft) => {
    const text = draft.title === '' ? draft.body : `${draft.title}\n${draft.body}`;
    const reason = (options.spam ? spamCategory(text) : undefined) ?? listed(text, finder, options.maxHitsPerLine);
    return reason === undefined ? draft : { reason };
  };
}

function spamCategory(text: string): SpamCategory | undefined {
  const letters = lettersOf(text);
  const isTold = sentencesOf(text);
  const tallies = new Map<SpamCategory, { covered: number; weight: number; different: Set<string> }>();
  for (const { begin, end, value } of spamFinder.find(text)) {
    let tally = tallies.get(value.category);
    if (tally === undefined) {
      tally = { covered: 0, weight: 0, different: new Set() };
      tallies.set(value.category, tally);
    }
    const weight = value.isSubject && isTold(begin) ? WEAK : value.weight;
    // A weak term adds to strong ones; it is no evidence of its own.
    tally.covered += weight * (end - begin);
    tally.weight += weight;
    if (weight === STRONG) tally.different.add(value.term);
  }
  for (const [category, { covered, weight, different }] of tallies) {
    const reaches = ({ share, weight: least, different: kinds }: Density) =>
      covered >= share * letters && weight >= least && different.size >= kinds;
    if (reaches(PAGES[category]) || reaches(MESSAGE)) return category;
  }
  return undefined;
}

const SENTENCE_END = /[。！？!?\n]/;
/** Words of grammar, which lists of search words have next to none of. */
const GRAMMAR = /[的了是在和就都也将把被从对为与及其等因而所但或者由于已该可能会以并]/g;
const LEAST_GRAMMAR = 0.04;
/** Parts of a list of words are short. */
const PART = /[\s,，;；|_/.·-]+/;
const LEAST_PART = 6;
/** Who sells leaves a number, or the way to the goods. */
const OFFER =
  /(?:联系|电话|热线|咨询|客服|手机)[^。\n]{0,8}\d[\d -]{6,}|(?:qq|飞机|微信|[加➕][qv微])[^。\n\d]{0,6}\d{3,}|货到付款|点击进入|扫码下载|番号|磁力|在线观看|免费观看|日结|提成\d/i;

/**
 * Tells whether a place stands in a sentence that speaks of a thing, rather than in a list of words or an offer of it; to be asked in
 * ascending order.
 */
function sentencesOf(text: string): (at: number) => boolean {
  let end = -1;
  let isSentence = false;
  let isOffer: boolean | undefined;
  return (at) => {
    isOffer ??= OFFER.test(text);
    if (isOffer) return false;
    if (at < end) return isSentence;
    let begin = at;
    while (begin > 0 && !SENTENCE_END.test(text[begin - 1]!)) begin--;
    for (end = at; end < text.length && !SENTENCE_END.test(text[end]!); ) end++;
    const sentence = text.slice(begin, end);
    const letters = lettersOf(sentence);
    const grammar = sentence.match(GRAMMAR)?.length ?? 0;
    isSentence = grammar >= LEAST_GRAMMAR * letters && letters >= LEAST_PART * sentence.split(PART).length;
    return isSentence;
  };
}

/** The category with most hits, where the hits of all lists are too many for the lines of the document. */
function listed(text: string, finder: WordFinder<string>, maxHitsPerLine: number): string | undefined {
  const hits = finder.find(text);
  if (hits.length === 0) return undefined;
  const lines = text.split('\n').reduce((n, line) => (line.trim() === '' ? n : n + 1), 0);
  if (hits.length <= maxHitsPerLine * lines) return undefined;
  const counts = new Map<string, number>();
  for (const { value } of hits) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [category] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]!;
  return `listed-${category}`;
}

function readWords(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = (cause as Error).message;
    throw new CorpusError(
      'CORPUS_SOURCE_MISSING',
      { en: `cannot read the word list ${file}: ${why}`, zh: `无法读取词表 ${file}：${why}` },
      { cause },
    );
  }
  // Lists on the net end their words with commas now and then; a word of one character hits everything.
  const words = text
    .replace(/^\uFEFF/, '')
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[,，\s]+$/, '').trim())
    .filter((word) => word.length >= 2 && !word.startsWith('#'));
  if (words.length === 0)
    throw new CorpusError('CORPUS_EMPTY', {
      en: `the word list ${file} has no words; one a line is needed`,
      zh: `词表 ${file} 中没有词；应每行一词`,
    });
  return words;
}

function lettersOf(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x3400 || (unit >= 0x30 && unit <= 0x39) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a)) n++;
  }
  return n;
}

export const sensitiveStage = documentStage({
  label: { zh: '敏感与垃圾内容', en: 'Sensitive and spam' },
  names: {
    adult: { zh: '色情', en: 'adult' },
    gambling: { zh: '赌博', en: 'gambling' },
    'illegal-trade': { zh: '违法交易', en: 'illegal offers' },
    'game-servers': { zh: '游戏私服', en: 'private game servers' },
    advert: { zh: '广告', en: 'advert' },
  },
  schema,
  files: ({ lists }) => lists.map((list) => list.path),
  prepare,
});
