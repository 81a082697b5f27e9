/**
 * Features of the second judgement: what the first one said about the rest of the page. A paragraph that looks like
 * nothing alone is main text among main text; a sentence that looks good alone is none in a footer.
 */
import type { TextCounts } from './element-statistics.ts';
import type { PageElement, PageTree } from './page-tree.ts';

const LEVELS = 4;
const REACH = 4;

export const CONTEXT_NAMES: readonly string[] = [
  'own',
  ...steps(REACH).flatMap((d) => [`before${d}`, `after${d}`]),
  ...steps(LEVELS).flatMap((level) => [`up${level}-mean`, `up${level}-mass`, `up${level}-fill`]),
  ...'siblings kind nearBefore nearAfter gapBefore gapAfter massBefore massAfter highest total runMean'.split(' '),
];

function steps(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

/** Rows of CONTEXT_NAMES, one a block, from the first probabilities. */
export function contextFeatures(
  tree: PageTree,
  counts: readonly TextCounts[],
  kindOf: readonly string[],
  first: Float64Array,
): Float32Array {
  const n = tree.blocks.length;
  const width = CONTEXT_NAMES.length;
  const rows = new Float32Array(n * width);
  const size = Float64Array.from(counts, ({ characters }) => characters + 1);
  const { mass, sizes } = massByElement(tree, size, first);
  const whole = Math.max(1e-9, mass[0]!);
  const kinds = meanByKind(kindOf, size, first);
  const before = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) before[i + 1] = before[i]! + size[i]! * first[i]!;
  const highest = first.reduce((most, p) => Math.max(most, p), 0);
  const sureBefore = lastSure(first, highest, 1);
  const sureAfter = lastSure(first, highest, -1);
  for (let i = 0; i < n; i++) {
    let at = i * width;
    const put = (value: number): void => {
      rows[at++] = value;
    };
    put(first[i]!);
    for (let d = 1; d <= REACH; d++) {
      put(first[i - d] ?? -0.1);
      put(first[i + d] ?? -0.1);
    }
    let element: PageElement | undefined = tree.blocks[i]!.element;
    for (let level = 0; level < LEVELS; level++) {
      const m = mass[element.index]!;
      put(m / sizes[element.index]!);
      put(m / whole);
      put(Math.log1p(sizes[element.index]!));
      element = wider(element, sizes);
    }
    const parent = tree.blocks[i]!.element.parent ?? tree.elements[0]!;
    put(mass[parent.index]! / sizes[parent.index]!);
    put(kinds[i]!);
    put(sureBefore[i]! < 0 ? 0 : first[sureBefore[i]!]!);
    put(sureAfter[i]! < 0 ? 0 : first[sureAfter[i]!]!);
    put(sureBefore[i]! < 0 ? 60 : Math.min(60, i - sureBefore[i]!));
    put(sureAfter[i]! < 0 ? 60 : Math.min(60, sureAfter[i]! - i));
    put(before[i]! / whole);
    put((before[n]! - before[i + 1]!) / whole);
    put(highest);
    put(Math.log1p(whole));
    let around = 0;
    let share = 0;
    for (let k = Math.max(0, i - 8); k <= Math.min(n - 1, i + 8); k++) {
      const weight = size[k]! / (1 + Math.abs(k - i));
      around += weight * first[k]!;
      share += weight;
    }
    put(around / share);
  }
  return rows;
}

/** The nearest ancestor with more text. */
function wider(element: PageElement, sizes: Float64Array): PageElement {
  for (let at = element.parent; at !== undefined; at = at.parent)
    if (sizes[at.index]! > sizes[element.index]!) return at;
  return element;
}

function massByElement(tree: PageTree, size: Float64Array, first: Float64Array) {
  const mass = new Float64Array(tree.elements.length);
  const sizes = new Float64Array(tree.elements.length);
  tree.blocks.forEach(({ element }, i) => {
    mass[element.index]! += size[i]! * first[i]!;
    sizes[element.index]! += size[i]!;
  });
  for (let i = tree.elements.length - 1; i > 0; i--) {
    const parent = tree.elements[i]!.parent!.index;
    mass[parent]! += mass[i]!;
    sizes[parent]! += sizes[i]!;
  }
  return { mass, sizes };
}

/** For each block the mean of all in the same kind of place, long ones counting more. */
function meanByKind(kindOf: readonly string[], size: Float64Array, judged: Float64Array): Float64Array {
  const totals = new Map<string, [mass: number, size: number]>();
  kindOf.forEach((kind, i) => {
    const total = totals.get(kind) ?? [0, 0];
    total[0] += size[i]! * judged[i]!;
    total[1] += size[i]!;
    totals.set(kind, total);
  });
  return Float64Array.from(kindOf, (kind) => totals.get(kind)![0] / totals.get(kind)![1]);
}

/** For each block the nearest one before (or after) that is likely main text, -1 where none is. */
function lastSure(first: Float64Array, highest: number, step: 1 | -1): Int32Array {
  const out = new Int32Array(first.length);
  let last = -1;
  for (let k = 0; k < first.length; k++) {
    const i = step === 1 ? k : first.length - 1 - k;
    out[i] = last;
    if (first[i]! >= 0.5 * highest && first[i]! > 0.2) last = i;
  }
  return out;
}
