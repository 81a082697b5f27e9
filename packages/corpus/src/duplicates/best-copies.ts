/**
 * Which documents of a near-duplicate cluster are kept. A cluster is a chain: its ends need not be alike, and in large corpora chains
 * grow through whole sources. So the best document is kept and only what is alike to it is dropped for it; the best of the rest is
 * kept next, and so on. What is left after some rounds is kept too: too much is better than a source of which one page remains.
 *
 * Rule `best`: the highest score of stage `quality` (equal where it did not run), then the most content characters, then the first in
 * recipe order. Rule `first`: the first in recipe order. Documents that the corpus has already (numbers below `existing`) stand before
 * new ones and are never dropped.
 */
export type KeepRule = 'best' | 'first';

/** 1 for each pair, a kept document and another, that is alike. */
export type Alike = (kept: Int32Array, others: Int32Array) => Uint8Array | Promise<Uint8Array>;

/** Documents of one cluster that are kept by comparison; a cluster of more kinds is no family any more. */
const MOST_ROUNDS = 16;

/** For each document of a cluster the one that is kept in its place (itself where it is kept); -1 outside clusters. */
export async function bestCopies(
  cluster: Int32Array,
  rule: KeepRule,
  rank: { quality: Uint32Array; content: Uint32Array },
  existing: number,
  alike: Alike,
): Promise<Int32Array> {
  const copies = cluster.map((root, i) => (root < 0 ? -1 : i));
  let members = membersInOrder(cluster, rule, rank, existing);
  for (let round = 0; round < MOST_ROUNDS && members.length > 0; round++) {
    const { kept, others } = pairsOf(members, cluster);
    // Two documents are one cluster because they are alike.
    const found = round === 0 ? await knownOrAlike(kept, others, cluster, alike) : await alike(kept, others);
    const left: number[] = [];
    for (const [i, other] of others.entries()) {
      if (found[i] === 1 && other >= existing) copies[other] = kept[i]!;
      else left.push(other);
    }
    members = withoutSingles(Int32Array.from(left), cluster);
  }
  return copies;
}

/** All documents of clusters of several, cluster by cluster, the one to keep first. */
function membersInOrder(
  cluster: Int32Array,
  rule: KeepRule,
  { quality, content }: { quality: Uint32Array; content: Uint32Array },
  existing: number,
): Int32Array {
  const sizes = new Uint32Array(cluster.length);
  for (const root of cluster) if (root >= 0) sizes[root]!++;
  const members = Int32Array.from(cluster.keys()).filter((i) => cluster[i]! >= 0 && sizes[cluster[i]!]! > 1);
  const isNew = (i: number) => (i < existing ? 0 : 1);
  return members.sort((a, b) => {
    const byCluster = cluster[a]! - cluster[b]! || isNew(a) - isNew(b);
    if (byCluster !== 0) return byCluster;
    const better = rule === 'first' || isNew(a) === 0 ? 0 : quality[b]! - quality[a]! || content[b]! - content[a]!;
    return better || a - b;
  });
}

/** The first of each cluster beside each of the others. */
function pairsOf(members: Int32Array, cluster: Int32Array): { kept: Int32Array; others: Int32Array } {
  const isFirst = (at: number) => at === 0 || cluster[members[at]!] !== cluster[members[at - 1]!];
  const others = members.filter((_, at) => !isFirst(at));
  const kept = new Int32Array(others.length);
  let first = 0;
  let next = 0;
  for (const [at, member] of members.entries()) {
    if (isFirst(at)) first = member;
    else kept[next++] = first;
  }
  return { kept, others };
}

async function knownOrAlike(
  kept: Int32Array,
  others: Int32Array,
  cluster: Int32Array,
  alike: Alike,
): Promise<Uint8Array> {
  const isPair = (at: number) =>
    cluster[others[at]!] !== cluster[others[at - 1]!] && cluster[others[at]!] !== cluster[others[at + 1]!];
  const asked = kept
    .keys()
    .filter((at) => !isPair(at))
    .toArray();
  const answers = await alike(
    Int32Array.from(asked, (at) => kept[at]!),
    Int32Array.from(asked, (at) => others[at]!),
  );
  const found = new Uint8Array(kept.length).fill(1);
  for (const [i, at] of asked.entries()) found[at] = answers[i]!;
  return found;
}

/** A document that is alone in what is left of its cluster is kept. */
function withoutSingles(members: Int32Array, cluster: Int32Array): Int32Array {
  const same = (a: number, b: number) => cluster[members[a]!] === cluster[members[b]!];
  return members.filter((_, at) => (at > 0 && same(at, at - 1)) || (at + 1 < members.length && same(at, at + 1)));
}
