/** The tokens of a vocabulary by their bytes, laid out so that all that go on from a text are found in one pass. */

export interface Spelling {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export class TokenTrie {
  /** Ids from here on are padding. */
  readonly size: number;
  /** Nodes in the order of their bytes, children behind their parent: depth, byte, and where the first node behind the subtree is. */
  readonly depths: Uint16Array;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  /** The token that a node spells, -1 for none. */
  readonly tokens: Int32Array;
  /** Ids of tokens that are spelt like one that stands in `tokens`. */
  readonly twins: ReadonlyMap<number, readonly number[]>;
  readonly deepest: number;

  constructor(spellings: readonly Spelling[], size: number) {
    this.size = size;
    const sorted = spellings.filter(({ bytes }) => bytes.length > 0).sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const depths: number[] = [];
    const bytes: number[] = [];
    const tokens: number[] = [];
    const twins = new Map<number, number[]>();
    let last: Uint8Array = new Uint8Array();
    for (const { id, bytes: spelling } of sorted) {
      let shared = 0;
      while (shared < last.length && last[shared] === spelling[shared]) shared++;
      if (shared === spelling.length) {
        const first = tokens.at(-1)!;
        twins.set(first, [...(twins.get(first) ?? []), id]);
        continue;
      }
      for (let depth = shared; depth < spelling.length; depth++) {
        depths.push(depth);
        bytes.push(spelling[depth]!);
        tokens.push(depth === spelling.length - 1 ? id : -1);
      }
      last = spelling;
    }
    this.depths = Uint16Array.from(depths);
    this.bytes = Uint8Array.from(bytes);
    this.tokens = Int32Array.from(tokens);
    this.ends = new Uint32Array(depths.length);
    this.twins = twins;
    this.deepest = depths.reduce((most, depth) => Math.max(most, depth + 1), 0);
    const open: number[] = [];
    for (let node = 0; node <= depths.length; node++) {
      const depth = depths[node] ?? 0;
      while (open.length > depth) this.ends[open.pop()!] = node;
      open.push(node);
    }
  }
}
