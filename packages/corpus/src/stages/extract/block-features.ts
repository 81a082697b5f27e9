/**
 * The features by which a block is judged main text or not: its own text, the parts of the page that it stands in, its
 * neighbours, its place relative to heading and densest text, and how blocks in the same kind of place read.
 *
 * One row a block, in FEATURE_NAMES' order. No feature knows the site, the address or single words of the article.
 */
import { type PageStatistics, pageStatistics, type TextCounts } from './element-statistics.ts';
import type { Block, PageElement, PageTree } from './page-tree.ts';
import { PART_NAMES, PHRASE_NAMES, partsOf, phrasesOf } from './vocabulary.ts';

/** Ancestors that hold more than the one below, so that wrappers do not count. */
const LEVELS = 4;
const NEIGHBOURS = [-3, -2, -1, 1, 2, 3];
const TAGS = ['p', 'div', 'td', 'li', 'span', 'h1', 'h2', 'h3', 'h4', 'blockquote', 'pre', 'dd', 'section', 'a'];

export const FEATURE_NAMES: readonly string[] = [
  ...'length linkShare hanShare digitShare marks ends endsSentence indented broken verbatim stressed links hidden'.split(
    ' ',
  ),
  ...TAGS.map((tag) => `tag-${tag}`),
  ...PHRASE_NAMES.map((name) => `says-${name}`),
  'phrases',
  ...PART_NAMES.map((name) => `in-${name}`),
  ...range(LEVELS).flatMap((level) =>
    ['length', 'linkShare', 'markShare', 'pageShare', 'blocks', 'proseShare', 'meanBlock', 'inputs'].map(
      (name) => `up${level}-${name}`,
    ),
  ),
  ...NEIGHBOURS.flatMap((at) =>
    ['length', 'linkShare', 'marks', 'sameParent', 'phrases'].map((name) => `at${at}-${name}`),
  ),
  ...'place placeOfBlocks afterTitle titleSeen isTitle inTitle proseBefore proseAfter gapBefore gapAfter'.split(' '),
  ...'seedUp seedDown seedShare inContainer containerUp containerDown'.split(' '),
  ...'kindShare kindMarks kindLinks kindBlocks kindMean repeated'.split(' '),
  ...'groupCount groupProse groupShare groupPlace groupLinks groupUp'.split(' '),
  ...'tables tableBlocks tableMean tableLinks tableShare lists listMean listLinks'.split(' '),
  ...'pageLength pageLinks pageProse pageForum pageBlocks pageSaysForum'.split(' '),
];

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

export type FeatureRows = { rows: Float32Array; width: number; statistics: PageStatistics };

export function blockFeatures(tree: PageTree): FeatureRows {
  const statistics = pageStatistics(tree);
  const width = FEATURE_NAMES.length;
  const rows = new Float32Array(tree.blocks.length * width);
  const page = new PageContext(tree, statistics);
  for (let i = 0; i < tree.blocks.length; i++) {
    const writer = new Row(rows, i * width);
    ownFeatures(writer, page, i);
    ancestorFeatures(writer, page, i);
    neighbourFeatures(writer, page, i);
    placeFeatures(writer, page, i);
    groupFeatures(writer, page, i);
    gridFeatures(writer, page, i);
    pageFeatures(writer, page, i);
  }
  return { rows, width, statistics };
}

class Row {
  #at: number;
  readonly #rows: Float32Array;
  constructor(rows: Float32Array, at: number) {
    this.#rows = rows;
    this.#at = at;
  }
  put(value: number): void {
    this.#rows[this.#at++] = value;
  }
}

