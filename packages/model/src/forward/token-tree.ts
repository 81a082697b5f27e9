/**
 * Tokens to score, every one computed once: a beginning, and branches that go on from it without seeing each other.
 *
 * Rows are the tokens that are fed: those of the prefix first, then those of the branches, one branch after another. The row of a token
 * predicts the one behind it, so the last token of a sequence is never fed.
 */

export interface TokenTree {
  readonly prefix: readonly number[];
  /** The tokens of the prefix see each other in both directions, as those of a prefix language model's prompt do. */
  readonly bothWays?: boolean;
  readonly branches: readonly (readonly number[])[];
  /** Distinct predictions, ordered by row. */
  readonly targets: readonly Target[];
}

interface Target {
  readonly row: number;
  readonly token: number;
}

/** Rows of a tree: tokens that go through the model. */
export function treeRows({ prefix, branches }: TokenTree): number {
  return prefix.length + branches.reduce((sum, { length }) => sum + length, 0);
}

export function treeIds({ prefix, branches }: TokenTree): number[] {
  return [...prefix, ...branches.flat()];
}

/** @param past positions in front of the prefix */
export function treePositions({ prefix, branches }: TokenTree, past: number): number[] {
  const behind = past + prefix.length;
  return [...prefix.map((_, i) => past + i), ...branches.flatMap((branch) => branch.map((_, i) => behind + i))];
}
