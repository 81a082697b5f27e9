/**
 * One written form for one text: compatibility ideographs, radicals, letters and digits of full width, white space,
 * control characters, punctuation. Chinese punctuation stays: plain NFKC would turn ，：！ into ASCII.
 * ASCII punctuation becomes Chinese only in Chinese (punctuation.ts); code, formulas and addresses stay as they are (verbatim.ts).
 */
import type { Draft } from '../document.ts';
import { COMPATIBLE, foldCompatibility } from './compatibility.ts';
import { INVISIBLE, withoutInvisible } from './invisible.ts';
import { closeSpaces, pairQuotes, setOfUnits, widenMarks } from './punctuation.ts';
import { settleSpaces } from './spaces.ts';
import { aroundVerbatim } from './verbatim.ts';
import { FULL_WIDTH, narrowed } from './widths.ts';

const WIDE = '．。｡。､、﹐，﹑、﹔；﹕：﹖？﹗！﹙（﹚）「“」”『‘』’﹁“﹂”［[］]〈《〉》＜《＞》・·‧·•·∶：︰：―—─—〜～';

const FOLD = new Map<string, string>();
for (let i = 0; i < WIDE.length; i += 2) FOLD.set(WIDE[i]!, WIDE[i + 1]!);
const FOLDED = new RegExp(`[${[...FOLD.keys()].join('').replace(/[\]\\^-]/g, '\\$&')}]`, 'gu');
const LINE_BREAK = /\r\n?|[\u0085\u2028\u2029]/g;
const EMPTY_LINE = /^\n|\n\n|\n$/;
// Of code that an editor wrote with the spaces of a page.
const ASCII_LINE = /^[ -~\t]*\u3000[ -~\t\u3000]*$/gm;
const SPACES = /[\p{Zs}\t]+/gu;
const ELLIPSIS = /。(?: ?。){2,}/g;
const REPEATED = /([，。、；：！？])(?: ?\1)+/g;
// Marks that a careless edition left side by side: 怎做夫人？。 and 一半儿，。
const COLLISION = /([！？])(?:[，、；]*。)+|[，、；]+(?=[。！？])/g;
const MARKS = setOfUnits('，。、；：！？');

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
  const { visible, kinds } = visibleOf(text.replace(/\s+/g, ' '));
  return aroundVerbatim(visible, (prose) => foldMarks(fold(prose, kinds))).trim();
}

/** Running text: line breaks stay, empty lines and spaces that part nothing go. */
function normaliseBody(text: string): string {
  const { visible, kinds } = visibleOf(text.replace(LINE_BREAK, '\n'));
  return aroundVerbatim(visible, (prose) => normaliseProse(prose, kinds));
}

function normaliseProse(text: string, kinds: number): string {
  const folded = closeUp(pairQuotes(closeUp(settleSpaces(fold(text, kinds)))));
  const parted = closeUp(foldMarks(folded));
  const single = hasRun(parted) ? parted.replace(COLLISION, '$1') : parted;
  const marked = single === parted ? single : single.replace(REPEATED, '$1');
  if (!EMPTY_LINE.test(marked)) return marked;
  return marked
    .split('\n')
    .filter((line) => line !== '')
    .join('\n');
}

/** What code and prose have in common: composed characters, nothing invisible, no letters and digits of full width. */
function visibleOf(text: string): { visible: string; kinds: number } {
  let kinds = kindsIn(text);
  const seen = (kinds & IS_INVISIBLE) === 0 ? text : withoutInvisible(text);
  const ordinary = (kinds & IS_COMPATIBLE) === 0 ? seen : foldCompatibility(seen);
  const composed = ordinary.normalize('NFC');
  if (composed !== seen) kinds = kindsIn(composed);
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
const [IS_INVISIBLE, IS_SPACE, IS_FULL_WIDTH, IS_FOLDED, IS_COMPATIBLE] = [1, 2, 4, 8, 16] as const;
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
    (is(FOLDED) ? IS_FOLDED : 0) |
    (isHalf || is(COMPATIBLE) ? IS_COMPATIBLE : 0)
  );
}

function foldMarks(text: string): string {
  const widened = widenMarks(text.replace(ELLIPSIS, '……'));
  return hasRun(widened) ? widened.replace(REPEATED, '$1') : widened;
}

/** Whether two marks stand side by side; most texts have none that do. */
function hasRun(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (MARKS[text.charCodeAt(at)] === 0) continue;
    if (MARKS[text.charCodeAt(at + 1)] === 1) return true;
    if (text[at + 1] === ' ' && MARKS[text.charCodeAt(at + 2)] === 1) return true;
  }
  return false;
}

function closeUp(text: string): string {
  if (!text.includes(' ')) return text;
  const closed = closeSpaces(text);
  const isPadded = closed.startsWith(' ') || closed.endsWith(' ') || closed.includes('\n ') || closed.includes(' \n');
  return isPadded ? closed.replace(/^ | $/gm, '') : closed;
}