/** What is computed once a page. */
class PageContext {
  readonly blocks: Block[];
  readonly counts: TextCounts[];
  readonly elements: TextCounts[];
  readonly whole: TextCounts;
  readonly phrases: Uint16Array;
  readonly parts: Uint16Array;
  /** Characters before each block. */
  readonly before: Float64Array;
  /** The block that is the heading, -1 where none is. */
  readonly titleBlock: number;
  readonly titleKey: string;
  readonly seed: PageElement | undefined;
  readonly container: PageElement | undefined;
  readonly kinds: Map<string, TextCounts>;
  readonly kindOf: string[];
  readonly repeats: Map<string, number>;
  readonly proseBefore: Float64Array;
  readonly lastProse: Int32Array;
  readonly nextProse: Int32Array;
  readonly forum: number;
  readonly inputs: Uint16Array;
  readonly groups: SiblingGroup[];
  readonly saysForum: number;
  readonly #chains = new Map<PageElement, PageElement[]>();

  constructor(tree: PageTree, statistics: PageStatistics) {
    this.blocks = tree.blocks;
    this.counts = statistics.blocks;
    this.elements = statistics.elements;
    this.whole = statistics.elements[0]!;
    this.phrases = Uint16Array.from(tree.blocks, ({ text }) => phrasesOf(text));
    this.parts = Uint16Array.from(tree.elements, ({ tag, hint }) => partsOf(tag, hint));
    this.inputs = Uint16Array.from(tree.elements, ({ inputs }) => Math.min(inputs, 1000));
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
    this.titleKey = key(tree.title);
    this.titleBlock = headingBlock(tree);
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
      if (text.length < 60) this.repeats.set(text, (this.repeats.get(text) ?? 0) + 1);
      if ((this.phrases[i]! >> (PHRASE_NAMES.length - 1)) & 1) forum++;
    });
    this.forum = forum;
    this.groups = siblingGroups(tree, this);
    this.saysForum = saysForum(tree) ? 1 : 0;
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

