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

/** Letters, digits and ideographs after NFKC, so that punctuation, spaces and widths do not hide a copy. */
export function comparedUnits(text: string): Uint16Array {
  return contentUnits(text.normalize('NFKC'));
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

/** Permutations whose minima are found in one pass over a set: independent chains that a processor works on side by side. */
const TOGETHER = 4;

/** MinHash band keys: for each band one 32-bit hash of `rows` minima. Equal sets give equal keys. */
export class BandHasher {
  readonly bands: number;
  readonly #rows: number;
  readonly #factors: Int32Array;
  readonly #offsets: Int32Array;
  /** Filled up to whole groups of TOGETHER. */
  readonly #minima: Int32Array;

  constructor(bands: number, rows: number) {
    this.bands = bands;
    this.#rows = rows;
    const size = TOGETHER * Math.ceil((bands * rows) / TOGETHER);
    // Fixed: signatures of two builds must be comparable.
    this.#factors = Int32Array.from({ length: size }, (_, k) => mix(2 * k + 1) | 1);
    this.#offsets = Int32Array.from({ length: size }, (_, k) => mix(2 * k + 0x9e3779b9));
    this.#minima = new Int32Array(size);
  }

  /** Writes the keys of one document into `keys` from `at`. */
  hash(set: Uint32Array, keys: Uint32Array, at: number): void {
    const mixed = new Int32Array(set.length);
    for (let i = 0; i < set.length; i++) mixed[i] = mix(set[i]!);
    for (let k = 0; k < this.#minima.length; k += TOGETHER) this.#findMinima(mixed, k);
    for (let band = 0; band < this.bands; band++) {
      let h = band;
      for (let r = 0; r < this.#rows; r++) h = mix(Math.imul(h, 31) ^ this.#minima[band * this.#rows + r]!);
      keys[at + band] = h;
    }
  }

  /** Of the permutations from `k` on, so many at a time that the running minima stay in registers. */
  #findMinima(mixed: Int32Array, k: number): void {
    const [factors, offsets] = [this.#factors, this.#offsets];
    const f0 = factors[k]!;
    const f1 = factors[k + 1]!;
    const f2 = factors[k + 2]!;
    const f3 = factors[k + 3]!;
    const o0 = offsets[k]!;
    const o1 = offsets[k + 1]!;
    const o2 = offsets[k + 2]!;
    const o3 = offsets[k + 3]!;
    let [m0, m1, m2, m3] = [0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff];
    for (let i = 0; i < mixed.length; i++) {
      const value = mixed[i]!;
      m0 = Math.min(m0, (Math.imul(value, f0) + o0) | 0);
      m1 = Math.min(m1, (Math.imul(value, f1) + o1) | 0);
      m2 = Math.min(m2, (Math.imul(value, f2) + o2) | 0);
      m3 = Math.min(m3, (Math.imul(value, f3) + o3) | 0);
    }
    this.#minima[k] = m0;
    this.#minima[k + 1] = m1;
    this.#minima[k + 2] = m2;
    this.#minima[k + 3] = m3;
  }
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
export function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
