/** Stage `repair` on drafts: what was repaired of title and body stands in meta.repaired, kinds joined by commas. */
import { repairText } from '@tunan/page';
import { type Draft, isRejection, type Rejection } from '../document.ts';

export function repair(draft: Draft): Draft | Rejection {
  const found = repairText(draft.body, draft.title);
  if (isRejection(found)) return found;
  const { title, body, repaired } = found;
  if (repaired.length === 0) return draft;
  return { ...draft, title, body, meta: { ...draft.meta, repaired: repaired.join(',') } };
}
