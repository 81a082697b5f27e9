/**
 * Which script a Chinese text is written in: Simplified (Hans), Traditional (Hant), or both. It counts characters that exist in one
 * script alone: forms that conversion changes and that the other script's national character set lacks (so not 后, 里, 乾,
 * which both scripts have). It knows characters, no words; converting is the work of stage `simplify`.
 */
import { simplecc } from 'simplecc-wasm';
import { codeTable } from './repair/code-pages.ts';

export type Script = 'Hans' | 'Hant' | 'mixed';

const SIMPLIFIED_ONLY = 1;
const TRADITIONAL_ONLY = 2;
/** A minority below this share is a quotation, a name or a slip. */
const MINORITY = 0.1;

let kinds: Uint8Array | undefined;

/** @returns undefined where nothing tells, as in 山水人心 */
export function scriptOf(text: string): Script | undefined {
  kinds ??= characterKinds();
  const counts = [0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const kind = kinds[text.charCodeAt(i)]!;
    counts[kind] = counts[kind]! + 1;
  }
  const [, simplified, traditional] = counts as [number, number, number];
  const telling = simplified + traditional;
  if (telling === 0) return undefined;
  if (traditional < MINORITY * telling) return 'Hans';
  return simplified < MINORITY * telling ? 'Hant' : 'mixed';
}

function characterKinds(): Uint8Array {
  const table = new Uint8Array(65_536);
  const gbk = codeTable('gbk').bytesOf;
  const big5 = codeTable('big5').bytesOf;
  const ideographs = Array.from({ length: 0xa000 - 0x4e00 }, (_, i) => String.fromCharCode(0x4e00 + i));
  const text = ideographs.join('\n');
  // Line breaks keep phrases from forming across neighbours.
  const simplified = simplecc(text, 't2s').split('\n');
  const traditional = simplecc(text, 's2t').split('\n');
  for (const [at, character] of ideographs.entries()) {
    const unit = character.charCodeAt(0);
    if (simplified[at] !== character && !isGb2312(gbk[unit]!)) table[unit] = TRADITIONAL_ONLY;
    else if (traditional[at] !== character && !isBig5Proper(big5[unit]!)) table[unit] = SIMPLIFIED_ONLY;
  }
  return table;
}

function isGb2312(code: number): boolean {
  return code >> 8 >= 0xb0 && code >> 8 <= 0xf7 && (code & 0xff) >= 0xa1;
}

/** Big5 without the extensions that the decoder of browsers adds. */
function isBig5Proper(code: number): boolean {
  return code >= 0xa440 && code <= 0xf9d5;
}
