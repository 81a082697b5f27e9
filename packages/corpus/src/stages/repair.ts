/** Stage `repair` on drafts: what was repaired of title and body stands in meta.repaired, kinds joined by commas. */

import { repairText } from '@tunan/page';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { type Draft, isRejection, type Rejection } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({ use: z.literal('repair') })
  .describe(
    inBoth(
      'Damaged text is repaired or rejected; what was done stands in `meta.repaired`.',
      '修复或剔除损坏的文字；所做修复写入 `meta.repaired`。',
    ),
  );

function repair(draft: Draft): Draft | Rejection {
  const found = repairText(draft.body, draft.title);
  if (isRejection(found)) return found;
  const { title, body, repaired } = found;
  if (repaired.length === 0) return draft;
  return { ...draft, title, body, meta: { ...draft.meta, repaired: repaired.join(',') } };
}

export const repairStage = documentStage({
  label: { zh: '修复', en: 'Repair' },
  names: {
    references: { zh: '字符实体', en: 'character references' },
    pinyin: { zh: '夹入的拼音', en: 'inserted pinyin' },
    charset: { zh: '读错的编码', en: 'wrong charset' },
    'cut-characters': { zh: '切断的汉字', en: 'characters cut in half' },
    'private-use': { zh: '私用区字符', en: 'private-use characters' },
    'injected-spam': { zh: '植入的垃圾词', en: 'injected spam' },
    repaired: { zh: '修复（篇）', en: 'repaired, documents' },
  },
  meta: {
    repaired:
      '修复过的损坏 kinds of damage that were repaired, joined by commas; without it the text is as it was found',
  },
  schema,
  prepare: () => repair,
});
