/**
 * What a document looks like to duplicate detection: its characters without punctuation, white space and title, as a set
 * of n-grams. For n ≤ 2 an n-gram of UTF-16 units fits 32 bits, so its number is exact; longer ones are hashed to 32 bits.
 */
import { hash as digestOf } from 'node:crypto';

/** Letters, digits and ideographs of the body as UTF-16 units. */
export function contentUnits(body: string): Uint16Array {
  const units = new Uint16Array(body.length);
  let n = 0;
  for (let i = 0; i < body.length; i++) {
    const unit = body.charCodeAt(i);
    if (!isPunctuation(unit)) units[n++] = unit;
  }
  return units.subarray(0, n);
}

/** ASCII, Latin-1, general, CJK and full-width punctuation and spaces; 々 〇 (3005-3007) are characters. */
function isPunctuation(u: number): boolean {
  if (u < 0xc0) return !((u >= 0x30 && u <= 0x39) || (u >= 0x41 && u <= 0x5a) || (u >= 0x61 && u <= 0x7a));
  if (u < 0x2000) return false;
  if (u < 0x3040) return u < 0x2070 || (u >= 0x2500 && u < 0x2600) || (u >= 0x3000 && !(u >= 0x3005 && u <= 0x3007));
  if (u < 0xfe10) return false;
  return (
    u < 0xfe70 ||
    (u >= 0xff00 && (u < 0xff10 || (u > 0xff19 && u < 0xff21) || (u > 0xff3a && u < 0xff41) || u > 0xff5a))
  );
}

/** 128 bits of the SHA-256 of the content: equal for bodies that differ in punctuation alone. Four 32-bit words. */
export function contentDigest(units: Uint16Array): Uint32Array {
  const bytes = new Uint8Array(units.buffer, units.byteOffset, units.byteLength);
  const digest = digestOf('sha256', bytes, 'buffer');
  return Uint32Array.from({ length: 4 }, (_, i) => digest.readUInt32LE(4 * i));
}

/** The set of n-grams, ascending. A content shorter than n is its own single shingle. */
export function shingles(units: Uint16Array, n: number): Uint32Array {
  const size = Math.min(n, units.length);
  if (size === 0) return new Uint32Array(0);
  const grams = size <= 2 ? exactGrams(units, size) : gramHashes(units, size);
  grams.sort();
  let unique = 0;
  for (let i = 0; i < grams.length; i++) if (i === 0 || grams[i] !== grams[i - 1]) grams[unique++] = grams[i]!;
  return grams.slice(0, unique);
}

function exactGrams(units: Uint16Array, size: number): Uint32Array {
  const grams = new Uint32Array(units.length - size + 1);
  for (let i = 0; i < grams.length; i++) {
    grams[i] = size === 1 ? units[i]! : ((units[i]! << 16) | units[i + 1]!) >>> 0;
  }
  return grams;
}

/** For each n-gram in order a polynomial of its units modulo 2^32 (Rabin, Karp 1987), carried from each gram to the next, then mixed. */
export function gramHashes(units: Uint16Array, size: number): Uint32Array {
  const grams = new Uint32Array(units.length - size + 1);
  let power = 1;
  let hash = 0;
  for (let i = 0; i < size; i++) {
    hash = (Math.imul(hash, BASE) + units[i]!) | 0;
    if (i > 0) power = Math.imul(power, BASE);
  }
  grams[0] = mix(hash);
  for (let i = 1; i < grams.length; i++) {
    hash = (Math.imul(hash - Math.imul(units[i - 1]!, power), BASE) + units[i + size - 1]!) | 0;
    grams[i] = mix(hash);
  }
  return grams;
}

/** Any odd number whose powers spread over all bits. */
const BASE = 0x9e3779b1;

/** MinHash band keys: for each band one 32-bit hash of `rows` minima. Equal sets give equal keys. */
export class BandHasher {
  readonly bands: number;
  readonly #rows: number;
  readonly #factors: Int32Array;
  readonly #offsets: Int32Array;
  readonly #minima: Int32Array;

  constructor(bands: number, rows: number) {
    this.bands = bands;
    this.#rows = rows;
    const size = bands * rows;
    // Fixed: signatures of two builds must be comparable.
    this.#factors = Int32Array.from({ length: size }, (_, k) => mix(2 * k + 1) | 1);
    this.#offsets = Int32Array.from({ length: size }, (_, k) => mix(2 * k + 0x9e3779b9));
    this.#minima = new Int32Array(size);
  }

  /** Writes the keys of one document into `keys` from `at`. */
  hash(set: Uint32Array, keys: Uint32Array, at: number): void {
    const mixed = new Int32Array(set.length);
    for (let i = 0; i < set.length; i++) mixed[i] = mix(set[i]!);
    // Permutation by permutation, so that the running minimum stays in a register.
    for (let k = 0; k < this.#minima.length; k++) {
      const factor = this.#factors[k]!;
      const offset = this.#offsets[k]!;
      let least = 0x7fffffff;
      for (let i = 0; i < mixed.length; i++) {
        least = Math.min(least, (Math.imul(mixed[i]!, factor) + offset) | 0);
      }
      this.#minima[k] = least;
    }
    for (let band = 0; band < this.bands; band++) {
      let h = band;
      for (let r = 0; r < this.#rows; r++) h = mix(Math.imul(h, 31) ^ this.#minima[band * this.#rows + r]!);
      keys[at + band] = h;
    }
  }
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
export function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
