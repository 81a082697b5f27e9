/**
 * Stage `language`: documents that are not Chinese are rejected, with the language that their letters show (Japanese by
 * kana, Korean by Hangul, else `not-chinese`); meta.script says Hans, Hant or mixed. Letters of all scripts are counted, but not those of
 * code, which is in no language; nothing is translated or converted.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage } from '../document.ts';
import { documentStage, shareOption } from '../stage.ts';
import { withoutMachineLines } from './machine-lines.ts';
import { scriptOf } from './script.ts';

const schema = z
  .strictObject({
    use: z.literal('language'),
    minHanShare: shareOption
      .default(0.3)
      .describe(
        inBoth('Chinese characters among all letters but those of code.', '汉字占全部文字（代码除外）的最低比例。'),
      ),
    maxKanaShare: shareOption
      .default(0.1)
      .describe(inBoth('Kana among kana, Hangul and Chinese characters.', '假名占汉字、假名、谚文的最高比例。')),
    maxHangulShare: shareOption
      .default(0.2)
      .describe(inBoth('Hangul among kana, Hangul and Chinese characters.', '谚文占汉字、假名、谚文的最高比例。')),
    scripts: z
      .array(z.enum(['Hans', 'Hant', 'mixed']))
      .min(1)
      .default(['Hans', 'Hant', 'mixed'])
      .describe(
        inBoth(
          'Scripts that may pass; the script stands in `meta.script`.',
          '允许通过的字体；字体写入 `meta.script`。',
        ),
      ),
  })
  .describe(inBoth('What is not Chinese is dropped.', '剔除不是中文的文档。'));

type Options = z.infer<typeof schema>;

interface Letters {
  han: number;
  kana: number;
  hangul: number;
  other: number;
}

function prepare(options: Options): DocumentStage {
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

export const languageStage = documentStage({
  label: { zh: '语种', en: 'Language' },
  names: {
    'not-chinese': { zh: '非中文', en: 'not Chinese' },
    korean: { zh: '韩文', en: 'Korean' },
    japanese: { zh: '日文', en: 'Japanese' },
    'script-hans': { zh: '简体', en: 'Simplified script' },
    'script-hant': { zh: '繁体', en: 'Traditional script' },
    'script-mixed': { zh: '繁简混杂', en: 'mixed script' },
    script: { zh: '原文字体（篇）', en: 'script before conversion, documents' },
    Hans: { zh: '简体', en: 'Simplified' },
    Hant: { zh: '繁体', en: 'Traditional' },
    mixed: { zh: '繁简混杂', en: 'mixed' },
  },
  meta: {
    script: '`Hans`、`Hant` 或 `mixed` 原文字体 script before any conversion: Simplified, Traditional or both',
  },
  schema,
  prepare,
});
