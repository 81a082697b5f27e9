/**
 * Which document of a near-duplicate cluster is kept. Rule `best`: the highest score of stage `quality` (equal where it
 * did not run), then the most content characters, then the first in recipe order. Rule `first`: the first in recipe order. A document
 * that the corpus has already (its number is below `existing`) is never replaced by a new one.
 */
export type KeepRule = 'best' | 'first';

/** For each document of a cluster the one that is kept in its place (itself where it is kept); -1 outside clusters. */
export function bestCopies(
  cluster: Int32Array,
  rule: KeepRule,
  rank: { quality: Uint32Array; content: Uint32Array },
  existing: number,
): Int32Array {
  const { quality, content } = rank;
  const best = new Int32Array(cluster);
  if (rule === 'first') return best;
  const better = (a: number, b: number) =>
    b >= existing && (quality[a]! > quality[b]! || (quality[a] === quality[b] && content[a]! > content[b]!));
  for (let i = 0; i < cluster.length; i++) {
    const root = cluster[i]!;
    if (root >= 0 && better(i, best[root]!)) best[root] = i;
  }
  return cluster.map((root) => (root < 0 ? -1 : best[root]!));
}
