/**
 * Stages `decode` and `extract` on drafts: they take the page of a draft to its title and body. Drafts of sources that
 * give text already pass unchanged, so one recipe may read both.
 */
import { decodePage, extractPage } from '@tunan/page';
import type { DocumentStage, Draft, Rejection } from '../document.ts';
import { isRejection } from '../document.ts';
import type { DocumentStageOptions } from '../recipe/recipe-stages.ts';

export function decode(draft: Draft): Draft | Rejection {
  const { page } = draft;
  if (page === undefined) return draft;
  const decoded = decodePage(page.bytes, page.declared);
  if (isRejection(decoded)) return decoded;
  return { ...draft, meta: { ...draft.meta, encoding: decoded.encoding }, page: { ...page, html: decoded.text } };
}

type ExtractOptions = Extract<DocumentStageOptions, { use: 'extract' }>;

export function extract(options: ExtractOptions): DocumentStage {
  return ({ page, ...draft }) => {
    if (page === undefined) return draft;
    if (page.html === undefined) throw new Error('stage extract needs stage decode before it');
    const found = extractPage(page.html, draft.url);
    if (isRejection(found)) return found;
    const meta: Record<string, string> = { ...draft.meta, kind: found.kind };
    if (found.date !== undefined) meta.date = found.date;
    if (found.title !== '') meta.title = found.title;
    const heads = options.heading && !opensWith(found.body, found.title);
    return { ...draft, title: heads ? found.title : '', body: found.body, meta };
  };
}

/** Whether an article begins with its own heading, which then need not be put before it. */
function opensWith(body: string, title: string): boolean {
  return title === '' || body.split('\n', 3).some((line) => line.trim() === title.trim());
}
