/**
 * Below an article other articles may stand whole, each under its linked title. They are none of it, however good their
 * text: the article is what stands between the page's own heading and them.
 */
import { bareHeading, isNamedPost, type PageContext, type SiblingGroup } from './page-context.ts';
import type { PageElement } from './page-tree.ts';
import { PART_NAMES } from './vocabulary.ts';

const TITLE = PART_NAMES.indexOf('title');
const SHORTEST_TITLE = 4;
const LONGEST_TITLE = 60;
const LEAST_ENTRIES = 2;

/** The chosen blocks without those of other articles in a row below the page's own. */
export function withoutFeed(page: PageContext, kept: readonly number[]): number[] {
  const opening = kept.find((i) => i > page.heading && page.counts[i]!.prose > 0);
  if (page.heading < 0 || page.saysForum || opening === undefined) return [...kept];
  const judged = new Map<SiblingGroup, boolean>();
  const inFeed = new Set<number>();
  for (const i of kept) {
    for (let at: PageElement | undefined = page.blocks[i]!.element; at !== undefined; at = at.parent) {
      const group = page.groups[at.index];
      if (group === undefined || group.members < LEAST_ENTRIES) continue;
      let feed = judged.get(group);
      if (feed === undefined) {
        feed = page.firstBlocks[group.first]! > opening && !isNamedPost(at) && isRowOfArticles(page, group);
        judged.set(group, feed);
      }
      if (feed) {
        inFeed.add(i);
        break;
      }
    }
  }
  return kept.filter((i) => !inFeed.has(i));
}

/** Whether all members have a linked title of their own. */
function isRowOfArticles(page: PageContext, group: SiblingGroup): boolean {
  return page.members(group).every((entry) => hasOwnTitle(page, entry));
}

function hasOwnTitle(page: PageContext, entry: PageElement): boolean {
  const first = page.firstBlocks[entry.index]!;
  const { text, linked, element } = page.blocks[first]!;
  const { characters, marks } = page.counts[first]!;
  if (characters < SHORTEST_TITLE || characters > LONGEST_TITLE || linked * 2 <= characters || marks > 3) return false;
  const isTitle = /^h[1-6]$/.test(element.tag) || ((page.parts[element.index]! >> TITLE) & 1) === 1;
  return isTitle && !page.bareTitle.includes(bareHeading(text));
}
