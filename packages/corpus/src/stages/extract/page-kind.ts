/** Article, forum page or index page: told from what was chosen as main text and how it stands in the page. */
import { saysForum, siblingGroups } from './block-features.ts';
import type { PageStatistics, TextCounts } from './element-statistics.ts';
import type { Choice } from './extract-page.ts';
import type { PageElement, PageTree } from './page-tree.ts';

/** Below this the model expects to be wrong about most of the text; articles stay above 0.6, also of unknown sites. */
const LEAST_CONFIDENCE = 0.5;

/** The share of link text from which a page without main text is called an index. */
const INDEX_LINKS = 0.3;

/** Entries of a list of teasers. */
const LEAST_ENTRIES = 4;
const LONGEST_TEASER = 220;

/** Why there is no article, if so. */
export function lackOf(tree: PageTree, statistics: PageStatistics, choice: Choice): string | undefined {
  const whole = statistics.elements[0]!;
  const kept = sumOf(choice.kept.map((i) => statistics.blocks[i]!));
  const nothing = whole.linked > INDEX_LINKS * whole.characters ? 'index-page' : 'no-main-text';
  if (choice.confidence < LEAST_CONFIDENCE || kept.characters === 0) return nothing;
  // A few short lines without a sentence among many links: captions, notices.
  if (kept.proseCharacters === 0 && kept.characters < 60 && kept.characters < 0.1 * whole.characters) return nothing;
  return isListOfTeasers(tree, statistics, choice) ? 'index-page' : undefined;
}

/** Entries of one list, each with a linked heading and a few lines, make up nearly all that was chosen. */
function isListOfTeasers(tree: PageTree, statistics: PageStatistics, choice: Choice): boolean {
  const group = groupOf(tree, statistics, choice);
  if (group === undefined || group.members.size < LEAST_ENTRIES || group.share < 0.8) return false;
  let teasers = 0;
  for (const [member, characters] of group.members) {
    const { linked, characters: all } = statistics.elements[member.index]!;
    if (characters <= LONGEST_TEASER && linked >= 6 && all <= 2 * LONGEST_TEASER) teasers++;
  }
  return teasers >= 0.8 * group.members.size && !saysForum(tree);
}

/** Posts of several authors under one another: a row of equals with the text, on a page that calls itself a forum or has the parts of one. */
export function isForum(tree: PageTree, statistics: PageStatistics, choice: Choice): boolean {
  const group = groupOf(tree, statistics, choice);
  if (group === undefined || group.members.size < 2 || group.share < 0.3) return false;
  const [first] = group.members.keys();
  return saysForum(tree) || POST.test(first!.hint);
}

const POST = /post|reply|answer|floor|thread/;

type ChosenGroup = { members: Map<PageElement, number>; share: number };

/** The row of like siblings that holds most of the chosen text in at least two members, paragraphs apart. */
function groupOf(tree: PageTree, statistics: PageStatistics, { kept }: Choice): ChosenGroup | undefined {
  const groups = siblingGroups(tree, statistics);
  const chosen = new Map<object, ChosenGroup>();
  const total = Math.max(1, sumOf(kept.map((i) => statistics.blocks[i]!)).characters);
  for (const i of kept) {
    const { characters } = statistics.blocks[i]!;
    for (let at: PageElement | undefined = tree.blocks[i]!.element; at?.parent !== undefined; at = at.parent) {
      if (at.tag === 'p' || at.tag === 'br') continue;
      const key = groups[at.index]!;
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
    const linked = [...group.members.keys()].filter(({ index }) => statistics.elements[index]!.linked > 0).length;
    if (group.members.size < 2 || linked < 2) continue;
    if (best === undefined || group.share > best.share + 0.05) best = group;
  }
  return best;
}

function sumOf(counts: TextCounts[]): { characters: number; proseCharacters: number } {
  let characters = 0;
  let proseCharacters = 0;
  for (const count of counts) {
    characters += count.characters;
    proseCharacters += count.proseCharacters;
  }
  return { characters, proseCharacters };
}
