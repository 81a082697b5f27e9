/**
 * Gradient boosting of decision trees on the logistic loss, with histograms of quantile bins (Friedman 2001; second-order
 * leaf values as in XGBoost). Weighted rows, soft targets, reproducible from its seed.
 */
import type { StoredForest } from '../../src/extract/boosted-trees.ts';
import { mulberry } from './seeded.ts';

export interface BoostingOptions {
  trees: number;
  depth: number;
  rate: number;
  /** Ridge on leaf values, in units of weight. */
  ridge: number;
  /** Least weight of a leaf (sum of second derivatives). */
  leafWeight: number;
  /** Share of the features that a tree may use. */
  columnShare: number;
  /** Share of the groups (pages) that a tree sees. */
  groupShare: number;
  seed: number;
}

const BINS = 64;
/** Rows from which the edges of the bins are taken, evenly. */
const MOST_SORTED = 50_000;

interface Trees {
  roots: number[];
  column: number[];
  threshold: number[];
  child: number[];
  base: number;
}

export interface TrainingRows {
  rows: Float32Array;
  width: number;
  /** 0 to 1. */
  targets: Float64Array;
  weights: Float64Array;
  /** Number of the page that a row belongs to. */
  groups: Int32Array;
}

export function boost(data: TrainingRows, options: BoostingOptions): StoredForest {
  const { width, targets, weights, groups } = data;
  const n = targets.length;
  const random = mulberry(options.seed);
  const { bins, edges } = binned(data);
  const positive = targets.reduce((sum, y, i) => sum + y * weights[i]!, 0);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const base = Number(Math.log(positive / (total - positive)).toFixed(4));
  const scores = new Float64Array(n).fill(base);
  const gradient = new Float64Array(n);
  const curvature = new Float64Array(n);
  const model: Trees = { roots: [], column: [], threshold: [], child: [], base };
  const groupCount = groups.reduce((most, g) => Math.max(most, g), 0) + 1;
  for (let t = 0; t < options.trees; t++) {
    for (let i = 0; i < n; i++) {
      const p = 1 / (1 + Math.exp(-scores[i]!));
      gradient[i] = weights[i]! * (p - targets[i]!);
      curvature[i] = weights[i]! * Math.max(1e-6, p * (1 - p));
    }
    const kept = Array.from({ length: groupCount }, () => random() < options.groupShare);
    const features: number[] = [];
    for (let f = 0; f < width; f++) if (random() < options.columnShare) features.push(f);
    const rows: number[] = [];
    const unseen: number[] = [];
    for (let i = 0; i < n; i++) (kept[groups[i]!] ? rows : unseen).push(i);
    growTree(model, { bins, edges, gradient, curvature, n }, Int32Array.from(rows), features, options, scores);
    addTree(model, t, data, unseen, scores);
  }
  return stored(model);
}

function stored({ roots, column, threshold, child, base }: Trees): StoredForest {
  return {
    roots: roots.join(' '),
    column: column.join(' '),
    threshold: threshold.join(' '),
    child: child.join(' '),
    base,
  };
}

/** Adds a tree's values to the scores of rows that it has not seen; those of the others are added where it ends. */
function addTree(
  model: Trees,
  tree: number,
  { rows, width }: TrainingRows,
  unseen: readonly number[],
  scores: Float64Array,
): void {
  for (const i of unseen) {
    let node = model.roots[tree]!;
    for (let f = model.column[node]!; f >= 0; f = model.column[node]!) {
      node = rows[i * width + f]! <= model.threshold[node]! ? model.child[node]! : model.child[node]! + 1;
    }
    scores[i]! += model.threshold[node]!;
  }
}

/** Bin numbers by feature, and the upper edge of each bin. */
function binned({ rows, width, targets }: TrainingRows): { bins: Uint8Array; edges: Float64Array[] } {
  const n = targets.length;
  const bins = new Uint8Array(n * width);
  const edges: Float64Array[] = [];
  const column = new Float32Array(n);
  const step = Math.ceil(n / MOST_SORTED);
  for (let f = 0; f < width; f++) {
    for (let i = 0; i < n; i++) column[i] = rows[i * width + f]!;
    const sorted = column.filter((_, i) => i % step === 0).sort();
    const uppers: number[] = [];
    for (let b = 1; b < BINS; b++) {
      const k = Math.max(1, Math.floor((b * sorted.length) / BINS));
      const low = sorted[k - 1]!;
      // Between two different values, so that a row is binned as the stored threshold would send it.
      let next = k;
      while (next < sorted.length && sorted[next] === low) next++;
      if (next >= sorted.length) break;
      const edge = shortened(low, sorted[next]!);
      if (uppers.length === 0 || edge > uppers[uppers.length - 1]!) uppers.push(edge);
    }
    edges.push(Float64Array.from(uppers));
    for (let i = 0; i < n; i++) {
      let low = 0;
      let high = uppers.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (column[i]! <= uppers[middle]!) high = middle;
        else low = middle + 1;
      }
      bins[f * n + i] = low;
    }
  }
  return { bins, edges };
}

/** A number in [low, high) with few digits. */
function shortened(low: number, high: number): number {
  const middle = (low + high) / 2;
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(middle.toPrecision(digits));
    if (short >= low && short < high) return short;
  }
  return middle;
}

