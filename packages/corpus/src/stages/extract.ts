/** Stage `extract`: the HTML of a page becomes title and body, and the page is let go. Drafts without a page pass unchanged. */

import { extractPage } from '@tunan/page';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { type DocumentStage, isRejection } from '../document.ts';
import { documentStage } from '../stage.ts';

const schema = z
  .strictObject({
    use: z.literal('extract'),
    heading: z
      .boolean()
      .default(true)
      .describe(
        inBoth(
          "The page's title becomes the first line of the text, unless the article has it already; it is in `meta.title` too.",
          '网页标题成为正文第一行（正文已有则不加），并写入 `meta.title`。',
        ),
      ),
  })
  .describe(inBoth('The main text of a page, without what stands around it.', '网页的正文，去掉四周的内容。'));

type Options = z.infer<typeof schema>;

function prepare(options: Options): DocumentStage {
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

export const extractStage = documentStage({
  label: { zh: '抽取正文', en: 'Main text extracted' },
  names: {
    'no-main-text': { zh: '没有正文', en: 'no main text' },
    'index-page': { zh: '目录页', en: 'index page' },
  },
  meta: {
    date: '网页所载日期 date that the page states',
    kind: '`article` 或 `forum` 网页类型 kind of page: an article, or posts of a forum',
    title: '网页标题 title of the page',
  },
  schema,
  prepare,
});
