/**
 * Which open elements end where a tag begins or ends another, as browsers do in essence. Each answer is how many elements
 * stay open; nothing is closed here.
 */
import type { OpenElement } from './open-element.ts';
import type { TagKind } from './tag-kinds.ts';

/** An entry of a list, a row, a cell ends the one before it. */
export function leftBySibling(
  stack: readonly OpenElement[],
  tag: string,
  [group, within]: NonNullable<TagKind['siblings']>,
): number {
  let left = stack.length;
  for (let i = stack.length - 1; i > 0; i--) {
    const { element, silent } = stack[i]!;
    if (within.has(element.tag) || (silent && !group.has(element.tag))) break;
    if (!group.has(element.tag)) continue;
    left = i;
    // `<tr>` may have to close a cell, then the row.
    if (tag !== 'tr' && tag[0] !== 't') break;
  }
  return left;
}

/** A block ends an open `<p>`, also from inside inline elements. */
export function leftByBlock(stack: readonly OpenElement[]): number {
  for (let i = stack.length - 1; i > 0; i--) {
    const { element, kind, silent } = stack[i]!;
    if (silent) break;
    if (element.tag === 'p') return i;
    if (kind.block) break;
  }
  return stack.length;
}

/** An end tag ends the element of its name: a stray one none, one of an inline element none outside its block. */
export function leftByEndTag(stack: readonly OpenElement[], tag: string, kind: TagKind): number {
  for (let i = stack.length - 1; i > 0; i--) {
    const open = stack[i]!;
    if (open.element.tag === tag) return i;
    if (!kind.block && open.kind.block) break;
    if (open.kind.cell && !kind.cell && tag[0] !== 't') break;
  }
  return stack.length;
}
