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

export function planBranches(request: EncodedRequest): BranchPlan {
  const fed = fedTokens(request);
  const prefix = fed[0]!.slice(0, Math.min(...fed.map((ids) => commonLength(fed[0]!, ids))));
  return planBehind(prefix, fed, request);
}

/** Of a request whose prompts are read in both directions: a plan for each prompt, and which candidates stand behind it. */
export interface PrefixPlan {
  readonly plan: BranchPlan;
  readonly places: readonly number[];
}

/** Candidates with different given texts have different prompts, in which no token is computed like that of another. */
export function planPrefixes({ context, candidates }: EncodedRequest): PrefixPlan[] {
  const byGiven = Map.groupBy(candidates.keys(), (place) => candidates[place]!.given.join(' '));
  return [...byGiven.values()].map((places) => {
    const own = { context, candidates: places.map((place) => candidates[place]!) };
    const prompt = [...context, ...own.candidates[0]!.given];
    return { plan: { ...planBehind(prompt, fedTokens(own), own), bothWays: true }, places };
  });
}

/** What each candidate feeds: all but its last token, which is only predicted. */
function fedTokens({ context, candidates }: EncodedRequest): number[][] {
  return candidates.map(({ given, scored }) => [...context, ...given, ...scored.slice(0, -1)]);
}

/** @param prefix what all of `fed` begin with */
function planBehind(
  prefix: readonly number[],
  fed: readonly number[][],
  { context, candidates }: EncodedRequest,
): BranchPlan {
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
