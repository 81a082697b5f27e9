/**
 * What stands below each element of a page: characters, links, punctuation, number of blocks. One pass over the blocks
 * and one over the elements, whatever the depth.
 */
import { visibleLength } from './block-text.ts';
import type { Block, PageElement, PageTree } from './page-tree.ts';

/** Counts of one block, or summed over the blocks below an element. */
export interface TextCounts {
  characters: number;
  linked: number;
  han: number;
  /** Marks that part or end a clause: ，。、；：？！ and their half-width forms. */
  marks: number;
  /** Sentence ends: 。！？…. */
  ends: number;
  digits: number;
  blocks: number;
  links: number;
  /** Blocks that read like prose: long, punctuated, not linked. */
  prose: number;
  /** Characters of those. */
  proseCharacters: number;
}

export interface PageStatistics {
  /** By block number. */
  blocks: TextCounts[];
  /** By element number. */
  elements: TextCounts[];
}

export function pageStatistics(tree: PageTree): PageStatistics {
  const elements = tree.elements.map(() => emptyCounts());
  const blocks = tree.blocks.map((block) => countsOf(block));
  blocks.forEach((counts, i) => {
    addCounts(elements[tree.blocks[i]!.element.index]!, counts);
  });
  // Children come after their parents.
  for (let i = tree.elements.length - 1; i > 0; i--) {
    addCounts(elements[(tree.elements[i]!.parent as PageElement).index]!, elements[i]!);
  }
  return { blocks, elements };
}

function emptyCounts(): TextCounts {
  return {
    characters: 0,
    linked: 0,
    han: 0,
    marks: 0,
    ends: 0,
    digits: 0,
    blocks: 0,
    links: 0,
    prose: 0,
    proseCharacters: 0,
  };
}

function addCounts(to: TextCounts, from: TextCounts): void {
  to.characters += from.characters;
  to.linked += from.linked;
  to.han += from.han;
  to.marks += from.marks;
  to.ends += from.ends;
  to.digits += from.digits;
  to.blocks += from.blocks;
  to.links += from.links;
  to.prose += from.prose;
  to.proseCharacters += from.proseCharacters;
}

function countsOf({ text, linked, links }: Block): TextCounts {
  const counts = emptyCounts();
  counts.characters = visibleLength(text);
  counts.linked = linked;
  counts.links = links;
  counts.blocks = 1;
  let spaces = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isHan(code)) counts.han++;
    else if (code >= 0x30 && code <= 0x39) counts.digits++;
    else if (SENTENCE_ENDS.has(code)) {
      counts.ends++;
      counts.marks++;
    } else if (CLAUSE_MARKS.has(code)) counts.marks++;
    else if (code === 0x20 && isHan(text.charCodeAt(i - 1)) && isHan(text.charCodeAt(i + 1))) spaces++;
  }
  // Some authors part their clauses by spaces alone; lists of links do so too.
  if (counts.characters >= 15 && linked === 0 && spaces * 4 < counts.han) counts.marks += spaces;
  if (counts.characters >= 25 && counts.marks > 0 && linked * 3 < counts.characters) {
    counts.prose = 1;
    counts.proseCharacters = counts.characters;
  }
  return counts;
}

const codes = (marks: string): ReadonlySet<number> => new Set([...marks].map((mark) => mark.charCodeAt(0)));
const SENTENCE_ENDS = codes('。！？…!?');
const CLAUSE_MARKS = codes('，、；：“”,;');

function isHan(code: number): boolean {
  return code >= 0x4e00 && code <= 0x9fff;
}
