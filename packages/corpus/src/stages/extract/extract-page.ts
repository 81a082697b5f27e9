/**
 * Stage «extract»: a page of HTML → the main text with title and date, or the reason why it has none.
 *
 * Navigation, recommendations, comments under an article and footers are left out; the posts of a forum page are kept.
 * Index pages are rejected. The body is what stands in the article; the heading is in it only where it stands inside.
 */
import type { Rejection } from '../../document.ts';
import { type Block, type PageElement, readPage } from './page-tree.ts';

export type ExtractedPage = {
  title: string;
  /** As the page writes it, such as 2024-04-24 or 2024-04-24T08:00:00+08:00. */
  date?: string;
  /** Paragraphs, one a line. */
  body: string;
  kind: 'article' | 'forum';
};

export function extractPage(html: string, _url?: string): ExtractedPage | Rejection {
  const page = readPage(html);
  const container = densest(page.blocks);
  const body = page.blocks.filter((block) => within(block.element, container) && block.linked * 2 < block.text.length);
  if (container === undefined || body.length === 0) return { reason: 'no-main-text' };
  return { title: page.title, body: body.map(({ text }) => text).join('\n'), kind: 'article' };
}

function densest(blocks: Block[]): PageElement | undefined {
  const scores = new Map<PageElement, number>();
  for (const { text, linked, element } of blocks) {
    const score = (text.match(/[，。；：？！]/g)?.length ?? 0) - linked / 10;
    let share = 1;
    for (let at: PageElement | undefined = element; at && share > 0.3; at = at.parent, share *= 0.8) {
      scores.set(at, (scores.get(at) ?? 0) + score * share);
    }
  }
  return [...scores].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function within(element: PageElement, container: PageElement | undefined): boolean {
  for (let at: PageElement | undefined = element; at; at = at.parent) if (at === container) return true;
  return false;
}
