/**
 * What a block stands under: the last heading before it, whether that heads the comments of readers or other articles, and
 * where the block stands in the entry (post, comment, teaser) that it is part of.
 */
import type { TextCounts } from './element-statistics.ts';
import type { PageTree } from './page-tree.ts';

const LONGEST_HEADING = 60;
/** A line as short as this may head a section without being marked as a heading. */
const LONGEST_LABEL = 16;

const COMMENTS =
  /评论|評論|留言|跟帖|跟贴|回帖|网友(说|点评|看法)|网友热议|讨论区|comments?\b|\d+\s*(条|則|则)?(回复|回應|回应|回覆)|(条|个)(回答|答案)|读者(来信|反馈)/i;
const OTHERS =
  /相关|相關|推荐|推薦|热门|熱門|延伸|猜你|为你|最新|更多|阅读更多|其他|往期|精选|排行|您可能|你可能|大家都在|related|recommend/i;

export interface Sections {
  /** Number of the heading before each block, -1 where none is. */
  heading: Int32Array;
  /** 1: heads comments, 2: heads other articles, by block number of the heading. */
  says: Uint8Array;
  /** Whether comments were headed before, by block. */
  afterComments: Uint8Array;
  /** Headings that are links: a feed has many. */
  linkedHeadings: number;
}

export function sectionsOf({ blocks }: PageTree, counts: readonly TextCounts[]): Sections {
  const n = blocks.length;
  const heading = new Int32Array(n);
  const says = new Uint8Array(n);
  const afterComments = new Uint8Array(n);
  let linkedHeadings = 0;
  let last = -1;
  let comments: 0 | 1 = 0;
  for (let i = 0; i < n; i++) {
    heading[i] = last;
    afterComments[i] = comments;
    const { text, element, linked } = blocks[i]!;
    const marked = /^h[1-6]$/.test(element.tag) && text.length <= LONGEST_HEADING;
    if (!marked && (text.length > LONGEST_LABEL || counts[i]!.marks > 0)) continue;
    const isLink = linked * 2 > counts[i]!.characters;
    const said = COMMENTS.test(text) ? 1 : OTHERS.test(text) ? 2 : 0;
    // A short line that is a link or says nothing heads nothing.
    if (!marked && (said === 0 || isLink)) continue;
    if (marked && isLink) linkedHeadings++;
    says[i] = said;
    if (said === 1) comments = 1;
    last = i;
  }
  return { heading, says, afterComments, linkedHeadings };
}

/** For each element the number of its first block; the number of blocks where it has none. */
export function firstBlocks({ elements, blocks }: PageTree): Int32Array {
  const first = new Int32Array(elements.length).fill(blocks.length);
  for (let i = blocks.length - 1; i >= 0; i--) first[blocks[i]!.element.index] = i;
  for (let i = elements.length - 1; i > 0; i--) {
    const parent = elements[i]!.parent!.index;
    first[parent] = Math.min(first[parent]!, first[i]!);
  }
  return first;
}
