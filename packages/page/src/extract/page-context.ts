/**
 * What is known of a page as a whole before its blocks are judged: counts by element, the heading, the densest part, rows
 * of like siblings, repeated lines.
 */
import { type PageStatistics, pageStatistics, type TextCounts } from './element-statistics.ts';
import { firstBlocks, type Sections, sectionsOf } from './page-sections.ts';
import type { Block, PageElement, PageTree } from './page-tree.ts';
import { PHRASE_NAMES, partsOf, phrasesOf } from './vocabulary.ts';

/** Ancestors that hold more than the one below, so that wrappers do not count. */
export const LEVELS = 4;

export class PageContext {
  readonly blocks: Block[];
  readonly counts: TextCounts[];
  readonly elements: TextCounts[];
  readonly whole: TextCounts;
  readonly phrases: Uint16Array;
  readonly parts: Uint16Array;
  /** Characters before each block. */
  readonly before: Float64Array;
  /** The block that is the heading, -1 where none is. */
  readonly heading: number;
  readonly bareTitle: string;
  readonly seed: PageElement | undefined;
  readonly container: PageElement | undefined;
  readonly kinds: Map<string, TextCounts>;
  readonly kindOf: string[];
  /** How often short lines stand in the page, digits apart. */
  readonly repeats: Map<string, number>;
  readonly proseBefore: Float64Array;
  readonly lastProse: Int32Array;
  readonly nextProse: Int32Array;
  readonly forum: number;
  /** Form fields below each element. */
  readonly inputs: Uint32Array;
  readonly groups: (SiblingGroup | undefined)[];
  readonly sections: Sections;
  /** The first block of each element. */
  readonly firstBlocks: Int32Array;
  /** Whether the page calls itself a forum. */
  readonly saysForum: boolean;
  readonly #elements: readonly PageElement[];
  readonly #members = new Map<SiblingGroup, PageElement[]>();
  /** Rows of which the first member holds the first prose below the heading. */
  readonly #openings = new Set<SiblingGroup>();
  readonly #chains = new Map<PageElement, PageElement[]>();

  constructor(tree: PageTree) {
    this.#elements = tree.elements;
    const statistics = pageStatistics(tree);
    this.blocks = tree.blocks;
    this.counts = statistics.blocks;
    this.elements = statistics.elements;
    this.whole = statistics.elements[0]!;
    this.phrases = Uint16Array.from(tree.blocks, ({ text }) => phrasesOf(text));
    this.parts = Uint16Array.from(tree.elements, ({ tag, hint }) => partsOf(tag, hint));
    this.inputs = Uint32Array.from(tree.elements, ({ inputs }) => inputs);
    for (let i = tree.elements.length - 1; i > 0; i--) this.inputs[tree.elements[i]!.parent!.index]! += this.inputs[i]!;
    const n = tree.blocks.length;
    this.before = new Float64Array(n + 1);
    this.proseBefore = new Float64Array(n + 1);
    this.lastProse = new Int32Array(n);
    this.nextProse = new Int32Array(n);
    for (let i = 0, last = -1; i < n; i++) {
      this.before[i + 1] = this.before[i]! + this.counts[i]!.characters;
      this.proseBefore[i + 1] = this.proseBefore[i]! + this.counts[i]!.proseCharacters;
      this.lastProse[i] = last;
      if (this.counts[i]!.prose > 0) last = i;
    }
    for (let i = n - 1, next = n; i >= 0; i--) {
      this.nextProse[i] = next;
      if (this.counts[i]!.prose > 0) next = i;
    }
    this.bareTitle = bareHeading(tree.title);
    this.heading = headingBlock(tree, this.bareTitle);
    this.container = densestContainer(tree, statistics);
    this.seed = seedOf(tree, statistics, this.container);
    this.kindOf = tree.blocks.map(({ element }) => kindOf(element));
    this.kinds = new Map();
    this.repeats = new Map();
    let forum = 0;
    tree.blocks.forEach(({ text }, i) => {
      const kind = this.kindOf[i]!;
      const total = this.kinds.get(kind);
      const counts = this.counts[i]!;
      if (total === undefined) this.kinds.set(kind, { ...counts });
      else for (const name of ['characters', 'linked', 'marks', 'blocks'] as const) total[name] += counts[name];
      const line = repeatable(text);
      if (line !== undefined) this.repeats.set(line, (this.repeats.get(line) ?? 0) + 1);
      if ((this.phrases[i]! >> (PHRASE_NAMES.length - 1)) & 1) forum++;
    });
    this.forum = forum;
    this.groups = siblingGroups(tree, this.elements, datesBelow(tree, this.phrases));
    this.sections = sectionsOf(tree, this.counts);
    this.firstBlocks = firstBlocks(tree);
    this.saysForum = saysForum(tree);
    const opening = tree.blocks[this.nextProse[Math.max(0, this.heading)] ?? n];
    for (let at = opening?.element; at !== undefined; at = at.parent) {
      const group = this.groups[at.index];
      if (group?.first === at.index) this.#openings.add(group);
    }
  }

