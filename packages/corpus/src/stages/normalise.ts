/**
 * One written form for one text: compatibility ideographs, letters and digits of full width, white space, control
 * characters, punctuation, graphic variants. Chinese punctuation stays: plain NFKC would turn ，：！ into ASCII.
 * ASCII punctuation becomes Chinese only in Chinese (punctuation.ts), so foreign passages and code keep theirs.
 */
import type { Draft } from '../document.ts';
import { closeSpaces, pairQuotes, widenMarks } from './punctuation.ts';
import { VARIANTS } from './variants.ts';

const WIDE = '．。｡。､、﹐，﹑、﹔；﹕：﹖？﹗！﹙（﹚）「“」”『‘』’﹁“﹂”［[］]〈《〉》＜《＞》・·‧·•·∶：︰：―—─—～—';

const FOLD = new Map(VARIANTS);
for (let i = 0; i < WIDE.length; i += 2) FOLD.set(WIDE[i]!, WIDE[i + 1]!);
const FOLDED = new RegExp(`[${[...FOLD.keys()].join('').replace(/[\]\\^-]/g, '\\$&')}]`, 'gu');
// Controls, format characters (zero width, byte order marks, soft hyphens) and variation selectors carry no text.
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Cf}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]/gu;
const LINE_BREAK = /\r\n?|[\u0085\u2028\u2029]/g;
const EMPTY_LINE = /^\n|\n\n|\n$/;
const SPACES = /[\p{Zs}\t]+/gu;
const FULL_WIDTH = /[０-９Ａ-Ｚａ-ｚ]/g;
const REPEATED = /([，。、；：！？])(?: ?\1)+/g;
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
  return foldMarks(fold(text.replace(/\s+/g, ' '))).trim();
}

/** Running text: line breaks stay, empty lines and spaces beside Chinese characters go. */
function normaliseBody(text: string): string {
  const folded = closeUp(pairQuotes(closeUp(fold(text.replace(LINE_BREAK, '\n')))));
  const marked = closeUp(foldMarks(folded)).replace(COLLISION, '$1').replace(REPEATED, '$1');
  if (!EMPTY_LINE.test(marked)) return marked;
  return marked
    .split('\n')
    .filter((line) => line !== '')
    .join('\n');
}

/** Characters one by one: everything that does not depend on what stands beside. */
function fold(text: string): string {
  const visible = (kindsIn(text) & IS_INVISIBLE) === 0 ? text : text.replace(INVISIBLE, '');
  const composed = visible.normalize('NFC');
  const kinds = kindsIn(composed);
  let folded = composed;
  if ((kinds & IS_SPACE) !== 0 || folded.includes('  ')) folded = folded.replace(SPACES, ' ');
  if ((kinds & IS_FULL_WIDTH) !== 0) {
    folded = folded.replace(FULL_WIDTH, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0));
  }
  return (kinds & IS_FOLDED) === 0 ? folded : folded.replace(FOLDED, (c) => FOLD.get(c)!);
}

// What a UTF-16 unit may need, so that one look at a text tells which patterns have to be tried on it.
const [IS_INVISIBLE, IS_SPACE, IS_FULL_WIDTH, IS_FOLDED] = [1, 2, 4, 8] as const;
let unitKinds: Uint8Array | undefined;

function kindsIn(text: string): number {
  unitKinds ??= Uint8Array.from({ length: 65_536 }, (_, unit) => kindOf(unit));
  let kinds = 0;
  for (let i = 0; i < text.length; i++) kinds |= unitKinds[text.charCodeAt(i)]!;
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
    (isHalf || is(FOLDED) ? IS_FOLDED : 0)
  );
}

function foldMarks(text: string): string {
  return widenMarks(text).replace(REPEATED, '$1');
}

function closeUp(text: string): string {
  return text.includes(' ') ? closeSpaces(text).replace(/^ | $/gm, '') : text;
}
