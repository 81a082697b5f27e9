/** Connected components by union and find (Tarjan 1975); a component is named by its smallest member. */

export function find(parent: Int32Array, start: number): number {
  let node = start;
  while (parent[node] !== node) {
    parent[node] = parent[parent[node]!]!;
    node = parent[node]!;
  }
  return node;
}

/** The smaller index becomes the root, so that a cluster is named by its first document. */
export function join(parent: Int32Array, a: number, b: number): void {
  const [x, y] = [find(parent, a), find(parent, b)];
  if (x < y) parent[y] = x;
  else parent[x] = y;
}

/** Every one for itself; -1 for those that take no part. */
export function singletons(count: number, takesPart: (node: number) => boolean): Int32Array {
  return new Int32Array(count).map((_, i) => (takesPart(i) ? i : -1));
}

/** For each the smallest member of its component. */
export function roots(parent: Int32Array): Int32Array {
  return parent.map((p, i) => (p < 0 ? -1 : find(parent, i)));
}
