/**
 * Seeded permutations of 0..size-1 that can be asked for one index at a time, with no table and no state.
 *
 * A balanced Feistel network over the smallest even number of bits that holds `size`, walked again while it lands outside
 * (cycle walking: at most four passes on average). Every operation is on 32-bit integers, so that the
 * result is the same on every machine. It is no cipher: it only has to look random to a training run.
 */

const ROUNDS = 6;

/** 32-bit avalanche (the finaliser of MurmurHash3, A. Appleby, public domain). */
function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Folds several whole numbers (each below 2^53) into one 32-bit key; the order counts. */
export function foldKey(...parts: readonly number[]): number {
  let key = 0x9e3779b9;
  for (const part of parts) {
    key = mix32(key ^ (part >>> 0));
    key = mix32((key + Math.floor(part / 2 ** 32) + 0x7f4a7c15) | 0);
  }
  return key;
}

export class Permutation {
  readonly size: number;
  readonly #halfBits: number;
  readonly #roundKeys: Uint32Array;

  /** `size` up to 2^52. The same (size, key) is the same permutation for ever. */
  constructor(size: number, key: number) {
    if (!Number.isSafeInteger(size) || size < 1 || size > 2 ** 52) throw new Error(`permutation of ${size} elements`);
    this.size = size;
    let halfBits = 1;
    while (4 ** halfBits < size) halfBits++;
    this.#halfBits = halfBits;
    this.#roundKeys = Uint32Array.from({ length: ROUNDS }, (_, round) => foldKey(key, round));
  }

  /** Where `index` goes. */
  at(index: number): number {
    if (index < 0 || index >= this.size) throw new Error(`index ${index} outside a permutation of ${this.size}`);
    let image = this.#network(index);
    while (image >= this.size) image = this.#network(image);
    return image;
  }

  #network(index: number): number {
    const span = 2 ** this.#halfBits;
    const mask = span - 1;
    let left = Math.floor(index / span);
    let right = index % span;
    for (const key of this.#roundKeys) {
      const next = (left ^ mix32(right ^ key)) & mask;
      left = right;
      right = next;
    }
    return left * span + right;
  }
}
