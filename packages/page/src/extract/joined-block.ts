/** Several blocks as one: the lines of a listing, the cells of a row. */
import type { Block } from './page-tree.ts';

/** @param form what is not as in the first of the blocks, or in plain text */
export function joinedBlock(
  blocks: readonly Block[],
  text: string,
  form: Partial<Pick<Block, 'element' | 'verbatim' | 'code'>>,
): Block {
  const sum = (count: (block: Block) => number): number => blocks.reduce((total, block) => total + count(block), 0);
  return {
    text,
    source: text,
    linked: sum(({ linked }) => linked),
    stressed: sum(({ stressed }) => stressed),
    links: sum(({ links }) => links),
    element: blocks[0]!.element,
    indented: false,
    broken: false,
    verbatim: false,
    code: false,
    ...form,
  };
}
