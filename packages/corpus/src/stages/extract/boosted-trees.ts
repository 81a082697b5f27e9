/**
 * Boosted decision trees as they are stored: how likely a row of features is positive. Training is no business of this
 * file (scripts/block-model/gradient-boosting.ts).
 */

/** Nodes of all trees in one list; numbers parted by spaces. */
export type StoredForest = {
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
};

export class Forest {
  readonly #roots: Int32Array;
  readonly #column: Int16Array;
  readonly #threshold: Float64Array;
  readonly #child: Int32Array;
  readonly #base: number;

  constructor(stored: StoredForest) {
    this.#roots = Int32Array.from(stored.roots.split(' '), Number);
    this.#column = Int16Array.from(stored.column.split(' '), Number);
    this.#threshold = Float64Array.from(stored.threshold.split(' '), Number);
    this.#child = Int32Array.from(stored.child.split(' '), Number);
    this.#base = stored.base;
  }

  /** One probability for each row of `width` values. */
  probabilities(rows: Float32Array, width: number): Float64Array {
    const out = new Float64Array(rows.length / width);
    for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-this.#logOdds(rows, i * width)));
    return out;
  }

  #logOdds(rows: Float32Array, at: number): number {
    const column = this.#column;
    const threshold = this.#threshold;
    const child = this.#child;
    let sum = this.#base;
    for (let t = 0; t < this.#roots.length; t++) {
      let node = this.#roots[t]!;
      for (let c = column[node]!; c >= 0; c = column[node]!) {
        node = rows[at + c]! <= threshold[node]! ? child[node]! : child[node]! + 1;
      }
      sum += threshold[node]!;
    }
    return sum;
  }
}
