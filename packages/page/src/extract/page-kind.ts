/** Article, forum page or index page: told from what was chosen as main text and how it stands in the page. */

import type { Choice } from './best-choice.ts';
import type { TextCounts } from './element-statistics.ts';
import { isNamedPost, type PageContext, repeatable } from './page-context.ts';
import type { PageElement } from './page-tree.ts';
import { PHRASE_NAMES } from './vocabulary.ts';

/** A page of which not one block is likely main text, and most of the choice would be wrong. */
const LEAST_CONFIDENCE = 0.5;
const LEAST_PROBABILITY = 0.5;

/** What is shorter and holds no sentence is no article. */
const LEAST_CHARACTERS = 60;

/** The share of link text from which a page without main text is called an index. */
const INDEX_LINKS = 0.3;

/** The share of link text from which what was chosen is a list of links; of 292 articles and threads of many sites none had more than 0.35. */
const MOST_LINKED = 0.45;

/** Posts beside the one that is a list of links. */
const LEAST_OTHERS = 2;

/** Entries of a list of teasers. */
const LEAST_ENTRIES = 4;
const LONGEST_TEASER = 220;
/** «…[more]». */
const MORE = String.raw`[[【(（<＜]?\s*(阅读|閱讀|查看|点击|點擊)?(全文|更多|详细|詳細|详情|詳情|more)\s*[\]】)）>＞]?\s*`;
const CUT_OFF = new RegExp(String.raw`(…|\.\.\.)\s*(${MORE})?$`, 'i');
/** What is kept is the beginning of texts that stand elsewhere, where so much of it tells the reader to read on. */
const READ_ON = new RegExp(String.raw`(…|\.\.\.)\s*${MORE}$`, 'i');
const MOST_READ_ON = 0.4;

/** Why there is no article, if so. */
export function reasonToReject(page: PageContext, choice: Choice): string | undefined {
  const whole = page.elements[0]!;
  const kept = sumOf(choice.kept.map((i) => page.counts[i]!));
  const isIndex = whole.linked > INDEX_LINKS * whole.characters || page.sections.linkedHeadings >= LEAST_ENTRIES;
  const nothing = isIndex ? 'index-page' : 'no-main-text';
  if (kept.characters === 0) return nothing;
  if (choice.confidence < LEAST_CONFIDENCE && choice.highest < LEAST_PROBABILITY) return nothing;
  // A few short lines without a sentence: captions, notices, the line of rights below a form.
  if (kept.proseCharacters === 0 && kept.characters < LEAST_CHARACTERS) return nothing;
  if (kept.linked > MOST_LINKED * kept.characters && !hasPostOfLinks(page, choice)) return 'index-page';
  const cut = sumOf(choice.kept.filter((i) => READ_ON.test(page.blocks[i]!.text)).map((i) => page.counts[i]!));
  if (cut.characters > MOST_READ_ON * kept.characters) return 'index-page';
  return isListOfTeasers(page, choice) ? 'index-page' : undefined;
}

/** Whether the links of a thread are those that one of its posts recommends: the others hold next to none. */
function hasPostOfLinks(page: PageContext, { kept }: Choice): boolean {
  const posts = Map.groupBy(kept, (i) => page.postOf(page.blocks[i]!.element));
  posts.delete(undefined);
  const sums = Array.from(posts.values(), (own) => sumOf(own.map((i) => page.counts[i]!)));
  const [most, ...others] = sums.sort((a, b) => b.linked - a.linked);
  if (most === undefined || others.length < LEAST_OTHERS) return false;
  return others.every(({ linked, characters }) => linked <= MOST_LINKED * characters);
}

/** Entries of one list, each with a linked heading and a few lines that are mostly cut off, make up nearly all that was chosen. */
function isListOfTeasers(page: PageContext, choice: Choice): boolean {
  const group = groupOf(page, choice);
  if (group === undefined || group.members.size < LEAST_ENTRIES || group.share < 0.8) return false;
  let teasers = 0;
  for (const [member, characters] of group.members) {
    const { linked, characters: all } = page.elements[member.index]!;
    if (characters <= LONGEST_TEASER && linked >= 6 && all <= 2 * LONGEST_TEASER) teasers++;
  }
  const cut = choice.kept.filter((i) => CUT_OFF.test(page.blocks[i]!.text)).length;
  return teasers >= 0.8 * group.members.size && cut >= 0.5 * group.members.size && !page.saysForum;
}

/** Posts of several authors under one another: a row of equals with the text, on a page that calls itself a forum or has the parts of one. */
export function isForum(page: PageContext, choice: Choice): boolean {
  const group = groupOf(page, choice);
  if (group === undefined || group.members.size < 2 || group.share < 0.3) return false;
  const [first] = group.members.keys();
  return page.saysForum || isNamedPost(first!);
}

const FIELD = PHRASE_NAMES.indexOf('field');
/** Posts from which a line about their authors is told. */
const LEAST_POSTS = 3;

/** The chosen blocks without what a thread says of each author: a name and a number («积分 120», «UID 7», «3 楼») beside every post. */
export function withoutUserData(page: PageContext, kept: number[]): number[] {
  const posts = kept.filter((i) => {
    const line = repeatable(page.blocks[i]!.text);
    const isField = ((page.phrases[i]! >> FIELD) & 1) === 1;
    return !isField || line === undefined || page.repeats.get(line)! < LEAST_POSTS;
  });
  return posts.length > 0 ? posts : kept;
}

interface ChosenGroup {
  members: Map<PageElement, number>;
  share: number;
}

/** The row of like siblings that holds most of the chosen text in at least two members, paragraphs apart. */
function groupOf(page: PageContext, { kept }: Choice): ChosenGroup | undefined {
  const chosen = new Map<object, ChosenGroup>();
  const total = Math.max(1, sumOf(kept.map((i) => page.counts[i]!)).characters);
  for (const i of kept) {
    const { characters } = page.counts[i]!;
    for (let at: PageElement | undefined = page.blocks[i]!.element; at?.parent !== undefined; at = at.parent) {
      if (at.tag === 'p' || at.tag === 'br') continue;
      const key = page.groups[at.index]!;
      let group = chosen.get(key);
      if (group === undefined) {
        group = { members: new Map(), share: 0 };
        chosen.set(key, group);
      }
      group.members.set(at, (group.members.get(at) ?? 0) + characters);
      group.share += characters / total;
    }
  }
  let best: ChosenGroup | undefined;
  for (const group of chosen.values()) {
    const linked = [...group.members.keys()].filter(({ index }) => page.elements[index]!.linked > 0).length;
    if (group.members.size < 2 || linked < 2) continue;
    if (best === undefined || group.share > best.share + 0.05) best = group;
  }
  return best;
}

function sumOf(counts: TextCounts[]): { characters: number; linked: number; proseCharacters: number } {
  let characters = 0;
  let linked = 0;
  let proseCharacters = 0;
  for (const count of counts) {
    characters += count.characters;
    linked += count.linked;
    proseCharacters += count.proseCharacters;
  }
  return { characters, linked, proseCharacters };
}