  /**
   * The post, comment or entry that an element belongs to: one of three or more like siblings, most of them dated or named
   * so, or a row of prose, or the opening post of a thread and its replies.
   */
  postOf(element: PageElement): PageElement | undefined {
    let up = 0;
    for (let at: PageElement | undefined = element; at !== undefined && up < 12; at = at.parent, up++) {
      const group = this.groups[at.index];
      if (group === undefined || group.members < 3) continue;
      if (2 * group.withDate >= group.members || isNamedPost(at) || isRowOfProse(group, at)) return at;
      if (this.#openings.has(group) && (this.saysForum || isThread(group))) return at;
    }
    return undefined;
  }

  /** Whether a post is the first of its row and holds the first prose below the page's heading. */
  isOpening(post: PageElement): boolean {
    const group = this.groups[post.index]!;
    return group.first === post.index && this.#openings.has(group);
  }

  /** Where in a post an element stands: the way down to it, by tags and names. Posts of one row have the same places. */
  placeIn(post: PageElement, element: PageElement): string {
    let place = `${post.parent?.index}`;
    for (let at: PageElement | undefined = element; at !== undefined && at !== post; at = at.parent)
      place += `<${at.tag}.${withoutDigits(at.hint)}`;
    return place;
  }

  /** The elements of a group, in their order. */
  members(group: SiblingGroup): readonly PageElement[] {
    if (this.#members.size === 0)
      this.groups.forEach((of, i) => {
        if (of === undefined) return;
        const members = this.#members.get(of);
        if (members === undefined) this.#members.set(of, [this.#elements[i]!]);
        else members.push(this.#elements[i]!);
      });
    return this.#members.get(group) ?? [];
  }

  /** Ancestors of an element, itself first, each holding more text than the one before; wrappers fall together. */
  chain(element: PageElement): PageElement[] {
    const found = this.#chains.get(element);
    if (found !== undefined) return found;
    const chain = [element];
    let size = this.elements[element.index]!.characters;
    for (let at = element.parent; at !== undefined && chain.length < LEVELS; at = at.parent) {
      const characters = this.elements[at.index]!.characters;
      if (characters > size) {
        chain.push(at);
        size = characters;
      }
    }
    this.#chains.set(element, chain);
    return chain;
  }
}

/** Whether its author calls an element a post, an answer or the like. */
export function isNamedPost({ hint }: PageElement): boolean {
  return /post|reply|answer|floor|thread/.test(hint);
}

const LEAST_ROWS = 4;

/** Reports of one page under one another, most of them with prose; the paragraphs of a text are no such row. */
function isRowOfProse({ members, withProse }: SiblingGroup, { tag }: PageElement): boolean {
  return members >= LEAST_ROWS && 2 * withProse >= members && tag !== 'p' && tag !== 'li';
}

const LEAST_REPLIES = 4;

/** So many posts, with links to their authors; the sections of a text are fewer or have none. */
function isThread({ members, linked }: SiblingGroup): boolean {
  return members > LEAST_REPLIES && linked > 0;
}

/** A short line with its digits made equal: «12 楼» repeats «3 楼», as what a page says of each entry does. */
export function repeatable(text: string): string | undefined {
  return text.length < 60 ? text.replace(/\d+/g, '0') : undefined;
}

/** Letters, digits and Chinese characters alone, in lower case, to compare headings. */
export function bareHeading(text: string): string {
  let bare = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x3040 ? code < 0xfe10 || (code > 0xff10 && code < 0xff5b) : isLatin(code)) bare += text[i];
  }
  return bare.toLowerCase();
}

function isLatin(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0xc0 && code < 0x2000)
  );
}

/** The block that repeats most of `<title>`, -1 where none does; a heading element wins over a plain line. */
function headingBlock(tree: PageTree, title: string): number {
  let best = -1;
  let bestScore = 0;
  tree.blocks.forEach(({ text, element, linked }, i) => {
    if (text.length > 120) return;
    const own = bareHeading(text);
    if (own.length < 4) return;
    if (element.tag !== 'h1' && !title.includes(own) && (title.length < 6 || !own.includes(title))) return;
    const score =
      Math.min(own.length, title.length) + (/^h[1-3]$/.test(element.tag) ? 12 : 0) - (linked > 0 ? 8 : 0) - i * 0.001;
    if (score > bestScore) {
      best = i;
      bestScore = score;
    }
  });
  return best;
}

