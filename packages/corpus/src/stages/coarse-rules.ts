/**
 * Stage `coarse-rules`: cheap measures of a document against published thresholds, each an option; the first that is broken names the
 * reason. Defaults: ChineseWebText (200 characters, mean line 10, Chinese share 30 %, repeated 13-grams 50 %), Gopher
 * (repeated lines and paragraphs 30 %, lines that end in an ellipsis 30 %, bullets 90 %). Lines of boilerplate are taken
 * out first, so that they neither count nor stay. The shares and repeated lines are measured on what is language: the code and the
 * formulas of a tutorial make it no less Chinese. They count for its least length, at most as much as what is said about them.
 * 0 or 1 switches a limit off where that can never be broken.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage } from '../document.ts';
import { countOption, documentStage, shareOption } from '../stage.ts';
import { withoutBoilerplate } from './boilerplate.ts';
import { withoutMachineLines } from './machine-lines.ts';
import { withoutFormulas } from './verbatim.ts';

const schema = z
  .strictObject({
    use: z.literal('coarse-rules'),
    minCharacters: countOption
      .default(200)
      .describe(
        inBoth(
          'Characters that are no white space. ChineseWebText: at least 200, a mean line of 10, 30 % Chinese.',
          '非空白字符数。ChineseWebText：至少 200，平均行长 10，汉字 30%。',
        ),
      ),
    maxCharacters: z.int().min(1).default(1_000_000).describe(inBoth('The same, at most.', '非空白字符数的上限。')),
    minMeanLine: z.number().min(0).default(10).describe(inBoth('Mean characters of a line.', '平均行长的下限。')),
    minHanShare: shareOption.default(0.3).describe(inBoth('Chinese characters among all.', '汉字的最低比例。')),
    maxRepeated13Grams: shareOption
      .default(0.5)
      .describe(
        inBoth(
          '13-grams that came before in the document (ChineseWebText).',
          '文中重复出现的 13 字片段（ChineseWebText）。',
        ),
      ),
    maxRepeatedLines: shareOption
      .default(0.3)
      .describe(inBoth('Characters in repeated lines (Gopher).', '重复行的字符比例（Gopher）。')),
    maxRepeatedParagraphs: shareOption
      .default(0.3)
      .describe(inBoth('Characters in repeated paragraphs (Gopher).', '重复段落的字符比例（Gopher）。')),
    maxEllipsisLines: shareOption
      .default(0.3)
      .describe(inBoth('Lines that end in an ellipsis (Gopher).', '以省略号结尾的行（Gopher）。')),
    maxBulletLines: shareOption
      .default(0.9)
      .describe(inBoth('Lines that begin with a bullet (Gopher).', '以项目符号开头的行（Gopher）。')),
    maxSymbolShare: shareOption.default(0.15).describe(inBoth('Symbols among all characters.', '符号的比例。')),
    maxDigitShare: shareOption.default(0.3).describe(inBoth('Digits among all characters.', '数字的比例。')),
    boilerplate: z
      .enum(['remove', 'keep'])
      .default('remove')
      .describe(
        inBoth(
          'Lines of navigation, copyright and the like are taken out before the rules.',
          '先去掉导航、版权声明之类的行，再检查各项。',
        ),
      ),
  })
  .describe(inBoth('Published limits that tell text from debris.', '按公开阈值区分正文与残渣。'));

type Options = z.infer<typeof schema>;

function prepare(options: Options): DocumentStage {
  return (draft) => {
    const body = options.boilerplate === 'remove' ? withoutBoilerplate(draft.body) : draft.body;
    const reason = firstBroken(body, options);
    if (reason !== undefined) return { reason };
    return body === draft.body ? draft : { ...draft, body };
  };
}

function firstBroken(body: string, limits: Options): string | undefined {
  const all = countUnits(body);
  const language = withoutMachineLines(body);
  const prose = withoutFormulas(language);
  const counts = prose === body ? all : countUnits(prose);
  if (Math.min(all.characters, 2 * counts.characters) < limits.minCharacters) return 'too-short';
  if (all.characters > limits.maxCharacters) return 'too-long';
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  if (all.characters < limits.minMeanLine * lines.length) return 'short-lines';
  if (counts.han < limits.minHanShare * counts.characters) return 'low-chinese-share';
  if (counts.digits > limits.maxDigitShare * counts.characters) return 'too-many-digits';
  if (counts.symbols > limits.maxSymbolShare * counts.characters) return 'too-many-symbols';
  if (countEnding(lines, ELLIPSIS) > limits.maxEllipsisLines * lines.length) return 'ellipsis-ends';
  if (countEnding(lines, BULLET) > limits.maxBulletLines * lines.length) return 'bullet-lines';
  if (repeatedShare(language.split('\n')) > limits.maxRepeatedLines) return 'repeated-lines';
  if (repeatedShare(paragraphsOf(language)) > limits.maxRepeatedParagraphs) return 'repeated-paragraphs';
  if (repeatedGrams(body) > limits.maxRepeated13Grams) return 'repeated-13-grams';
  return undefined;
}

const ELLIPSIS = /(?:…|\.{3}|。{2,})[”"』」）)]?\s*$/;
const BULLET = /^\s*[•·●○■□◆◇★☆▪►▶※\-*](?!-)/;

function countEnding(lines: string[], pattern: RegExp): number {
  return lines.reduce((n, line) => (pattern.test(line) ? n + 1 : n), 0);
}

const SENTENCE_END = /[。！？!?….；;：:][”’"』」）)】\]]*\s*$/;

/** Parted by blank lines; where there are none (`normalise` takes them out), the lines that close a sentence. */
function paragraphsOf(text: string): string[] {
  const parted = text.split(/\n\s*\n/).filter((part) => part.trim() !== '');
  return parted.length > 1 ? parted : text.split('\n').filter((line) => SENTENCE_END.test(line));
}

