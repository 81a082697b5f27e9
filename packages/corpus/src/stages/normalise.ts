/**
 * One written form for one text: compatibility ideographs, radicals, letters and digits of full width, white space,
 * control characters, punctuation. Chinese punctuation stays: plain NFKC would turn ，：！ into ASCII.
 * ASCII punctuation becomes Chinese only in Chinese (punctuation.ts); code, formulas and addresses stay as they are (verbatim.ts).
 */

import { unitsOf } from '@tunan/page/utf16-units';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { Draft } from '../document.ts';
import { documentStage } from '../stage.ts';
import { COMPATIBLE, foldCompatibility } from './compatibility.ts';
import { INVISIBLE, withoutInvisible } from './invisible.ts';
import { closeSpaces, pairQuotes, widenMarks } from './punctuation.ts';
import { settleSpaces } from './spaces.ts';
import { foldVariants } from './variants.ts';
import { aroundVerbatim } from './verbatim.ts';
import { FULL_WIDTH, narrowed } from './widths.ts';

const schema = z
  .strictObject({
    use: z.literal('normalise'),
    variants: z
      .boolean()
      .default(false)
      .describe(
        inBoth(
          'For verse: graphic variants become the form of today (鴈 → 雁). In modern text they are names (钱锺书, 牛犇).',
          '用于诗词：异体字改为今字（鴈 → 雁）。今人文字中它们多是人名地名（钱锺书、牛犇），不宜改。',
        ),
      ),
  })
  .describe(inBoth('Punctuation, widths, spaces and compatibility characters.', '统一标点、全半角、空格与兼容字符。'));

const WIDE = '．。｡。､、﹐，﹑、﹔；﹕：﹖？﹗！﹙（﹚）「“」”『‘』’﹁“﹂”［[］]〈《〉》＜《＞》・·‧·•·∶：︰：―—─—〜～';

const FOLD = new Map<string, string>();
for (let i = 0; i < WIDE.length; i += 2) FOLD.set(WIDE[i]!, WIDE[i + 1]!);
const FOLDED = new RegExp(`[${[...FOLD.keys()].join('').replace(/[\]\\^-]/g, '\\$&')}]`, 'g');
const LINE_BREAK = /\r\n?|[\u0085\u2028\u2029]/g;
const EMPTY_LINE = /^\n|\n\n|\n$/;
// Of code that an editor wrote with the spaces of a page.
const ASCII_LINE = /^[ -~\t]*\u3000[ -~\t\u3000]*$/gm;
/** Runs of spaces, and every space but the plain one. */
const SPACES = / ?[^\S \n][^\S\n]*| {2}[^\S\n]*/g;
const ELLIPSIS = /。(?: ?。){2,}/g;
const REPEATED = /([，。、；：！？])(?: ?\1)+/g;
/** Two marks side by side; most texts have none. */
const RUN = /[，。、；：！？] ?[，。、；：！？]/;
// Marks that a careless edition left side by side: 怎做夫人？。 and 一半儿，。
const COLLISION = /([！？])(?:[，、；]*。)+|[，、；]+(?=[。！？])/g;

export function normalise(draft: Draft): Draft {
  const meta: Record<string, string> = {};
  for (const [key, value] of Object.entries(draft.meta)) {
    const clean = normaliseTitle(value);
    if (clean !== '') meta[key] = clean;
  }
  return { ...draft, title: normaliseTitle(draft.title), body: normaliseBody(draft.body), meta };
}

/** One line; a space between words stays, because it parts a title from its number (帝京篇十首 一). */
function normaliseTitle(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  const { visible, kinds } = visibleOf(line, kindsIn(line));
  return aroundVerbatim(visible, (prose) => foldMarks(fold(prose, kinds))).trim();
}

/** Running text: line breaks stay, empty lines and spaces that part nothing go. */
function normaliseBody(text: string): string {
  const found = kindsIn(text);
  const lines = (found & IS_LINE_BREAK) === 0 ? text : text.replace(LINE_BREAK, '\n');
  const { visible, kinds } = visibleOf(lines, lines === text ? found : kindsIn(lines));
  return aroundVerbatim(visible, (prose) => normaliseProse(prose, kinds));
}

