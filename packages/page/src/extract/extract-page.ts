/**
 * Stage «extract»: a page of HTML → the main text with title and date, or the reason why it has none.
 *
 * A trained model judges every block; those are kept whose choice promises the best F1 for the page. Navigation,
 * recommendations, comments under an article and footers thus fall away; the posts of a forum page stay. Index pages are
 * rejected. The body is what stands in the article; the heading is in it only where it stands inside.
 */
import { isRejection, type Rejection } from '../rejection.ts';
import { bestChoice, type Choice } from './best-choice.ts';
import { type BlockModel, blockModel } from './block-model.ts';
import { collapse, hanLength } from './block-text.ts';
import { MOST_BLOCKS } from './block-writer.ts';
import { dateInAddress } from './dates.ts';
import { withoutFeed } from './feeds.ts';
import type { PageContext } from './page-context.ts';
import { dateOf, declaredDate, titleOf } from './page-facts.ts';
import { isForum, reasonToReject, withoutUserData } from './page-kind.ts';
import type { Block, PageElement, PageTree } from './page-tree.ts';
import { withoutPostLines } from './post-lines.ts';
import { readPage } from './read-page.ts';
import { scriptText } from './script-text.ts';
import { withoutThreadParts } from './thread-parts.ts';

export interface ExtractedPage {
  title: string;
  /** 2024-04-24, or 2024-04-24T08:00:00 with what the page says about the time. */
  date?: string;
  /** Paragraphs, one a line. */
  body: string;
  kind: 'article' | 'forum';
}

/** A page that shows fewer Chinese characters may show more by its scripts. */
const LITTLE = 150;
/** What is not shown counts where it says this many times what is shown. */
const TIMES = 3;
const LEAST_UNSHOWN = 80;
const LEAST_UNREAD_MARKS = 4;

/**
 * Finds the main text of a page of HTML. Never throws on what the page holds; its time grows with the length of the page alone.
 *
 * @param html the characters of the page, as `decodePage` gives them
 * @param url where the page stood; read for the date of publication only, nothing is fetched
 * @returns title, date, body and kind; or a rejection: `index-page` (lists of links or teasers), `no-main-text`, `page-too-large`
 *
 * @example
 * const page = extractPage(decoded.text, 'https://example.org/2024/04/24/report.html');
 * if (!isRejection(page)) console.log(`${page.title}\n\n${page.body}`);
 */
export function extractPage(html: string, url?: string): ExtractedPage | Rejection {
  const tree = readPage(html);
  const found = extractTree(tree, blockModel(), url);
  return hanOf(found) >= LITTLE ? found : (unshownText(html, tree, found, url) ?? found);
}

function hanOf(found: ExtractedPage | Rejection): number {
  return isRejection(found) ? 0 : hanLength(found.body);
}

/**
 * What a page would show with its scripts: looked for in what stands there for readers without them, in what is hidden,
 * and in the scripts. An index page does not become a notice in one of its scripts, nor a short report another article.
 */
function unshownText(
  html: string,
  tree: PageTree,
  found: ExtractedPage | Rejection,
  url: string | undefined,
): ExtractedPage | undefined {
  const least = Math.max(LEAST_UNSHOWN, TIMES * hanOf(found));
  if (tree.unread >= LEAST_UNREAD_MARKS) {
    const other = extractTree(readPage(html, true), blockModel(), url);
    if (!isRejection(other) && hanOf(other) >= least) return other;
  }
  const script = scriptText(html);
  const shown = tree.blocks.reduce((sum, { text }) => sum + hanLength(text), 0);
  if (script === undefined || script.han < Math.max(least, shown)) return undefined;
  const lines = script.isHtml
    ? readPage(script.source)
        .blocks.filter(({ text, linked }) => linked * 2 <= text.length)
        .map(written)
    : script.source.split('\n').map((line) => collapse(line));
  const body = lines.filter((line) => line !== '').join('\n');
  if (hanLength(body) < least || (!isRejection(found) && !body.includes(found.body.slice(0, BEGINNING))))
    return undefined;
  const date = declaredDate(tree) ?? script.date ?? dateInAddress(url ?? '');
  const title = titleOf(tree, -1) || (script.title ?? '');
  return { title, ...(date === undefined ? {} : { date }), body, kind: 'article' };
}

/** So much of what is shown begins the whole text, where it is the beginning of it. */
const BEGINNING = 12;

/** The same from a page already read, with a given model. */
export function extractTree(tree: PageTree, model: BlockModel, url?: string): ExtractedPage | Rejection {
  if (tree.blocks.length === 0) return { reason: 'no-main-text' };
  if (tree.blocks.length > MOST_BLOCKS) return { reason: 'page-too-large' };
  const { probabilities, page } = model.judge(tree);
  const choice = withoutOthers(page, bestChoice(page, probabilities));
  const reason = reasonToReject(page, choice);
  if (reason !== undefined) return { reason };
  const forum = isForum(page, choice);
  const kept = withWholeTables(tree.blocks, forum ? withoutUserData(page, choice.kept) : choice.kept);
  const date = dateOf(tree, page.heading, kept, url);
  return {
    title: titleOf(tree, page.heading),
    ...(date === undefined ? {} : { date }),
    body: kept.map((i) => written(tree.blocks[i]!)).join('\n'),
    kind: forum ? 'forum' : 'article',
  };
}

/** Without the other articles of a feed, and what software puts around and into posts. */
function withoutOthers(page: PageContext, choice: Choice): Choice {
  return { ...choice, kept: withoutThreadParts(page, withoutPostLines(page, withoutFeed(page, choice.kept))) };
}

/** A table of data of which a row was chosen, or that stands amid the chosen text, is kept with all rows. */
function withWholeTables(blocks: readonly Block[], kept: number[]): number[] {
  const chosen = new Set(kept);
  const all = new Set(kept);
  for (let start = 0; start < blocks.length; start++) {
    const table = tableOf(blocks[start]!);
    if (table === undefined) continue;
    let end = start + 1;
    while (end < blocks.length && tableOf(blocks[end]!) === table) end++;
    const rows = Array.from({ length: end - start }, (_, i) => start + i);
    const isAmid = chosen.has(start - 1) && chosen.has(end) && sharesParent(blocks[start - 1]!, blocks[end]!);
    if (isAmid || rows.some((row) => chosen.has(row))) for (const row of rows) all.add(row);
    start = end - 1;
  }
  return all.size === kept.length ? kept : [...all].sort((a, b) => a - b);
}

/** The table that a block is a row of. */
function tableOf({ element }: Block): PageElement | undefined {
  let at: PageElement | undefined = element.tag === 'tr' ? element : undefined;
  while (at !== undefined && at.tag !== 'table') at = at.parent;
  return at;
}

function sharesParent(a: Block, b: Block): boolean {
  return a.element.parent === b.element.parent;
}

/** Listings stand between fences, so that later stages leave them as they are. */
function written({ text, code }: Block): string {
  return code ? `\`\`\`\n${text}\n\`\`\`` : text;
}
