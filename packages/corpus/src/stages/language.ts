/**
 * Stage `language`: documents that are not Chinese are rejected, with the language that their letters show (Japanese by
 * kana, Korean by Hangul, else `not-chinese`); meta.script says Hans, Hant or mixed. Letters of all scripts are counted, but not those of
 * code, which is in no language; nothing is translated or converted.
 */
import type { DocumentStage } from '../document.ts';
import type { DocumentStageOptions } from '../recipe/recipe-stages.ts';
import { withoutMachineLines } from './machine-lines.ts';
import { scriptOf } from './script.ts';

type Options = Extract<DocumentStageOptions, { use: 'language' }>;

type Letters = { han: number; kana: number; hangul: number; other: number };

export function language(options: Options): DocumentStage {
  return (draft) => {
    const text = draft.body === '' ? draft.title : draft.body;
    const { han, kana, hangul, other } = lettersOf(withoutMachineLines(text));
    if (kana > options.maxKanaShare * (han + kana)) return { reason: 'japanese' };
    if (hangul > options.maxHangulShare * (han + hangul)) return { reason: 'korean' };
    if (han === 0 || han < options.minHanShare * (han + kana + hangul + other)) return { reason: 'not-chinese' };
    const script = scriptOf(text);
    if (script !== undefined && !options.scripts.includes(script)) return { reason: `script-${script.toLowerCase()}` };
    return script === undefined ? draft : { ...draft, meta: { ...draft.meta, script } };
  };
}

const LETTER = /\p{L}/u;
const letterCache = new Uint8Array(65_536);

/** Letters by script; an ideograph outside the basic plane is Chinese too, and so is a radical, which PDF files give for characters. */
function lettersOf(text: string): Letters {
  const letters: Letters = { han: 0, kana: 0, hangul: 0, other: 0 };
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit >= 0x3400 && unit <= 0x9fff) || (unit >= 0xf900 && unit <= 0xfaff)) letters.han++;
    else if (unit < 0x80) {
      if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) letters.other++;
    } else if ((unit >= 0x3041 && unit <= 0x30ff) || (unit >= 0xff66 && unit <= 0xff9f)) letters.kana++;
    else if (unit >= 0x2e80 && unit <= 0x2fd5) letters.han++;
    else if ((unit >= 0xac00 && unit <= 0xd7a3) || (unit >= 0x1100 && unit <= 0x11ff)) letters.hangul++;
    else if (unit >= 0xd840 && unit <= 0xd888) letters.han++;
    else if (isLetter(unit)) letters.other++;
  }
  return letters;
}

function isLetter(unit: number): boolean {
  if (letterCache[unit] === 0) letterCache[unit] = LETTER.test(String.fromCharCode(unit)) ? 1 : 2;
  return letterCache[unit] === 1;
}
