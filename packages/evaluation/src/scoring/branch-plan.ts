/**
 * What has to be computed for one request, every token once: the tokens that all candidates share, then the rest of each
 * candidate as a branch. Pure arithmetic on ids.
 */

import type { TokenTree } from '@tunan/model';

export interface EncodedRequest {
  /** Begins with the id that begins a document. */
  readonly context: readonly number[];
  readonly candidates: readonly { readonly given: readonly number[]; readonly scored: readonly number[] }[];
}

export interface BranchPlan extends TokenTree {
  /** For each candidate its scored tokens as indices of `targets`. */
  readonly candidates: readonly (readonly number[])[];
}

export function planBranches({ context, candidates }: EncodedRequest): BranchPlan {
  const fed = candidates.map(({ given, scored }) => [...context, ...given, ...scored.slice(0, -1)]);
  const prefix = fed[0]!.slice(0, Math.min(...fed.map((ids) => commonLength(fed[0]!, ids))));
  const branches = distinctBranches(fed, prefix.length);
  const targets = new Map<string, TokenTree['targets'][number]>();
  const wanted = candidates.map(({ given, scored }, i) => {
    const start = branches.get(branchKey(fed[i]!, prefix.length))?.start ?? 0;
    return scored.map((token, j) => {
      const position = context.length + given.length + j - 1;
      const row = position < prefix.length ? position : start + position;
      const key = `${row} ${token}`;
      if (!targets.has(key)) targets.set(key, { row, token });
      return key;
    });
  });
  const ordered = [...targets].sort(([, a], [, b]) => a.row - b.row || a.token - b.token);
  const place = new Map(ordered.map(([key], i) => [key, i]));
  return {
    prefix,
    branches: [...branches.values()].map(({ ids }) => ids),
    targets: ordered.map(([, target]) => target),
    candidates: wanted.map((keys) => keys.map((key) => place.get(key)!)),
  };
}

/** Length of what two sequences begin with alike. */
export function commonLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

/** The tails behind the prefix; `start` is what takes a position in the sequence to its row. */
function distinctBranches(fed: readonly number[][], prefix: number): Map<string, { ids: number[]; start: number }> {
  const branches = new Map<string, { ids: number[]; start: number }>();
  let rows = prefix;
  for (const ids of fed) {
    if (ids.length === prefix) continue;
    const key = branchKey(ids, prefix);
    if (branches.has(key)) continue;
    branches.set(key, { ids: ids.slice(prefix), start: rows - prefix });
    rows += ids.length - prefix;
  }
  return branches;
}

function branchKey(ids: readonly number[], prefix: number): string {
  return ids.slice(prefix).join(' ');
}