/** The element with the most prose, counted less the further up it is. */
function densestContainer(tree: PageTree, { blocks }: PageStatistics): PageElement | undefined {
  const scores = new Float64Array(tree.elements.length);
  let best: PageElement | undefined;
  tree.blocks.forEach(({ element, text }, i) => {
    const counts = blocks[i]!;
    if (counts.characters < 10) return;
    const score =
      (counts.marks + Math.min(counts.characters, text.length) / 30) * (1 - counts.linked / counts.characters);
    let share = 1;
    for (let at: PageElement | undefined = element; at !== undefined && share > 0.1; at = at.parent) {
      scores[at.index]! += score * share;
      share *= at === element ? 1 : 0.6;
      if (best === undefined || scores[at.index]! > scores[best.index]!) best = at;
    }
  });
  return best;
}

/** The element of the longest prose, inside the container where there is one. */
function seedOf(
  tree: PageTree,
  { blocks }: PageStatistics,
  container: PageElement | undefined,
): PageElement | undefined {
  let best: PageElement | undefined;
  let most = 0;
  tree.blocks.forEach(({ element }, i) => {
    const counts = blocks[i]!;
    const score =
      counts.marks *
      (1 - counts.linked / Math.max(1, counts.characters)) *
      (container !== undefined && meeting(element, container) === container ? 2 : 1);
    if (score > most) {
      best = element;
      most = score;
    }
  });
  return best;
}

/** The nearest common ancestor. */
export function meeting(a: PageElement, b: PageElement): PageElement {
  let x = a;
  let y = b;
  while (x !== y) {
    if (x.depth >= y.depth && x.parent !== undefined) x = x.parent;
    else if (y.parent !== undefined) y = y.parent;
    else return x;
  }
  return x;
}

/** Blocks in the same kind of place: tag and class of the element and its two parents, whatever numbers the names hold («post-17»). */
function kindOf({ tag, hint, parent }: PageElement): string {
  return `${tag}.${withoutDigits(hint)}<${parent?.tag}.${withoutDigits(parent?.hint ?? '')}<${parent?.parent?.tag}`;
}

function withoutDigits(hint: string): string {
  return /\d/.test(hint) ? hint.replace(/\d+/g, '') : hint;
}

const FORUM =
  /论坛|論壇|社区|社區|贴吧|问答|问吧|討論區|讨论区|bbs|forum|discuz|phpwind|discourse|flarum|vbulletin|phpbb/i;

/** Whether the page calls itself a forum. */
function saysForum({ title, meta }: PageTree): boolean {
  return FORUM.test(`${title} ${meta.get('generator') ?? ''} ${meta.get('og:type') ?? ''}`);
}

/** The elements in a row of equals: siblings with the same tag and the same first class but for digits. */
export interface SiblingGroup {
  /** Those with text. */
  members: number;
  withProse: number;
  /** Those with a date in a short line, as posts, comments and entries have. */
  withDate: number;
  characters: number;
  linked: number;
  /** Number of the first member. */
  first: number;
}

const DATE = PHRASE_NAMES.indexOf('date');
const LONGEST_DATE_LINE = 60;

/** Short lines with a date below each element. */
function datesBelow(tree: PageTree, phrases: Uint16Array): Uint32Array {
  const dates = new Uint32Array(tree.elements.length);
  tree.blocks.forEach(({ element, text }, i) => {
    if (text.length <= LONGEST_DATE_LINE && ((phrases[i]! >> DATE) & 1) === 1) dates[element.index]!++;
  });
  for (let i = tree.elements.length - 1; i > 0; i--) dates[tree.elements[i]!.parent!.index]! += dates[i]!;
  return dates;
}

/** For each element the group that it belongs to; undefined where it holds no text. */
function siblingGroups(tree: PageTree, counts: TextCounts[], dates: Uint32Array): (SiblingGroup | undefined)[] {
  const names = new Map<string, number>();
  const groups = new Map<number, SiblingGroup>();
  return tree.elements.map(({ parent, tag, hint, index }) => {
    const own = counts[index]!;
    if (own.characters === 0 || parent === undefined) return undefined;
    const name = hint === '' ? tag : `${tag}.${hint.split(' ', 1)[0]!.replace(/\d+/g, '')}`;
    let number = names.get(name);
    if (number === undefined) {
      number = names.size;
      names.set(name, number);
    }
    const place = parent.index * tree.elements.length + number;
    let group = groups.get(place);
    if (group === undefined) {
      group = { members: 0, withProse: 0, withDate: 0, characters: 0, linked: 0, first: index };
      groups.set(place, group);
    }
    group.members++;
    if (own.prose > 0) group.withProse++;
    if (dates[index]! > 0) group.withDate++;
    group.characters += own.characters;
    group.linked += own.linked;
    return group;
  });
}
