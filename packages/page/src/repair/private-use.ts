/**
 * Private-use characters in a text. Some are characters that older mappings of GBK and GB 18030 put there and that Unicode has
 * given a place since (䶮, 㑇): they come back. Of the rest, one inside a clause or a number stood for a character that is lost and
 * becomes □; one at either end of a line or of a sentence is a bullet, a smiley or a space of some font and goes. The signs of symbol
 * fonts (U+F0xx) are never letters: a decimal point between digits is one, others go, and part what they stood between.
 */
import { MISSING } from '../missing.ts';

const PRIVATE_USE = /[\uE000-\uF8FF]+/g;
const PRIVATE_USE_ALONE = /[\uE000-\uF8FF]/g;
const SYMBOL_FONT = /^[\uF000-\uF0FF]+$/;
const DECIMAL_POINT = '\uF02E';
const LETTER = /[\p{Script=Han}\p{Nd}□]/u;
const INSIDE_BEFORE = /[、，：；（《〈“‘「『]/;
const INSIDE_AFTER = /[、，。：；？！）》〉”’」』]/;
const WORD = /[\p{L}\p{N}]/u;

/** GBK's row FE from 50 on stood at U+E815 and following; six of it have a place outside the basic plane. */
const FIRST_OF_ROW = 0xe815;
const BEYOND_BASIC_PLANE: Record<number, string> = {
  59414: '\u{20087}',
  59415: '\u{20089}',
  59416: '\u{200CC}',
  59441: '\u{215D7}',
  59451: '\u{2298F}',
  59477: '\u{241FE}',
};
let rowFe: Map<number, string> | undefined;

export function resolvePrivateUse(text: string): string {
  const placed = text.replace(PRIVATE_USE_ALONE, (unit) => placedSince().get(unit.charCodeAt(0)) ?? unit);
  return placed.replace(PRIVATE_USE, (run, at: number) =>
    replacement(run, placed[at - 1] ?? '', placed[at + run.length] ?? ''),
  );
}

function replacement(run: string, before: string, after: string): string {
  const digits = /\d/.test(before) && /\d/.test(after);
  if (SYMBOL_FONT.test(run)) {
    if (run === DECIMAL_POINT && digits) return '.';
    return WORD.test(before) && WORD.test(after) ? ' ' : '';
  }
  const opened = LETTER.test(before) || INSIDE_BEFORE.test(before);
  const goesOn = LETTER.test(after) || INSIDE_AFTER.test(after);
  return opened && goesOn ? MISSING.repeat(run.length) : '';
}

function placedSince(): Map<number, string> {
  rowFe ??= readRow();
  return rowFe;
}

function readRow(): Map<number, string> {
  const decoder = new TextDecoder('gb18030');
  const row = new Map<number, string>();
  let code = FIRST_OF_ROW;
  for (let trail = 0x50; trail <= 0xa0; trail++) {
    if (trail === 0x7f) continue;
    const now = BEYOND_BASIC_PLANE[code] ?? decoder.decode(Uint8Array.of(0xfe, trail));
    if (!/[\uE000-\uF8FF\uFFFD]/.test(now)) row.set(code, now);
    code++;
  }
  return row;
}
