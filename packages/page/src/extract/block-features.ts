/**
 * The features by which a block is judged main text or not: its own text, the parts of the page that it stands in, its
 * neighbours, its place relative to heading and densest text, and how blocks in the same kind of place read.
 *
 * One row a block, in FEATURE_NAMES' order. No feature knows the site, the address or single words of the article.
 */
import type { TextCounts } from './element-statistics.ts';
import { bareHeading, LEVELS, meeting, PageContext, repeatable, type SiblingGroup } from './page-context.ts';
import type { PageElement, PageTree } from './page-tree.ts';
import { PART_NAMES, PHRASE_NAMES } from './vocabulary.ts';

const NEIGHBOURS = [-3, -2, -1, 1, 2, 3];
const TAGS = ['p', 'div', 'td', 'li', 'span', 'h1', 'h2', 'h3', 'h4', 'blockquote', 'pre', 'dd', 'section', 'a'];

export const FEATURE_NAMES: readonly string[] = [
  ...'length linkShare hanShare digitShare marks ends endsSentence indented broken verbatim stressed links'.split(' '),
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
  ...'groupCount groupProse groupShare groupPlace groupLinks groupUp groupDates memberPlace memberShare'.split(' '),
  ...'sectionGap sectionLevel sectionLinked sectionSays afterComments headingUp headingShare linkedHeadings'.split(' '),
  ...'tables tableBlocks tableMean tableLinks tableShare lists listMean listLinks'.split(' '),
  ...'pageLength pageLinks pageProse pageForum pageBlocks pageSaysForum'.split(' '),
];

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

export interface FeatureRows {
  rows: Float32Array;
  width: number;
  page: PageContext;
}

export function blockFeatures(tree: PageTree): FeatureRows {
  const width = FEATURE_NAMES.length;
  const rows = new Float32Array(tree.blocks.length * width);
  const page = new PageContext(tree);
  for (let i = 0; i < tree.blocks.length; i++) {
    const writer = new Row(rows, i * width);
    ownFeatures(writer, page, i);
    ancestorFeatures(writer, page, i);
    neighbourFeatures(writer, page, i);
    placeFeatures(writer, page, i);
    groupFeatures(writer, page, i);
    sectionFeatures(writer, page, i);
    gridFeatures(writer, page, i);
    pageFeatures(writer, page, i);
  }
  return { rows, width, page };
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
  const title = page.heading;
  row.put(title < 0 ? 0 : Math.sign(i - title) * Math.log1p(Math.abs(i - title)));
  row.put(title >= 0 ? 1 : 0);
  row.put(i === title ? 1 : 0);
  const bareText = page.bareTitle !== '' && block.text.length < 120 ? bareHeading(block.text) : '';
  row.put(bareText.length >= 4 && page.bareTitle.includes(bareText) ? 1 : 0);
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
  row.put(page.repeats.get(repeatable(page.blocks[i]!.text) ?? '') ?? 1);
  row.put(Math.log1p(page.whole.characters));
  row.put(page.whole.linked / Math.max(1, page.whole.characters));
  row.put(page.whole.proseCharacters / Math.max(1, page.whole.characters));
  row.put(Math.log1p(page.forum));
  row.put(Math.log1p(page.blocks.length));
  row.put(page.saysForum ? 1 : 0);
}

/** The ancestors that stand in a row of equals: posts of a thread, entries of a list. */
function groupFeatures(row: Row, page: PageContext, i: number): void {
  let best: SiblingGroup | undefined;
  let bestAt: PageElement | undefined;
  let bestUp = 0;
  let up = 0;
  for (let at: PageElement | undefined = page.blocks[i]!.element; at !== undefined && up < 12; at = at.parent, up++) {
    const group = page.groups[at.index];
    if (group === undefined || group.members < 2) continue;
    if (best === undefined || group.characters > 1.2 * best.characters) {
      best = group;
      bestAt = at;
      bestUp = up;
    }
  }
  if (best === undefined) {
    for (const value of [0, 0, 0, 0, 0, 12, 0, 0, 0]) row.put(value);
    return;
  }
  row.put(Math.log1p(best.members));
  row.put(Math.log1p(best.withProse));
  row.put(best.characters / Math.max(1, page.whole.characters));
  row.put(bestAt!.index === best.first ? 0 : 1);
  row.put(best.linked / Math.max(1, best.characters));
  row.put(bestUp);
  row.put(best.withDate / best.members);
  const member = page.elements[bestAt!.index]!;
  row.put((i - page.firstBlocks[bestAt!.index]!) / Math.max(1, member.blocks));
  row.put(page.counts[i]!.characters / Math.max(1, member.characters));
}

/** The heading above, and how far from the page's own heading the block stands. */
function sectionFeatures(row: Row, page: PageContext, i: number): void {
  const { heading, says, afterComments, linkedHeadings } = page.sections;
  const above = heading[i]!;
  const block = page.blocks[above];
  row.put(above < 0 ? 60 : Math.min(60, i - above));
  row.put(block === undefined ? 0 : /^h[1-6]$/.test(block.element.tag) ? Number(block.element.tag[1]) : 7);
  row.put(block === undefined || block.linked === 0 ? 0 : 1);
  row.put(above < 0 ? 0 : says[above]!);
  row.put(afterComments[i]!);
  const title = page.heading < 0 ? undefined : page.blocks[page.heading]!.element;
  const meet = title === undefined ? undefined : meeting(page.blocks[i]!.element, title);
  row.put(meet === undefined ? 40 : Math.min(40, title!.depth - meet.depth));
  row.put(meet === undefined ? 1 : page.elements[meet.index]!.characters / Math.max(1, page.whole.characters));
  row.put(Math.log1p(linkedHeadings));
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
