/**
 * Gradient boosting of decision trees on the logistic loss, with histograms of quantile bins (Friedman 2001; second-order
 * leaf values as in XGBoost). Weighted rows, soft targets, reproducible from its seed.
 */
import type { StoredForest } from '../../src/stages/extract/boosted-trees.ts';

export type BoostingOptions = {
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
};

const BINS = 64;

type Trees = { roots: number[]; column: number[]; threshold: number[]; child: number[]; base: number };

export type TrainingRows = {
  rows: Float32Array;
  width: number;
  /** 0 to 1. */
  targets: Float64Array;
  weights: Float64Array;
  /** Number of the page that a row belongs to. */
  groups: Int32Array;
};

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
    for (let i = 0; i < n; i++) if (kept[groups[i]!]) rows.push(i);
    growTree(model, { bins, edges, gradient, curvature, n }, Int32Array.from(rows), features, options);
    addTree(model, model.roots.length - 1, data, scores);
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

function addTree(model: Trees, tree: number, { rows, width }: TrainingRows, scores: Float64Array): void {
  for (let i = 0; i < scores.length; i++) {
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
  for (let f = 0; f < width; f++) {
    for (let i = 0; i < n; i++) column[i] = rows[i * width + f]!;
    const sorted = column.slice().sort();
    const uppers: number[] = [];
    for (let b = 1; b < BINS; b++) {
      const k = Math.floor((b * n) / BINS);
      const low = sorted[k - 1]!;
      // Between two different values, so that a row is binned as the stored threshold would send it.
      let next = k;
      while (next < n && sorted[next] === low) next++;
      if (next >= n) break;
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

type Columns = { bins: Uint8Array; edges: Float64Array[]; gradient: Float64Array; curvature: Float64Array; n: number };

function growTree(
  model: Trees,
  columns: Columns,
  rows: Int32Array,
  features: number[],
  options: BoostingOptions,
): void {
  const root = addNode(model);
  model.roots.push(root);
  const open: { node: number; rows: Int32Array; depth: number }[] = [{ node: root, rows, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const split = next.depth < options.depth ? bestSplit(columns, next.rows, features, options) : undefined;
    if (split === undefined) {
      model.threshold[next.node] = leafValue(columns, next.rows, options);
      continue;
    }
    const { bins, edges, n } = columns;
    const left = next.rows.filter((i) => bins[split.feature * n + i]! <= split.bin);
    const right = next.rows.filter((i) => bins[split.feature * n + i]! > split.bin);
    model.column[next.node] = split.feature;
    model.threshold[next.node] = edges[split.feature]![split.bin]!;
    const child = addNode(model);
    addNode(model);
    model.child[next.node] = child;
    open.push(
      { node: child + 1, rows: right, depth: next.depth + 1 },
      { node: child, rows: left, depth: next.depth + 1 },
    );
  }
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

function bestSplit(columns: Columns, rows: Int32Array, features: number[], { ridge, leafWeight }: BoostingOptions) {
  const { bins, edges, gradient, curvature, n } = columns;
  const histogramG = new Float64Array(BINS);
  const histogramH = new Float64Array(BINS);
  let best: { feature: number; bin: number } | undefined;
  let bestGain = 1e-4;
  for (const feature of features) {
    const bars = edges[feature]!.length + 1;
    if (bars < 2) continue;
    histogramG.fill(0, 0, bars);
    histogramH.fill(0, 0, bars);
    const offset = feature * n;
    let G = 0;
    let H = 0;
    for (let k = 0; k < rows.length; k++) {
      const i = rows[k]!;
      const bin = bins[offset + i]!;
      histogramG[bin]! += gradient[i]!;
      histogramH[bin]! += curvature[i]!;
      G += gradient[i]!;
      H += curvature[i]!;
    }
    let g = 0;
    let h = 0;
    for (let bin = 0; bin < bars - 1; bin++) {
      g += histogramG[bin]!;
      h += histogramH[bin]!;
      if (h < leafWeight || H - h < leafWeight) continue;
      const gain = (g * g) / (h + ridge) + ((G - g) * (G - g)) / (H - h + ridge) - (G * G) / (H + ridge);
      if (gain > bestGain) {
        bestGain = gain;
        best = { feature, bin };
      }
    }
  }
  return best;
}

/** mulberry32: small, seeded, the same everywhere. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
