/**
 * A character n-gram model for perplexity: hashed counts with interpolated Witten-Bell smoothing (Chen & Goodman 1999, §2.5).
 *
 * Bounded memory: a table of fixed size; once three quarters of it are taken, n-grams not met before are left out. An entry is told from
 * others by 32 bits beside its slot, so that mix-ups are rare. Where no model is needed that sums to one to the last digit but one
 * that ranks millions of documents: for exact bits per character see @tunan/evaluation.
 */

/** UTF-16 units as the model sees them: digits are one, Latin letters are one, white space is left out. */
const UNITS = 65_536;
const FULL = 0.75;

export interface NgramTable {
  readonly order: number;
  /** Per slot: 32 bits of the n-gram's hash (0 where empty), its count, and how many different units follow it. */
  readonly keys: Uint32Array;
  readonly counts: Uint32Array;
  readonly followers: Uint32Array;
  /** Units counted, and how many different ones. */
  readonly units: number;
  readonly alphabet: number;
}

export class NgramCounter {
  readonly #order: number;
  readonly #mask: number;
  readonly #keys: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #followers: Uint32Array;
  #taken = 0;
  #units = 0;
  #alphabet = 0;

  constructor(order: number, slotBits: number) {
    this.#order = order;
    this.#mask = 2 ** slotBits - 1;
    this.#keys = new Uint32Array(2 ** slotBits);
    this.#counts = new Uint32Array(2 ** slotBits);
    this.#followers = new Uint32Array(2 ** slotBits);
  }

  add(text: string): void {
    const units = foldUnits(text);
    for (let i = 0; i < units.length; i++) {
      this.#units++;
      let hash = 0;
      // The context of the n-gram that ends here, before it is one longer: its slot, or -1 for the empty context.
      const first = Math.max(0, i - this.#order + 1);
      for (let start = i; start >= first; start--) {
        hash = extend(hash, units[start]!);
        const { slot, fresh } = this.#count(hash);
        if (slot < 0) break;
        if (!fresh) continue;
        if (start === i) this.#alphabet++;
        else this.#follow(units, start, i);
      }
    }
  }

  /** A new n-gram is a new follower of its context, the n-gram without its last unit. */
  #follow(units: Uint16Array, start: number, end: number): void {
    let hash = 0;
    for (let at = end - 1; at >= start; at--) hash = extend(hash, units[at]!);
    const slot = findSlot(this.#keys, this.#mask, hash);
    if (this.#keys[slot] !== 0) this.#followers[slot]!++;
  }

  #count(hash: number): { slot: number; fresh: boolean } {
    const slot = findSlot(this.#keys, this.#mask, hash);
    const fresh = this.#keys[slot] === 0;
    if (fresh) {
      if (this.#taken > FULL * this.#mask) return { slot: -1, fresh };
      this.#keys[slot] = keyOf(hash);
      this.#taken++;
    }
    this.#counts[slot]!++;
    return { slot, fresh };
  }

  table(): NgramTable {
    return {
      order: this.#order,
      keys: this.#keys,
      counts: this.#counts,
      followers: this.#followers,
      units: this.#units,
      alphabet: this.#alphabet,
    };
  }
}

/**
 * Perplexity a unit of the text, digits and letters folded; of a longer text the first `most` units are read. An empty text is as
 * unlikely as can be.
 */
export function perplexity(
  { order, keys, counts, followers, units, alphabet }: NgramTable,
  text: string,
  most = 20_000,
): number {
  const folded = foldUnits(text.slice(0, most));
  if (folded.length === 0) return UNITS;
  const mask = keys.length - 1;
  // Slots of the suffixes of what stands before a unit, shortest first; they are the contexts of its n-grams.
  let contexts = new Int32Array(order).fill(-1);
  let next = new Int32Array(order).fill(-1);
  let nats = 0;
  for (let i = 0; i < folded.length; i++) {
    let hash = 0;
    // Order 0: every unit alike; order 1: no context but the text as a whole.
    let probability = 1 / UNITS;
    for (let length = 1; length <= order && length <= i + 1; length++) {
      hash = extend(hash, folded[i - length + 1]!);
      const slot = findSlot(keys, mask, hash);
      const known = keys[slot] !== 0;
      const count = known ? counts[slot]! : 0;
      const context = length === 1 ? 0 : contexts[length - 1]!;
      const total = length === 1 ? units : context < 0 ? 0 : counts[context]!;
      const kinds = length === 1 ? alphabet : context < 0 ? 0 : followers[context]!;
      if (total > 0 && kinds > 0) probability = (count + kinds * probability) / (total + kinds);
      if (length < order) next[length] = known ? slot : -1;
    }
    nats -= Math.log(probability);
    [contexts, next] = [next, contexts];
  }
  return Math.exp(nats / folded.length);
}

function foldUnits(text: string): Uint16Array {
  const units = new Uint16Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x20 || unit === 0x3000 || unit === 0xa0) continue;
    if (unit >= 0x30 && unit <= 0x39) units[length++] = 0x30;
    else if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) units[length++] = 0x61;
    else units[length++] = unit;
  }
  return units.subarray(0, length);
}

/** N-grams are hashed from their last unit to their first, so that all that end in one place share the work. */
function extend(hash: number, unit: number): number {
  const mixed = Math.imul(hash ^ (unit + 1), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) + 0x7f4a7c15;
}

function keyOf(hash: number): number {
  return (Math.imul(hash, 0x2545f491) | 1) >>> 0;
}

function findSlot(keys: Uint32Array, mask: number, hash: number): number {
  const key = keyOf(hash);
  let slot = (Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 4) & mask;
  while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask;
  return slot;
}