function ownFeatures(row: Row, page: PageContext, i: number): void {
  const block = page.blocks[i]!;
  const counts = page.counts[i]!;
  const n = Math.max(1, counts.characters);
  row.put(Math.log1p(counts.characters));
  row.put(counts.linked / n);
  row.put(counts.han / n);
  row.put(counts.digits / n);
  row.put(counts.marks / n);
  row.put(Math.min(counts.ends, 20));
  row.put(/[。！？…!?”"」』）)：:；;]$/.test(block.text) ? 1 : 0);
  row.put(block.indented ? 1 : 0);
  row.put(block.broken ? 1 : 0);
  row.put(block.verbatim ? 1 : 0);
  row.put(block.stressed / n);
  row.put(Math.min(block.links, 20));
  row.put(block.element.hidden ? 1 : 0);
  for (const tag of TAGS) row.put(block.element.tag === tag ? 1 : 0);
  let said = 0;
  for (let k = 0; k < PHRASE_NAMES.length; k++) {
    const bit = (page.phrases[i]! >> k) & 1;
    said += bit;
    row.put(bit);
  }
  row.put(said);
}

function ancestorFeatures(row: Row, page: PageContext, i: number): void {
  const { element } = page.blocks[i]!;
  // How far up the nearest element of each kind of part is; 12 where none is.
  const distance = new Array<number>(PART_NAMES.length).fill(12);
  let up = 0;
  for (let at: PageElement | undefined = element; at !== undefined && up < 12; at = at.parent, up++) {
    const bits = page.parts[at.index]!;
    if (bits !== 0)
      for (let k = 0; k < distance.length; k++) if (distance[k] === 12 && (bits >> k) & 1) distance[k] = up;
  }
  for (const value of distance) row.put(value);
  const chain = page.chain(element);
  for (let level = 0; level < LEVELS; level++) {
    const at = chain[Math.min(level, chain.length - 1)]!;
    const counts = page.elements[at.index]!;
    const n = Math.max(1, counts.characters);
    row.put(Math.log1p(counts.characters));
    row.put(counts.linked / n);
    row.put(counts.marks / n);
    row.put(n / Math.max(1, page.whole.characters));
    row.put(Math.log1p(counts.blocks));
    row.put(counts.proseCharacters / n);
    row.put(n / Math.max(1, counts.blocks));
    row.put(Math.min(page.inputs[at.index]!, 20));
  }
}

function neighbourFeatures(row: Row, page: PageContext, i: number): void {
  const parent = page.blocks[i]!.element.parent;
  for (const offset of NEIGHBOURS) {
    const at = i + offset;
    const counts = page.counts[at];
    if (counts === undefined) {
      for (let k = 0; k < 5; k++) row.put(-1);
      continue;
    }
    const n = Math.max(1, counts.characters);
    const { element } = page.blocks[at]!;
    row.put(Math.log1p(counts.characters));
    row.put(counts.linked / n);
    row.put(counts.marks / n);
    row.put(element === page.blocks[i]!.element || element.parent === parent ? 1 : 0);
    row.put(bitCount(page.phrases[at]!));
  }
}

function placeFeatures(row: Row, page: PageContext, i: number): void {
  const block = page.blocks[i]!;
  const all = Math.max(1, page.whole.characters);
  row.put(page.before[i]! / all);
  row.put(i / page.blocks.length);
  const title = page.titleBlock;
  row.put(title < 0 ? 0 : Math.sign(i - title) * Math.log1p(Math.abs(i - title)));
  row.put(title >= 0 ? 1 : 0);
  row.put(i === title ? 1 : 0);
  const bareText = block.text.length < 120 ? key(block.text) : '';
  row.put(bareText.length >= 4 && page.titleKey.includes(bareText) ? 1 : 0);
  const prose = Math.max(1, page.whole.proseCharacters);
  row.put(page.proseBefore[i]! / prose);
  row.put((prose - page.proseBefore[i + 1]!) / prose);
  row.put(Math.min(i - page.lastProse[i]!, 60));
  row.put(Math.min(page.nextProse[i]! - i, 60));
  const seed = page.seed === undefined ? undefined : meeting(block.element, page.seed);
  row.put(seed === undefined ? 40 : Math.min(page.seed!.depth - seed.depth, 40));
  row.put(seed === undefined ? 40 : Math.min(block.element.depth - seed.depth, 40));
  row.put(seed === undefined ? 1 : page.elements[seed.index]!.characters / all);
  const meet = page.container === undefined ? undefined : meeting(block.element, page.container);
  row.put(meet !== undefined && meet === page.container ? 1 : 0);
  row.put(meet === undefined ? 40 : Math.min(page.container!.depth - meet.depth, 40));
  row.put(meet === undefined ? 40 : Math.min(block.element.depth - meet.depth, 40));
}

function pageFeatures(row: Row, page: PageContext, i: number): void {
  const kind = page.kinds.get(page.kindOf[i]!)!;
  const n = Math.max(1, kind.characters);
  row.put(n / Math.max(1, page.whole.characters));
  row.put(kind.marks / n);
  row.put(kind.linked / n);
  row.put(Math.log1p(kind.blocks));
  row.put(n / kind.blocks);
  row.put(page.repeats.get(page.blocks[i]!.text) ?? 1);
  row.put(Math.log1p(page.whole.characters));
  row.put(page.whole.linked / Math.max(1, page.whole.characters));
  row.put(page.whole.proseCharacters / Math.max(1, page.whole.characters));
  row.put(Math.log1p(page.forum));
  row.put(Math.log1p(page.blocks.length));
  row.put(page.saysForum);
}

/** The ancestors that stand in a row of equals: posts of a thread, entries of a list. */
function groupFeatures(row: Row, page: PageContext, i: number): void {
  let best: SiblingGroup | undefined;
  let bestAt: PageElement | undefined;
  let bestUp = 0;
  let up = 0;
  for (let at: PageElement | undefined = page.blocks[i]!.element; at !== undefined && up < 12; at = at.parent, up++) {
    const group = page.groups[at.index]!;
    if (group.members < 2 || group.withText < 2) continue;
    if (best === undefined || group.characters > 1.2 * best.characters) {
      best = group;
      bestAt = at;
      bestUp = up;
    }
  }
  if (best === undefined) {
    for (const value of [0, 0, 0, 0, 0, 12]) row.put(value);
    return;
  }
  row.put(Math.log1p(best.members));
  row.put(Math.log1p(best.withProse));
  row.put(best.characters / Math.max(1, page.whole.characters));
  row.put(bestAt!.index === best.first ? 0 : 1);
  row.put(best.linked / Math.max(1, best.characters));
  row.put(bestUp);
}

/** Tables and lists around the block. */
function gridFeatures(row: Row, page: PageContext, i: number): void {
  let tables = 0;
  let lists = 0;
  let table: TextCounts | undefined;
  let list: TextCounts | undefined;
  for (let at: PageElement | undefined = page.blocks[i]!.element; at !== undefined; at = at.parent) {
    if (at.tag === 'table') {
      tables++;
      table ??= page.elements[at.index];
    } else if (at.tag === 'ul' || at.tag === 'ol' || at.tag === 'dl') {
      lists++;
      list ??= page.elements[at.index];
    }
  }
  row.put(tables);
  row.put(table === undefined ? 0 : Math.log1p(table.blocks));
  row.put(table === undefined ? 0 : table.characters / Math.max(1, table.blocks));
  row.put(table === undefined ? -1 : table.linked / Math.max(1, table.characters));
  row.put(table === undefined ? 0 : table.characters / Math.max(1, page.whole.characters));
  row.put(lists);
  row.put(list === undefined ? 0 : list.characters / Math.max(1, list.blocks));
  row.put(list === undefined ? -1 : list.linked / Math.max(1, list.characters));
}

function bitCount(bits: number): number {
  let n = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) n++;
  return n;
}

/** Letters, digits and Chinese characters alone, to compare headings. */
function key(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** The block that repeats most of `<title>`, -1 where none does; a heading element wins over a plain line. */
export function headingBlock(tree: PageTree): number {
  const title = key(tree.title);
  let best = -1;
  let bestScore = 0;
  tree.blocks.forEach(({ text, element, linked }, i) => {
    if (text.length > 120) return;
    const own = key(text);
    if (own.length < 4 || !(title.includes(own) || (title.length >= 6 && own.includes(title)))) {
      if (!(element.tag === 'h1' && own.length >= 4)) return;
    }
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
function meeting(a: PageElement, b: PageElement): PageElement {
  let x = a;
  let y = b;
  while (x !== y) {
    if (x.depth >= y.depth && x.parent !== undefined) x = x.parent;
    else if (y.parent !== undefined) y = y.parent;
    else return x;
  }
  return x;
}

/** Blocks in the same kind of place: tag and class of the element and its two parents. */
function kindOf(element: PageElement): string {
  const { parent } = element;
  return `${element.tag}.${element.hint}<${parent?.tag}.${parent?.hint}<${parent?.parent?.tag}`;
}

const FORUM =
  /论坛|論壇|社区|社區|贴吧|问答|问吧|討論區|讨论区|bbs|forum|discuz|phpwind|discourse|flarum|vbulletin|phpbb/i;

/** Whether the page calls itself a forum. */
export function saysForum({ title, meta }: PageTree): boolean {
  return FORUM.test(`${title} ${meta.get('generator') ?? ''} ${meta.get('og:type') ?? ''}`);
}

type SiblingGroup = {
  members: number;
  withText: number;
  withProse: number;
  characters: number;
  linked: number;
  /** Number of the first member. */
  first: number;
};

/** For each element the group of its siblings with the same tag and the same class but for digits. */
export function siblingGroups(tree: PageTree, page: { elements: TextCounts[] }): SiblingGroup[] {
  const byName = new Map<string, SiblingGroup>();
  return tree.elements.map(({ parent, tag, hint, index }) => {
    const name = `${parent?.index}.${tag}.${hint.split(' ', 1)[0]!.replace(/\d+/g, '')}`;
    let group = byName.get(name);
    if (group === undefined) {
      group = { members: 0, withText: 0, withProse: 0, characters: 0, linked: 0, first: index };
      byName.set(name, group);
    }
    const counts = page.elements[index]!;
    group.members++;
    if (counts.characters > 0) group.withText++;
    if (counts.prose > 0) group.withProse++;
    group.characters += counts.characters;
    group.linked += counts.linked;
    return group;
  });
}