interface Counts {
  characters: number;
  han: number;
  digits: number;
  symbols: number;
}

/**
 * Characters are what is no white space. Symbols are no letters, digits or punctuation of prose; a run of one of ASCII is a blank to
 * fill or a rule drawn across the page (____, ====), and counts once.
 */
function countUnits(text: string): Counts {
  const counts: Counts = { characters: 0, han: 0, digits: 0, symbols: 0 };
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x20 || unit === 0x3000 || unit === 0xa0 || (unit & 0xfc00) === 0xdc00) continue;
    counts.characters++;
    if ((unit >= 0x3400 && unit <= 0x9fff) || (unit >= 0xd840 && unit <= 0xd888)) counts.han++;
    else if ((unit >= 0x30 && unit <= 0x39) || (unit >= 0xff10 && unit <= 0xff19)) counts.digits++;
    else if (isSymbol(unit) && !(unit < 0x80 && text.charCodeAt(i - 1) === unit)) counts.symbols++;
  }
  return counts;
}

/** # $ % & * + / < = > @ \ ^ _ ` { | } ~, arrows, drawings, dingbats, private use, emoji. */
const ASCII_SYMBOLS = new Set([...'#$%&*+/<=>@\\^_`{|}~'].map((c) => c.charCodeAt(0)));

function isSymbol(unit: number): boolean {
  if (unit < 0x80) return ASCII_SYMBOLS.has(unit);
  return (
    (unit >= 0x2100 && unit <= 0x2bff && !(unit >= 0x2460 && unit <= 0x24ff) && !(unit >= 0x2150 && unit <= 0x218f)) ||
    (unit >= 0xe000 && unit <= 0xf8ff) ||
    unit === 0xfffd ||
    (unit >= 0xd83c && unit <= 0xd83e)
  );
}

/** Share of the characters that stand in a part which came before, as Gopher counts them. */
function repeatedShare(parts: string[]): number {
  const seen = new Set<string>();
  let all = 0;
  let repeated = 0;
  for (const raw of parts) {
    const part = raw.trim();
    all += part.length;
    if (seen.has(part)) repeated += part.length;
    else seen.add(part);
  }
  return all === 0 ? 0 : repeated / all;
}

const GRAM = 13;
const BASE = 0x01000193;
const BASE_TO_GRAM = power(BASE, GRAM);

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

/** Share of the character 13-grams that came before in the document. White space does not count. */
function repeatedGrams(text: string): number {
  const units = new Uint16Array(text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x20 && unit !== 0x3000) units[n++] = unit;
  }
  const grams = n - GRAM + 1;
  if (grams < 2) return 0;
  const size = 2 ** Math.ceil(Math.log2(2 * grams));
  // Rolling hashes; 0 marks a free slot.
  const slots = new Int32Array(size);
  let repeated = 0;
  let hash = 0;
  for (let i = 0; i < n; i++) {
    hash = (Math.imul(hash, BASE) + units[i]!) | 0;
    if (i >= GRAM) hash = (hash - Math.imul(units[i - GRAM]!, BASE_TO_GRAM)) | 0;
    if (i >= GRAM - 1 && !insert(slots, hash | 1)) repeated++;
  }
  return repeated / grams;
}

function insert(slots: Int32Array, hash: number): boolean {
  const mask = slots.length - 1;
  let at = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) & mask;
  for (; slots[at] !== 0; at = (at + 1) & mask) if (slots[at] === hash) return false;
  slots[at] = hash;
  return true;
}

export const coarseRulesStage = documentStage({
  label: { zh: '粗筛', en: 'Coarse rules' },
  names: {
    'too-short': { zh: '过短', en: 'too short' },
    'too-long': { zh: '过长', en: 'too long' },
    'low-chinese-share': { zh: '中文占比低', en: 'low share of Chinese' },
    'short-lines': { zh: '行过短', en: 'short lines' },
    'bullet-lines': { zh: '列表行过多', en: 'too many bulleted lines' },
    'ellipsis-ends': { zh: '省略号结尾过多', en: 'too many lines end in an ellipsis' },
    'repeated-13-grams': { zh: '片段重复', en: 'repeated 13-grams' },
    'repeated-paragraphs': { zh: '段落重复', en: 'repeated paragraphs' },
    'too-many-digits': { zh: '数字过多', en: 'too many digits' },
    'too-many-symbols': { zh: '符号过多', en: 'too many symbols' },
  },
  schema,
  prepare,
});
