/**
 * Counts of all character n-grams up to an order, as a trie of sorted typed arrays.
 *
 * Positions of the text are sorted by the window that begins there (least significant digit radix sort, one pass a
 * symbol); equal prefixes then lie side by side, and each level of the trie is one walk over the sorted windows.
 * About 25 bytes an n-gram type, no strings, no hash tables: 20 million characters take seconds and less than a GiB.
 *
 * Counts are the adjusted counts of Kneser-Ney smoothing: occurrences at the highest order and for n-grams that begin a
 * document (nothing can precede them), else the number of different symbols that precede the n-gram.
 */

import { BEGIN, type CharacterText, END } from './character-text.ts';

/** The n-grams of one length, sorted; node `i` is the n-gram that ends with `symbols[i]`. */
export interface NgramLevel {
  readonly symbols: Uint32Array;
  /** Adjusted count of every node. */
  readonly counts: Uint32Array;
  /** Children of node `i` are nodes `children[i] .. children[i + 1] - 1` of the next level; empty at the last level. */
  readonly children: Uint32Array;
}

/** @returns levels for lengths 1 to `order`; node 0 of the first is BEGIN, a context that is never predicted */
export function countNgrams(text: CharacterText, order: number): NgramLevel[] {
  const symbolCount = text.alphabet.length + 2;
  const sorted = sortWindows(text.symbols, symbolCount, order);
  return buildLevels(text, sorted, compareWindows(text.symbols, sorted, order), symbolCount);
}

/** Positions of the text in the order of the windows that begin there. Symbols beyond the text count as BEGIN. */
function sortWindows(symbols: Uint32Array, symbolCount: number, order: number): Uint32Array {
  const positions = symbols.length;
  let sorted = new Uint32Array(positions);
  let target = new Uint32Array(positions);
  for (let i = 0; i < positions; i++) sorted[i] = i;
  const starts = new Uint32Array(symbolCount + 1);
  for (let offset = order - 1; offset >= 0; offset--) {
    starts.fill(0);
    for (let i = 0; i < positions; i++) {
      const symbol = i + offset < positions ? symbols[i + offset]! : BEGIN;
      starts[symbol + 1]!++;
    }
    for (let symbol = 0; symbol < symbolCount; symbol++) starts[symbol + 1]! += starts[symbol]!;
    for (let i = 0; i < positions; i++) {
      const position = sorted[i]!;
      const symbol = position + offset < positions ? symbols[position + offset]! : BEGIN;
      target[starts[symbol]!++] = position;
    }
    [sorted, target] = [target, sorted];
  }
  return sorted;
}

interface SortedWindows {
  /** Symbols that a window has in common with the one before it. */
  readonly shared: Uint8Array;
  /** Symbols of a window, at most `order`: it ends with its document. */
  readonly lengths: Uint8Array;
  /** Different windows of lengths 1 to `order`. */
  readonly types: number[];
}

function compareWindows(symbols: Uint32Array, sorted: Uint32Array, order: number): SortedWindows {
  const shared = new Uint8Array(sorted.length);
  const lengths = new Uint8Array(sorted.length);
  const types = new Array<number>(order + 1).fill(0);
  let before = sorted[0]!;
  for (let i = 0; i < sorted.length; i++) {
    const position = sorted[i]!;
    let equal = 0;
    if (i > 0) {
      while (equal < order && symbols[position + equal] === symbols[before + equal]) {
        equal++;
        if (symbols[position + equal - 1] === END) break;
      }
    }
    let length = Math.max(equal, 1);
    while (length < order && symbols[position + length - 1] !== END) length++;
    shared[i] = equal;
    lengths[i] = length;
    if (equal < length) {
      types[equal]!++;
      types[length]!--;
    }
    before = position;
  }
  for (let length = 1; length < order; length++) types[length]! += types[length - 1]!;
  return { shared, lengths, types: types.slice(0, order) };
}

function buildLevels(
  { symbols: text, documents }: CharacterText,
  sorted: Uint32Array,
  { shared, lengths, types }: SortedWindows,
  symbolCount: number,
): NgramLevel[] {
  const levels = types.map((nodes, level) => ({
    symbols: new Uint32Array(nodes),
    counts: new Uint32Array(nodes),
    children: new Uint32Array(level + 1 < types.length ? nodes + 1 : 0),
  }));
  const highest = types.length - 1;
  const nodes = new Int32Array(types.length).fill(-1);
  // The last node of a level that a symbol preceded: all windows of a node lie side by side, so one entry is enough.
  const preceded = types.map(() => new Int32Array(symbolCount).fill(-1));
  for (let i = 0; i < sorted.length; i++) {
    const position = sorted[i]!;
    const length = lengths[i]!;
    for (let level = shared[i]!; level < length; level++) {
      const node = ++nodes[level]!;
      levels[level]!.symbols[node] = text[position + level]!;
      if (level < highest) levels[level]!.children[node] = nodes[level + 1]! + 1;
    }
    // BEGIN sorts first: the first windows are those of the beginnings.
    const beginning = i < documents;
    const before = beginning ? BEGIN : text[position - 1]!;
    for (let level = 0; level < length; level++) {
      const node = nodes[level]!;
      if (!beginning && level < highest) {
        if (preceded[level]![before] === node) continue;
        preceded[level]![before] = node;
      }
      levels[level]!.counts[node]!++;
    }
  }
  levels.forEach(({ children }, level) => {
    if (level < highest) children[types[level]!] = types[level + 1]!;
  });
  return levels;
}

/** @returns the node of `symbol` among nodes `from .. to - 1` of a level, undefined when it never occurred there */
export function findNode(level: NgramLevel, from: number, to: number, symbol: number): number | undefined {
  const { symbols } = level;
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (symbols[middle]! < symbol) low = middle + 1;
    else high = middle;
  }
  return low < to && symbols[low] === symbol ? low : undefined;
}