interface Columns {
  bins: Uint8Array;
  edges: Float64Array[];
  gradient: Float64Array;
  curvature: Float64Array;
  n: number;
}

/** Sums of gradient and curvature, in turn, by feature and bin. */
type Histogram = Float64Array;

/** `histogram`: undefined for a node that is a leaf by its depth. */
interface OpenNode {
  node: number;
  rows: Int32Array;
  depth: number;
  histogram: Histogram | undefined;
}

function growTree(
  model: Trees,
  columns: Columns,
  rows: Int32Array,
  features: number[],
  options: BoostingOptions,
  scores: Float64Array,
): void {
  const { bins, edges, n } = columns;
  const root = addNode(model);
  model.roots.push(root);
  const open: OpenNode[] = [{ node: root, rows, depth: 0, histogram: histogramOf(columns, rows, features) }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const split = next.histogram && bestSplit(columns, next.histogram, features, options);
    if (next.histogram === undefined || split === undefined) {
      const value = leafValue(columns, next.rows, options);
      model.threshold[next.node] = value;
      for (const i of next.rows) scores[i]! += value;
      continue;
    }
    const column = bins.subarray(split.feature * n, (split.feature + 1) * n);
    const [left, right] = parted(next.rows, column, split.bin);
    model.column[next.node] = split.feature;
    model.threshold[next.node] = edges[split.feature]![split.bin]!;
    const child = addNode(model);
    addNode(model);
    model.child[next.node] = child;
    const depth = next.depth + 1;
    let smaller: Histogram | undefined;
    let larger: Histogram | undefined;
    if (depth < options.depth) {
      // The larger child's histogram is what the smaller one leaves of the parent's.
      smaller = histogramOf(columns, left.length < right.length ? left : right, features);
      larger = remainder(next.histogram, smaller);
    }
    const [ofLeft, ofRight] = left.length < right.length ? [smaller, larger] : [larger, smaller];
    open.push({ node: child + 1, rows: right, depth, histogram: ofRight });
    open.push({ node: child, rows: left, depth, histogram: ofLeft });
  }
}

/** The rows up to a bin and those above, in their order. */
function parted(rows: Int32Array, column: Uint8Array, bin: number): [Int32Array, Int32Array] {
  const left = new Int32Array(rows.length);
  const right = new Int32Array(rows.length);
  let l = 0;
  let r = 0;
  for (let k = 0; k < rows.length; k++) {
    const i = rows[k]!;
    if (column[i]! <= bin) left[l++] = i;
    else right[r++] = i;
  }
  return [left.slice(0, l), right.slice(0, r)];
}

function addNode(model: Trees): number {
  model.column.push(-1);
  model.threshold.push(0);
  model.child.push(0);
  return model.column.length - 1;
}

function leafValue({ gradient, curvature }: Columns, rows: Int32Array, { ridge, rate }: BoostingOptions): number {
  let g = 0;
  let h = 0;
  for (const i of rows) {
    g += gradient[i]!;
    h += curvature[i]!;
  }
  return Number(((-rate * g) / (h + ridge)).toFixed(4));
}

function histogramOf({ bins, gradient, curvature, n }: Columns, rows: Int32Array, features: number[]): Histogram {
  const sums = new Float64Array(features.length * BINS * 2);
  const own = new Float64Array(rows.length * 2);
  for (let k = 0; k < rows.length; k++) {
    own[2 * k] = gradient[rows[k]!]!;
    own[2 * k + 1] = curvature[rows[k]!]!;
  }
  for (let f = 0; f < features.length; f++) {
    const offset = features[f]! * n;
    const first = f * BINS;
    for (let k = 0; k < rows.length; k++) {
      const at = (first + bins[offset + rows[k]!]!) * 2;
      sums[at]! += own[2 * k]!;
      sums[at + 1]! += own[2 * k + 1]!;
    }
  }
  return sums;
}

/** `whole` less `part`, in whole's memory. */
function remainder(whole: Histogram, part: Histogram): Histogram {
  for (let i = 0; i < whole.length; i++) whole[i]! -= part[i]!;
  return whole;
}

function bestSplit(
  { edges }: Columns,
  histogram: Histogram,
  features: number[],
  { ridge, leafWeight }: BoostingOptions,
): { feature: number; bin: number } | undefined {
  let best: { feature: number; bin: number } | undefined;
  let bestGain = 1e-4;
  let G = 0;
  let H = 0;
  for (let i = 0; i < Math.min(2 * BINS, histogram.length); i += 2) {
    G += histogram[i]!;
    H += histogram[i + 1]!;
  }
  features.forEach((feature, f) => {
    let g = 0;
    let h = 0;
    for (let bin = 0; bin < edges[feature]!.length; bin++) {
      g += histogram[(f * BINS + bin) * 2]!;
      h += histogram[(f * BINS + bin) * 2 + 1]!;
      if (h < leafWeight || H - h < leafWeight) continue;
      const gain = (g * g) / (h + ridge) + ((G - g) * (G - g)) / (H - h + ridge) - (G * G) / (H + ridge);
      if (gain > bestGain) {
        bestGain = gain;
        best = { feature, bin };
      }
    }
  });
  return best;
}
