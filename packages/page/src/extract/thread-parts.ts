/**
 * What software puts around the posts of a thread: rules of the board above the first, what is told of each author beside
 * what he wrote, lines that every post has. None of it is what was said, however good its sentences.
 *
 * Only where no prose stands between the heading and a row of dated posts: below an article, readers' comments are such a row too.
 */
import { bareHeading, isNamedPost, meeting, type PageContext, type SiblingGroup } from './page-context.ts';
import type { PageElement } from './page-tree.ts';
import { PHRASE_NAMES } from './vocabulary.ts';

const LEAST_POSTS = 3;
/** So much of what was chosen stands in the posts of a thread; the rules of a board are longer than some threads. */
const LEAST_IN_POSTS = 0.3;

const DATE = PHRASE_NAMES.indexOf('date');
const LONGEST_DATE_LINE = 60;
/** The share of posts that have their date in the same place, and of the chosen text that stands below it. */
const LEAST_DATED = 0.8;
const LEAST_BELOW = 0.5;

const LONGEST_LABEL = 20;
/** «TOP», «引用:»: so many times the same, and next to nothing else in that place of the posts. */
const LEAST_LABELS = 4;
const LEAST_ALIKE = 0.8;

const SHORTEST_HEADING = 4;

/** A post of the thread, and the chosen blocks in it. */
type Posts = Map<PageElement, number[]>;

/** The chosen blocks without what is none of the posts, on a page that is a thread. */
export function withoutThreadParts(page: PageContext, kept: readonly number[]): number[] {
  const thread = threadOf(page, kept);
  if (thread === undefined) return [...kept];
  const posts: Posts = new Map();
  const above: number[] = [];
  for (const i of kept) {
    const post = memberOf(page, thread, page.blocks[i]!.element);
    if (post !== undefined) posts.set(post, [...(posts.get(post) ?? []), i]);
    else if (isHeading(page, i)) above.push(i);
  }
  const inPosts = withoutLabels(page, withoutAuthors(page, posts));
  return withoutRepeatedHeadings(
    page,
    [...above, ...[...inPosts.values()].flat()].sort((a, b) => a - b),
  );
}

/** The row of dated posts that holds most of what was chosen, if a thread opens with it. */
function threadOf(page: PageContext, kept: readonly number[]): SiblingGroup | undefined {
  const rows = new Map<SiblingGroup, number>();
  let total = 0;
  for (const i of kept) {
    const { characters } = page.counts[i]!;
    total += characters;
    const post = page.postOf(page.blocks[i]!.element);
    const row = post && page.groups[post.index];
    if (row !== undefined) rows.set(row, (rows.get(row) ?? 0) + characters);
  }
  const [most] = [...rows].sort((a, b) => b[1] - a[1]);
  if (most === undefined || most[1] < LEAST_IN_POSTS * total) return undefined;
  const [row] = most;
  const [first] = page.members(row);
  const isDated = row.members >= LEAST_POSTS && 2 * row.withDate >= row.members;
  return isDated && (page.saysForum || isNamedPost(first!)) && opensThread(page, row, first!) ? row : undefined;
}

/** An opening post without a sentence counts where the page calls itself a forum, or where the post holds the heading. */
function opensThread(page: PageContext, row: SiblingGroup, first: PageElement): boolean {
  if (page.isOpening(first)) return true;
  const heading = page.blocks[page.heading]?.element;
  if (!page.saysForum && (heading === undefined || meeting(heading, first) !== first)) return false;
  const prose = page.blocks[page.nextProse[Math.max(0, page.heading)]!];
  return prose === undefined || memberOf(page, row, prose.element) !== undefined;
}

/** The element of the row that an element stands in. */
function memberOf(page: PageContext, row: SiblingGroup, element: PageElement): PageElement | undefined {
  for (let at: PageElement | undefined = element; at !== undefined; at = at.parent)
    if (page.groups[at.index] === row) return at;
  return undefined;
}

function isHeading(page: PageContext, i: number): boolean {
  return i === page.heading || /^h[1-6]$/.test(page.blocks[i]!.element.tag);
}

/** Where nearly all posts have their date above the text, what stands above it tells of the author: rank, motto, town. */
function withoutAuthors(page: PageContext, posts: Posts): Posts {
  const dates = dateLines(page, posts);
  let above = 0;
  let below = 0;
  for (const [post, own] of posts) {
    for (const i of own) {
      const date = dates.get(post) ?? -1;
      if (isHeading(page, i) || i === date) continue;
      if (i < date) above += page.counts[i]!.characters;
      else below += page.counts[i]!.characters;
    }
  }
  if (dates.size < LEAST_DATED * posts.size || below < LEAST_BELOW * (above + below)) return posts;
  return mapPosts(posts, (own, post) => own.filter((i) => isHeading(page, i) || i > (dates.get(post) ?? -1)));
}

/** The first line with a date of each post that has it where most posts have theirs. */
function dateLines(page: PageContext, posts: Posts): Map<PageElement, number> {
  const places = new Map<string, Map<PageElement, number>>();
  for (const post of posts.keys()) {
    const begin = page.firstBlocks[post.index]!;
    const end = begin + page.elements[post.index]!.blocks;
    for (let i = begin; i < end; i++) {
      const { text, element } = page.blocks[i]!;
      if (text.length > LONGEST_DATE_LINE || ((page.phrases[i]! >> DATE) & 1) === 0) continue;
      const place = page.placeIn(post, element);
      const lines = places.get(place) ?? new Map<PageElement, number>();
      if (!lines.has(post)) lines.set(post, i);
      places.set(place, lines);
    }
  }
  return [...places.values()].sort((a, b) => b.size - a.size)[0] ?? new Map<PageElement, number>();
}

/** Without lines that stand word for word in the same place of the posts, beside text in every one of them. */
function withoutLabels(page: PageContext, posts: Posts): Posts {
  const places = new Map<string, { lines: Map<string, number>; blocks: Set<number> }>();
  for (const [post, own] of posts) {
    for (const i of own) {
      const { text, element } = page.blocks[i]!;
      const name = page.placeIn(post, element);
      const place = places.get(name) ?? { lines: new Map<string, number>(), blocks: new Set<number>() };
      place.lines.set(text, (place.lines.get(text) ?? 0) + 1);
      place.blocks.add(i);
      places.set(name, place);
    }
  }
  let left = posts;
  for (const { lines, blocks } of places.values()) {
    const [[text, count]] = [...lines].sort((a, b) => b[1] - a[1]) as [[string, number]];
    if (count < LEAST_LABELS || count < LEAST_ALIKE * blocks.size || text.length > LONGEST_LABEL) continue;
    const without = mapPosts(left, (own) => own.filter((i) => !blocks.has(i) || page.blocks[i]!.text !== text));
    if ([...without.values()].every((own) => own.length > 0)) left = without;
  }
  return left;
}

/** Many boards repeat the title of the page as that of the post. */
function withoutRepeatedHeadings(page: PageContext, kept: readonly number[]): number[] {
  const seen: string[] = [];
  return kept.filter((i) => {
    if (!isHeading(page, i)) return true;
    const heading = bareHeading(page.blocks[i]!.text);
    if (heading.length >= SHORTEST_HEADING && seen.some((earlier) => earlier.includes(heading))) return false;
    seen.push(heading);
    return true;
  });
}

function mapPosts(posts: Posts, change: (own: number[], post: PageElement) => number[]): Posts {
  return new Map(Array.from(posts, ([post, own]) => [post, change(own, post)]));
}
