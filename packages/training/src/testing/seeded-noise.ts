/** Numbers around 0 for tests, the same ones every time. */
import { foldKey } from '../data/permutation.ts';

/** Of a standard deviation of about `spread`, by the central limit of twelve uniform ones. */
export function seededNoise(seed: number, spread: number): (i: number) => number {
  return (i) => {
    let sum = -6;
    for (let k = 0; k < 12; k++) sum += (foldKey(seed, i, k) >>> 0) / 2 ** 32;
    return spread * sum;
  };
}
