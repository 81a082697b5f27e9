/**
 * Boosted decision trees as they are stored: how likely a row of features is positive. Training is no business of this
 * file (scripts/block-model/gradient-boosting.ts).
 */

/** Nodes of all trees in one list; numbers parted by spaces. */
export interface StoredForest {
  /** First node of each tree. */
  roots: string;
  /** The column that a node looks at, -1 in a leaf. */
  column: string;
  /** A row goes left where its value is at most the threshold; in a leaf its log-odds. */
  threshold: string;
  /** The left child; the right one follows it. */
  child: string;
  /** Log-odds before the first tree. */
  base: number;
}

/**
 * Each tree stands in an array as if it were full: node `n` has the children `2n` and `2n + 1`, the root is 1, and what is
 * below a leaf repeats it. A row then takes the same number of steps in every tree and no jump depends on its values.
 */
export class Forest {
  readonly #trees: number;
  readonly #depth: number;
  readonly #column: Int32Array;
  /** The threshold of a node; on the lowest level the log-odds. */
  readonly #value: Float64Array;
  readonly #base: number;

  constructor(stored: StoredForest) {
    const [roots, column, value, child] = [stored.roots, stored.column, stored.threshold, stored.child].map((list) =>
      list.split(' ').map(Number),
    ) as [number[], number[], number[], number[]];
    const isLeaf = (node: number): boolean => column[node]! < 0;
    const depthOf = (node: number): number =>
      isLeaf(node) ? 0 : 1 + Math.max(depthOf(child[node]!), depthOf(child[node]! + 1));
    this.#base = stored.base;
    this.#trees = roots.length;
    this.#depth = Math.max(0, ...roots.map(depthOf));
    const size = 2 << this.#depth;
    this.#column = new Int32Array(size * roots.length);
    this.#value = new Float64Array(size * roots.length);
    const fill = (tree: number, place: number, node: number): void => {
      this.#column[tree + place] = Math.max(0, column[node]!);
      this.#value[tree + place] = value[node]!;
      if (2 * place >= size) return;
      fill(tree, 2 * place, isLeaf(node) ? node : child[node]!);
      fill(tree, 2 * place + 1, isLeaf(node) ? node : child[node]! + 1);
    };
    roots.forEach((root, i) => {
      fill(i * size, 1, root);
    });
  }

  /** One probability for each row of `width` values. */
  probabilities(rows: Float32Array, width: number): Float64Array {
    const out = new Float64Array(rows.length / width).fill(this.#base);
    // A tree at a time over all rows: its few nodes then stay in the cache.
    for (let i = 0; i < this.#trees; i++) this.#add(i * (2 << this.#depth), rows, width, out);
    for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-out[i]!));
    return out;
  }

  /** Four rows go down the tree side by side: none waits for the memory of another. */
  #add(tree: number, rows: Float32Array, width: number, out: Float64Array): void {
    const column = this.#column;
    const value = this.#value;
    const depth = this.#depth;
    let i = 0;
    for (; i + 3 < out.length; i += 4) {
      const at = i * width;
      const [at1, at2, at3] = [at + width, at + 2 * width, at + 3 * width];
      let [a, b, c, d] = [1, 1, 1, 1];
      for (let level = 0; level < depth; level++) {
        a = 2 * a + Number(!(rows[at + column[tree + a]!]! <= value[tree + a]!));
        b = 2 * b + Number(!(rows[at1 + column[tree + b]!]! <= value[tree + b]!));
        c = 2 * c + Number(!(rows[at2 + column[tree + c]!]! <= value[tree + c]!));
        d = 2 * d + Number(!(rows[at3 + column[tree + d]!]! <= value[tree + d]!));
      }
      out[i]! += value[tree + a]!;
      out[i + 1]! += value[tree + b]!;
      out[i + 2]! += value[tree + c]!;
      out[i + 3]! += value[tree + d]!;
    }
    for (; i < out.length; i++) {
      let a = 1;
      for (let level = 0; level < depth; level++)
        a = 2 * a + Number(!(rows[i * width + column[tree + a]!]! <= value[tree + a]!));
      out[i]! += value[tree + a]!;
    }
  }
}
