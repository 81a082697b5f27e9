/**
 * Title and date of an article, from what the page declares and what it shows.
 *
 * The heading that a reader sees goes before `<title>`, which carries the site's name; the date of the metadata goes
 * before one that stands near the heading, and that before one in the address.
 */
import { dateIn, dateInAddress, dateOfMeta } from './dates.ts';
import { bareHeading } from './page-context.ts';
import type { PageTree } from './page-tree.ts';

const LONGEST_TITLE = 150;

/** @param heading number of the block that is the heading, -1 where none is */
export function titleOf(tree: PageTree, heading: number): string {
  const shown = openingOf(tree) ?? (isHeading(tree, heading) ? tree.blocks[heading]!.text : undefined);
  const title = shown ?? tree.meta.get('og:title') ?? withoutSite(tree.title);
  return title.replace(/\s+/g, ' ').trim().slice(0, LONGEST_TITLE);
}

/** An `<h1>` that `<title>` begins with, however short. */
function openingOf({ blocks, title }: PageTree): string | undefined {
  const declared = bareHeading(title);
  const opens = (text: string): boolean => bareHeading(text).length >= 2 && declared.startsWith(bareHeading(text));
  return blocks.find(({ element, text }) => element.tag === 'h1' && opens(text))?.text;
}

/** One of several `<h1>`, none of which `<title>` repeats, heads a section only. */
function isHeading({ blocks, title }: PageTree, heading: number): boolean {
  if (heading < 0) return false;
  const shown = bareHeading(blocks[heading]!.text);
  const declared = bareHeading(title);
  if (declared === '' || declared.includes(shown) || shown.includes(declared)) return true;
  return blocks.filter(({ element }) => element.tag === 'h1').length === 1;
}

/** «Heading - Channel - Site» or «Heading_Channel_Site»: the first part, unless it is too short to be a heading. */
function withoutSite(title: string): string {
  const parts = title.split(/\s*[_|»｜]\s*|\s+[-–—>]+\s+|\s*-{2,}\s*|——/).filter((part) => part !== '');
  const first = parts[0] ?? '';
  return first.length >= 4 || parts.length < 2 ? first : title;
}

const META_DATES = [
  'article:published_time',
  'og:published_time',
  'og:release_date',
  'datepublished',
  'pubdate',
  'publishdate',
  'publish_date',
  'publication_date',
  'publishtime',
  'publish-time',
  'weibo: article:create_at',
  'bytedance:published_time',
  'dc.date.issued',
  'dc.date',
  'date',
  'article:modified_time',
];

/** Blocks around the heading that may hold the date. */
const BEFORE = 6;
const AFTER = 12;

/**
 * @param heading number of the block that is the heading, -1 where none is
 * @param kept numbers of the blocks of the main text
 */
export function dateOf(tree: PageTree, heading: number, kept: number[], url?: string): string | undefined {
  const declared = declaredDate(tree);
  if (declared !== undefined) return declared;
  const first = kept[0]!;
  const start = heading < 0 ? first : heading;
  return (
    dateAmong(tree, start - BEFORE, Math.max(first + 2, start + AFTER)) ??
    dateIn(tree.time ?? '') ??
    dateInAddress(url ?? '') ??
    dateAmong(tree, kept.at(-1)! + 1, kept.at(-1)! + 1 + BEFORE)
  );
}

/** The date of the page's metadata. */
export function declaredDate({ meta }: PageTree): string | undefined {
  for (const name of META_DATES) {
    const date = dateOfMeta(meta.get(name) ?? '');
    if (date !== undefined) return date;
  }
  return undefined;
}

/** The most exact date in short blocks; dates in the sentences of the article are what it tells of. */
function dateAmong({ blocks }: PageTree, from: number, to: number): string | undefined {
  let best: string | undefined;
  for (const { text } of blocks.slice(Math.max(0, from), to)) {
    if (text.length > 120) continue;
    const date = dateIn(text);
    if (date !== undefined && (best === undefined || date.length > best.length)) best = date;
  }
  return best;
}
