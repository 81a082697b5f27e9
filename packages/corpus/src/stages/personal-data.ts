/**
 * Stage `personal-data`: what a person could be reached or known by (@tunan/page/personal-data) is replaced by a mask; meta.masked counts
 * the masks of each kind.
 */
import { findPersonalData, type PersonalDataKind } from '@tunan/page/personal-data';
import type { DocumentStage } from '../document.ts';
import type { DocumentStageOptions } from '../recipe/recipe-stages.ts';

type Options = Extract<DocumentStageOptions, { use: 'personal-data' }>;

export function personalData({ kinds, masks }: Options): DocumentStage {
  return (draft) => {
    const counts = new Map<PersonalDataKind, number>();
    const mask = (text: string) => {
      let masked = '';
      let from = 0;
      for (const { kind, begin, end } of findPersonalData(text, kinds)) {
        masked += text.slice(from, begin) + masks[kind];
        from = end;
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
      return masked + text.slice(from);
    };
    const title = mask(draft.title);
    const body = mask(draft.body);
    if (counts.size === 0) return draft;
    const masked = kinds.filter((kind) => counts.has(kind)).map((kind) => `${kind}:${counts.get(kind)}`);
    return { ...draft, title, body, meta: { ...draft.meta, masked: masked.join(',') } };
  };
}
