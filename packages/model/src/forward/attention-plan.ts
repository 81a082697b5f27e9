/**
 * How the rows of a pack look at each other: which calls of attention cover them, in row order. A tree's rows are its prefix and its
 * branches; a branch sees the prefix and itself, never another branch.
 */

import { type TokenTree, treeRows } from './token-tree.ts';

export type AttentionPiece =
  /** `count` sequences of `length` rows side by side, each causal or seeing itself in both directions. */
  | {
      readonly kind: 'sequences';
      readonly start: number;
      readonly count: number;
      readonly length: number;
      readonly bothWays: boolean;
    }
  /** One branch: causal, behind the rows of its prefix. */
  | {
      readonly kind: 'branch';
      readonly start: number;
      readonly length: number;
      readonly keyStart: number;
      readonly keyLength: number;
    }
  /** Rows that see what the mask lets through of the trunk, of the prefix rows and of themselves, in this order. */
  | {
      readonly kind: 'masked';
      readonly start: number;
      readonly length: number;
      readonly keyStart: number;
      readonly keyLength: number;
      /** (length, trunk + keyLength + length), 0 or -Infinity. */
      readonly mask: Float32Array;
    };

/** Up to here a whole tree is one masked piece: one call is quicker than the square that it wastes. */
const WHOLE_ROWS = 160;
/** Shorter branches share masked pieces of at most as many rows as stand below. */
const SHORT_BRANCH = 24;
const GROUP_ROWS = 96;

/**
 * @param trees in the order of their rows; those without branches and of one length should stand together
 * @param trunk tokens in front of every prefix, which all rows see
 */
export function planAttention(trees: readonly TokenTree[], trunk: number): AttentionPiece[] {
  const pieces: AttentionPiece[] = [];
  let start = 0;
  for (const tree of trees) {
    addPieces(pieces, tree, start, trunk);
    start += treeRows(tree);
  }
  return pieces;
}

function addPieces(pieces: AttentionPiece[], tree: TokenTree, start: number, trunk: number): void {
  const { prefix, branches, bothWays = false } = tree;
  const rows = treeRows(tree);
  if (branches.length > 0 && rows <= WHOLE_ROWS) {
    const mask = maskOf([prefix.length, ...branches.map(({ length }) => length)], trunk, 0, {
      isPrefix: true,
      bothWays,
    });
    pieces.push({ kind: 'masked', start, length: rows, keyStart: start, keyLength: 0, mask });
    return;
  }
  addSequence(pieces, start, prefix.length, bothWays);
  const keys = { keyStart: start, keyLength: prefix.length };
  let row = start + prefix.length;
  for (const group of groupBranches(branches.map(({ length }) => length))) {
    const length = group.reduce((sum, one) => sum + one, 0);
    if (group.length === 1) {
      pieces.push({ kind: 'branch', start: row, length, ...keys });
    } else {
      const mask = maskOf(group, trunk, prefix.length, { isPrefix: false, bothWays: false });
      pieces.push({ kind: 'masked', start: row, length, ...keys, mask });
    }
    row += length;
  }
}

function addSequence(pieces: AttentionPiece[], start: number, length: number, bothWays: boolean): void {
  const last = pieces.at(-1);
  const isNext = last?.kind === 'sequences' && last.length === length && last.start + last.count * length === start;
  if (isNext && last.bothWays === bothWays) pieces[pieces.length - 1] = { ...last, count: last.count + 1 };
  else pieces.push({ kind: 'sequences', start, count: 1, length, bothWays });
}

/** Neighbouring short branches together, long ones alone. */
function groupBranches(lengths: readonly number[]): number[][] {
  const groups: number[][] = [];
  let open: number[] | undefined;
  let rows = 0;
  for (const length of lengths) {
    if (length > SHORT_BRANCH) {
      groups.push([length]);
      open = undefined;
    } else if (open !== undefined && rows + length <= GROUP_ROWS) {
      open.push(length);
      rows += length;
    } else {
      open = [length];
      rows = length;
      groups.push(open);
    }
  }
  return groups;
}

/**
 * @param parts lengths of runs among the rows; none sees another
 * @param first whether the first run is one that all others see, and sees itself in both directions; the others are causal
 */
function maskOf(
  parts: readonly number[],
  trunk: number,
  keys: number,
  first: { readonly isPrefix: boolean; readonly bothWays: boolean },
): Float32Array {
  const rows = parts.reduce((sum, length) => sum + length, 0);
  const width = trunk + keys + rows;
  const mask = new Float32Array(rows * width).fill(Number.NEGATIVE_INFINITY);
  const seen = trunk + keys + (first.isPrefix ? parts[0]! : 0);
  let start = 0;
  parts.forEach((length, part) => {
    const isPrefix = first.isPrefix && part === 0;
    const before = isPrefix ? trunk + keys : seen;
    for (let i = start; i < start + length; i++) {
      const end = isPrefix && first.bothWays ? start + length : i + 1;
      mask.fill(0, i * width, i * width + before);
      mask.fill(0, i * width + trunk + keys + start, i * width + trunk + keys + end);
    }
    start += length;
  });
  return mask;
}
