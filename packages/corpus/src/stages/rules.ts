/** Rules on one text with published thresholds, each a recipe field; the first that is broken names the reason. */
import { MISSING } from '@tunan/page';
import type { DocumentStage, Draft, Rejection } from '../document.ts';
import type { DocumentStageOptions } from '../recipe/recipe-stages.ts';

const HAN = /\p{Script=Han}/gu;
const PUNCTUATION = /[\s，。、；：！？“”‘’《》…—·（）]/g;

type Limits = Extract<DocumentStageOptions, { use: 'rules' }>;

export function rules(options: Limits): DocumentStage {
  return (draft) => {
    const reason = firstBroken(draft, options);
    return reason === undefined ? draft : ({ reason } satisfies Rejection);
  };
}

function firstBroken(draft: Draft, limits: Limits): string | undefined {
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
