/**
 * Title and date of an article, from what the page declares and what it shows.
 *
 * The heading that a reader sees goes before `<title>`, which carries the site's name; the date of the metadata goes
 * before one that stands near the heading, and that before one in the address.
 */
import { headingBlock } from './block-features.ts';
import type { PageTree } from './page-tree.ts';

const LONGEST_TITLE = 150;

export function titleOf(tree: PageTree): string {
  const heading = tree.blocks[headingBlock(tree)]?.text;
  const title = heading ?? tree.meta.get('og:title') ?? withoutSite(tree.title);
  return title.replace(/\s+/g, ' ').trim().slice(0, LONGEST_TITLE);
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

/** @param first number of the first block of the main text */
export function dateOf(tree: PageTree, first: number, url?: string): string | undefined {
  for (const name of META_DATES) {
    const date = normalDate(tree.meta.get(name) ?? '');
    if (date !== undefined) return date;
  }
  const heading = headingBlock(tree);
  const from = Math.max(0, (heading < 0 ? first : heading) - BEFORE);
  const to = Math.max(first + 2, (heading < 0 ? first : heading) + AFTER);
  let best: string | undefined;
  for (let i = from; i < Math.min(to, tree.blocks.length); i++) {
    const { text } = tree.blocks[i]!;
    // Dates in the sentences of the article are what it tells of, not when it was written.
    if (text.length > 120) continue;
    const date = normalDate(text);
    if (date !== undefined && (best === undefined || date.length > best.length)) best = date;
  }
  return best ?? normalDate(tree.time ?? '') ?? dateInAddress(url);
}

const DATE =
  /((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?(?:[T\s]*(\d{1,2})[:：](\d\d)(?:[:：](\d\d))?)?/;

function normalDate(text: string): string | undefined {
  const found = DATE.exec(text);
  return found === null ? undefined : written(found.slice(1));
}

function dateInAddress(url: string | undefined): string | undefined {
  const found = /[/_-]((?:19|20)\d\d)[-/]?(0[1-9]|1[0-2])[-/]?(0[1-9]|[12]\d|3[01])(?=[/_.-]|$)/.exec(url ?? '');
  return found === null ? undefined : written(found.slice(1));
}

function written([year, month, day, hour, minute, second]: (string | undefined)[]): string | undefined {
  const m = Number(month);
  const d = Number(day);
  if (m < 1 || m > 12 || d < 1 || d > 31) return undefined;
  const date = `${year}-${pad(m)}-${pad(d)}`;
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return date;
  return `${date}T${pad(Number(hour))}:${minute}${second === undefined ? ':00' : `:${second}`}`;
}

function pad(n: number): string {
  return String(n).padStart(2, '0');
}