function normaliseProse(text: string, kinds: number): string {
  const closed = closeUp(settleSpaces(fold(text, kinds)));
  const quoted = pairQuotes(closed);
  const folded = quoted === closed ? closed : closeUp(quoted);
  const widened = widenMarks(withEllipses(folded));
  const marked = RUN.test(widened) ? withoutRuns(widened) : widened === folded ? folded : closeUp(widened);
  if (!EMPTY_LINE.test(marked)) return marked;
  return marked
    .split('\n')
    .filter((line) => line !== '')
    .join('\n');
}

function withoutRuns(text: string): string {
  const single = closeUp(text.replace(REPEATED, '$1'));
  const apart = single.replace(COLLISION, '$1');
  return apart === single ? apart : apart.replace(REPEATED, '$1');
}

/** What code and prose have in common: composed characters, nothing invisible, no letters and digits of full width. */
function visibleOf(text: string, found: number): { visible: string; kinds: number } {
  const seen = (found & IS_INVISIBLE) === 0 ? text : withoutInvisible(text);
  const ordinary = (found & IS_COMPATIBLE) === 0 ? seen : foldCompatibility(seen);
  const composed = (found & (IS_COMPATIBLE | IS_COMPOSED)) === 0 ? ordinary : ordinary.normalize('NFC');
  const kinds = composed === seen ? found : kindsIn(composed);
  const visible = narrowed(composed, (kinds & IS_FULL_WIDTH) !== 0);
  if ((kinds & IS_SPACE) === 0) return { visible, kinds };
  return {
    visible: visible.replace(/\u00a0/g, ' ').replace(ASCII_LINE, (line) => line.replaceAll('\u3000', '  ')),
    kinds,
  };
}

/** Characters one by one: everything that does not depend on what stands beside. */
function fold(text: string, kinds: number): string {
  const spaced = (kinds & IS_SPACE) !== 0 || text.includes('  ') ? text.replace(SPACES, ' ') : text;
  return (kinds & IS_FOLDED) === 0 ? spaced : spaced.replace(FOLDED, (c) => FOLD.get(c)!);
}

// What a UTF-16 unit may need, so that one look at a text tells which patterns have to be tried on it.
const [IS_INVISIBLE, IS_SPACE, IS_FULL_WIDTH, IS_FOLDED] = [1, 2, 4, 8] as const;
const [IS_COMPATIBLE, IS_COMPOSED, IS_LINE_BREAK] = [16, 32, 64] as const;
/** What NFC may put together with what stands before it: marks, and letters of Hangul. */
const JOINING = /[\p{M}\u1100-\u11ff]/u;
let unitKinds: Uint8Array | undefined;

function kindsIn(text: string): number {
  unitKinds ??= Uint8Array.from({ length: 65_536 }, (_, unit) => kindOf(unit));
  const units = unitsOf(text);
  let kinds = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = units[i]!;
    // Chinese characters are of none: left out, they leave the processor's cache to the rest of the table.
    if (unit < 0x4e00 || unit > 0x9fff) kinds |= unitKinds[unit]!;
  }
  return kinds;
}

function kindOf(unit: number): number {
  const character = String.fromCharCode(unit);
  // Half of a pair may be half of anything.
  const isHalf = unit >= 0xd800 && unit <= 0xdfff;
  const is = (pattern: RegExp) => character.search(pattern) === 0;
  return (
    (isHalf || is(INVISIBLE) ? IS_INVISIBLE : 0) |
    (is(SPACES) && character !== ' ' ? IS_SPACE : 0) |
    (is(FULL_WIDTH) ? IS_FULL_WIDTH : 0) |
    (is(FOLDED) ? IS_FOLDED : 0) |
    (isHalf || is(COMPATIBLE) ? IS_COMPATIBLE : 0) |
    (isHalf || is(JOINING) || character.normalize('NFC') !== character ? IS_COMPOSED : 0) |
    (is(LINE_BREAK) ? IS_LINE_BREAK : 0)
  );
}

function foldMarks(text: string): string {
  const widened = widenMarks(withEllipses(text));
  return RUN.test(widened) ? widened.replace(REPEATED, '$1') : widened;
}

function withEllipses(text: string): string {
  return text.includes('。。') || text.includes('。 。') ? text.replace(ELLIPSIS, '……') : text;
}

function closeUp(text: string): string {
  return text.includes(' ') ? closeSpaces(text) : text;
}

export const normaliseStage = documentStage({
  label: { zh: '规范化', en: 'Normalisation' },
  schema,
  prepare: ({ variants }) => (variants ? (draft) => foldVariants(normalise(draft)) : normalise),
});
