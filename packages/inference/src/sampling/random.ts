/**
 * Random numbers that depend on a seed and a position alone, not on what was drawn before.
 *
 * Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), a counter-based generator:
 * the number for (seed, sequence, step) is computed directly. So an answer stays the same whatever else shares its
 * batch, and however often the scheduler starts, stops or reorders sequences. Not for cryptography.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const ROUNDS = 10;

export type Words4 = readonly [number, number, number, number];

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const lowHigh = aLow * bHigh;
  const highLow = aHigh * bLow;
  const middle = ((aLow * bLow) >>> 16) + (lowHigh & 0xffff) + (highLow & 0xffff);
  return (aHigh * bHigh + (lowHigh >>> 16) + (highLow >>> 16) + (middle >>> 16)) >>> 0;
}

/** One block of Philox4x32-10: four random 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + KEY_STEP_0) >>> 0;
    k1 = (k1 + KEY_STEP_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * A number in [0, 1) with 53 random bits for one step of one sequence of a request.
 * @param seed any integer, negative ones too; it gives 64 bits of its two's complement
 * @param sequence index of the sequence in its request
 * @param step index of the token in its sequence
 */
export function uniformAt(seed: number | bigint, sequence: number, step: number): number {
  const [first, second] = philox([step >>> 0, sequence >>> 0, 0, 0], keyOf(seed));
  return ((first >>> 5) * 2 ** 26 + (second >>> 6)) / 2 ** 53;
}

function keyOf(seed: number | bigint): readonly [number, number] {
  if (typeof seed === 'number') return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  return [Number(BigInt.asUintN(32, seed)), Number(BigInt.asUintN(32, seed >> 32n))];
}
