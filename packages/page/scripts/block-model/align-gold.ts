/**
 * Which blocks of a page make up the text that a person kept: each block is looked up in that text, and among all
 * finds the order-preserving choice that explains most characters wins. A headline that stands in the page twice is
 * thus counted once, at the place that fits the rest.
 */
import type { Block } from '../../src/extract/page-tree.ts';

const GRAM = 6;
/** Finds looked at for a block that occurs often. */
const MOST_FINDS = 24;

interface Find {
  block: number;
  start: number;
  end: number;
  weight: number;
}

/** The share of each block, 0 to 1, that is in `gold`. */
export function alignGold(blocks: readonly Block[], gold: string): number[] {
  const text = bare(gold);
  const grams = gramsOf(text);
  const finds = blocks.flatMap((block, index) => findsOf(bare(block.text), index, text, grams));
  const shares = new Array<number>(blocks.length).fill(0);
  for (const { block, weight } of bestChain(finds)) shares[block] = weight / bare(blocks[block]!.text).length;
  return shares;
}

export function bare(text: string): string {
  return text.normalize('NFKC').replace(/[\s\u200b-\u200f\ufeff#*`_|>]/gu, '');
}

function gramsOf(text: string): Map<string, number[]> {
  const grams = new Map<string, number[]>();
  for (let i = 0; i + GRAM <= text.length; i++) {
    const gram = text.slice(i, i + GRAM);
    const places = grams.get(gram);
    if (places === undefined) grams.set(gram, [i]);
    else if (places.length < MOST_FINDS) places.push(i);
  }
  return grams;
}

function findsOf(block: string, index: number, text: string, grams: Map<string, number[]>): Find[] {
  const finds: Find[] = [];
  if (block === '') return finds;
  for (let at = text.indexOf(block); at >= 0 && finds.length < MOST_FINDS; at = text.indexOf(block, at + 1)) {
    finds.push({ block: index, start: at, end: at + block.length, weight: block.length });
  }
  if (finds.length > 0 || block.length < 2 * GRAM) return finds;
  // Not literally there: how much of it is, and where.
  let covered = 0;
  let last = -1;
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (let i = 0; i + GRAM <= block.length; i++) {
    const places = grams.get(block.slice(i, i + GRAM));
    if (places === undefined) continue;
    covered += Math.min(GRAM, i + GRAM - last - 1, i + GRAM);
    last = i + GRAM - 1;
    start = Math.min(start, places[0]!);
    end = Math.max(end, places[0]! + GRAM);
  }
  if (covered >= 0.3 * block.length && end - start < 3 * block.length)
    finds.push({ block: index, start, end, weight: covered });
  return finds;
}

/** The heaviest chain with ascending blocks and ascending, disjoint places. */
function bestChain(finds: Find[]): Find[] {
  const sorted = [...finds].sort((a, b) => a.block - b.block || b.start - a.start);
  const most = Math.max(1, ...sorted.map(({ end }) => end));
  // Fenwick tree of the best chain that ends at or before a place.
  const tree = new Int32Array(most + 2).fill(-1);
  const totals = new Float64Array(sorted.length);
  const previous = new Int32Array(sorted.length).fill(-1);
  const query = (place: number): number => {
    let best = -1;
    for (let i = place + 1; i > 0; i -= i & -i)
      if (tree[i]! >= 0 && (best < 0 || totals[tree[i]!]! > totals[best]!)) best = tree[i]!;
    return best;
  };
  let last = -1;
  let pending: number[] = [];
  sorted.forEach((find, n) => {
    if (n > 0 && sorted[n - 1]!.block !== find.block) {
      for (const done of pending) enter(done);
      pending = [];
    }
    const before = query(find.start);
    previous[n] = before;
    totals[n] = find.weight + (before < 0 ? 0 : totals[before]!);
    pending.push(n);
    if (last < 0 || totals[n]! > totals[last]!) last = n;
  });
  function enter(n: number): void {
    for (let i = sorted[n]!.end + 1; i < tree.length; i += i & -i) {
      if (tree[i]! < 0 || totals[tree[i]!]! < totals[n]!) tree[i] = n;
    }
  }
  const chain: Find[] = [];
  for (let n = last; n >= 0; n = previous[n]!) chain.push(sorted[n]!);
  return chain.reverse();
}
