/**
 * Private-use characters in a text. Some are characters that older mappings of GBK and GB 18030 put there and that Unicode has
 * given a place since (䶮, 㑇): they come back. Of the rest, one between two ideographs stood for a character that
 * is lost and becomes □; one beside punctuation or at the end of a line is a bullet or a space of some font and goes.
 */
import { MISSING } from '../missing.ts';

const PRIVATE_USE = /[\uE000-\uF8FF]/g;
const HAN = /\p{Script=Han}/u;

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
  return text.replace(PRIVATE_USE, (character, at: number) => {
    const known = placedSince().get(character.charCodeAt(0));
    if (known !== undefined) return known;
    return HAN.test(text[at - 1] ?? '') && HAN.test(text[at + 1] ?? '') ? MISSING : '';
  });
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
