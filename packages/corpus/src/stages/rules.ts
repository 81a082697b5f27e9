/** Rules on one text with published thresholds, each a recipe field; the first that is broken names the reason. */

import { MISSING } from '@tunan/page';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage, Draft, Rejection } from '../document.ts';
import { countOption, documentStage, shareOption } from '../stage.ts';

const schema = z
  .strictObject({
    use: z.literal('rules'),
    minHan: countOption.optional().describe(inBoth('Least Chinese characters.', '汉字的最少个数。')),
    maxHan: z.int().min(1).optional().describe(inBoth('Most Chinese characters.', '汉字的最多个数。')),
    minHanShare: shareOption
      .optional()
      .describe(inBoth('Chinese characters among all that are no punctuation.', '汉字占标点以外字符的最低比例。')),
    maxMissing: countOption.optional().describe(inBoth('Most lost characters (□).', '缺字（□）的最多个数。')),
    maxForeign: countOption
      .optional()
      .describe(inBoth('Most characters of other scripts.', '其他文字字符的最多个数。')),
  })
  .describe(inBoth('Plain limits, each checked only where it is given.', '简单的限度，只检查写明的项。'));

type Options = z.infer<typeof schema>;

const HAN = /\p{Script=Han}/gu;
const PUNCTUATION = /[\s，。、；：！？“”‘’《》…—·（）]/g;

export function rules(options: Options): DocumentStage {
  return (draft) => {
    const reason = firstBroken(draft, options);
    return reason === undefined ? draft : ({ reason } satisfies Rejection);
  };
}

function firstBroken(draft: Draft, limits: Options): string | undefined {
  const missing = count(draft.title, MISSING) + count(draft.body, MISSING);
  if (missing > (limits.maxMissing ?? Infinity)) return 'missing-characters';
  const han = draft.body.match(HAN)?.length ?? 0;
  if (han < (limits.minHan ?? 0)) return 'too-short';
  if (han > (limits.maxHan ?? Infinity)) return 'too-long';
  // Code points, so that a rare character of plane 2 counts once.
  const other = [...draft.body.replace(PUNCTUATION, '')].length - han - count(draft.body, MISSING);
  if (other > (limits.maxForeign ?? Infinity)) return 'foreign-characters';
  if (han < (limits.minHanShare ?? 0) * (han + other)) return 'low-han-share';
  return undefined;
}

function count(text: string, character: string): number {
  let n = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) n++;
  return n;
}

export const rulesStage = documentStage({
  label: { zh: '规则', en: 'Rules' },
  names: {
    'missing-characters': { zh: '缺字', en: 'missing characters' },
    'too-short': { zh: '过短', en: 'too short' },
    'too-long': { zh: '过长', en: 'too long' },
    'foreign-characters': { zh: '异常字符', en: 'foreign characters' },
    'low-han-share': { zh: '汉字过少', en: 'too few Chinese characters' },
  },
  schema,
  prepare: rules,
});
