/**
 * A radix tree over token ids: which entries begin like a given text, the longest beginnings first.
 *
 * Nodes are runs of tokens that all entries below share; a node without an entry has two children at least. It holds ids and entries
 * and knows nothing of what an entry is.
 */

interface Node<Entry> {
  /** Of the edge from the parent. */
  tokens: readonly number[];
  parent: Node<Entry> | undefined;
  /** By the first token of their edge. */
  readonly children: Map<number, Node<Entry>>;
  /** Whose ids end here. */
  readonly entries: Set<Entry>;
}

export interface Found<Entry> {
  readonly entry: Entry;
  /** Tokens at the beginning that are those asked for. */
  readonly length: number;
}

export class PrefixTree<Entry> {
  readonly #root: Node<Entry> = nodeOf([], undefined);
  readonly #places = new Map<Entry, Node<Entry>>();

  get size(): number {
    return this.#places.size;
  }

  add(ids: readonly number[], entry: Entry): void {
    let node = this.#root;
    let depth = 0;
    while (depth < ids.length) {
      const child = node.children.get(ids[depth]!);
      if (child === undefined) {
        const leaf = nodeOf(ids.slice(depth), node);
        node.children.set(ids[depth]!, leaf);
        node = leaf;
        break;
      }
      const common = commonLength(child.tokens, ids, depth);
      node = common < child.tokens.length ? split(child, common) : child;
      depth += common;
    }
    node.entries.add(entry);
    this.#places.set(entry, node);
  }

  remove(entry: Entry): void {
    const node = this.#places.get(entry);
    if (node === undefined) throw new Error('the entry is not in the tree');
    this.#places.delete(entry);
    node.entries.delete(entry);
    tidy(node);
  }

  /** Every entry, those with the longest common beginning first. The tree must not change meanwhile. */
  *along(ids: readonly number[]): Generator<Found<Entry>, void, void> {
    const path: { readonly node: Node<Entry>; readonly length: number }[] = [{ node: this.#root, length: 0 }];
    for (let node: Node<Entry> | undefined = this.#root; node !== undefined; ) {
      const { length } = path.at(-1)!;
      const child: Node<Entry> | undefined = length < ids.length ? node.children.get(ids[length]!) : undefined;
      if (child === undefined) break;
      const common = commonLength(child.tokens, ids, length);
      path.push({ node: child, length: length + common });
      node = common === child.tokens.length ? child : undefined;
    }
    let seen: Node<Entry> | undefined;
    for (const { node, length } of path.reverse()) {
      for (const entry of below(node, seen)) yield { entry, length };
      seen = node;
    }
  }
}

function nodeOf<Entry>(tokens: readonly number[], parent: Node<Entry> | undefined): Node<Entry> {
  return { tokens, parent, children: new Map(), entries: new Set() };
}

/** How many of `tokens` are those of `ids` from `start` on. */
function commonLength(tokens: readonly number[], ids: readonly number[], start: number): number {
  const most = Math.min(tokens.length, ids.length - start);
  let length = 0;
  while (length < most && tokens[length] === ids[start + length]) length++;
  return length;
}

/** Puts a node into the edge above `node`, behind so many of its tokens. */
function split<Entry>(node: Node<Entry>, length: number): Node<Entry> {
  const { parent, tokens } = node;
  const middle = nodeOf(tokens.slice(0, length), parent);
  parent!.children.set(tokens[0]!, middle);
  middle.children.set(tokens[length]!, node);
  node.tokens = tokens.slice(length);
  node.parent = middle;
  return middle;
}

/** Takes a node away that separates nothing any more. */
function tidy<Entry>(node: Node<Entry>): void {
  const { parent } = node;
  if (parent === undefined || node.entries.size > 0 || node.children.size > 1) return;
  const [only] = node.children.values();
  if (only === undefined) {
    parent.children.delete(node.tokens[0]!);
    tidy(parent);
  } else {
    only.tokens = [...node.tokens, ...only.tokens];
    only.parent = parent;
    parent.children.set(only.tokens[0]!, only);
  }
}

/** The entries of a node and all below it, but for one branch. */
function* below<Entry>(node: Node<Entry>, without: Node<Entry> | undefined): Generator<Entry, void, void> {
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === without) continue;
    yield* next.entries;
    open.push(...next.children.values());
  }
}
