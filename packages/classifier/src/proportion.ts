/**
 * A share of successes and its interval. An entry of its own, which loads nothing of the engine: who judges by samples needs it, corpora
 * in their audit and evaluations in every table.
 */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The 0.975 quantile of the standard normal distribution. */
const Z95 = 1.959963984540054;

/**
 * Wilson's score interval of 95 % (Wilson 1927; Brown, Cai & DasGupta 2001 prefer it to the normal one at any n).
 * @param trials at least 1
 */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (!(Number.isInteger(trials) && trials > 0 && successes >= 0 && successes <= trials)) {
    throw new Error(`${successes} successes in ${trials} trials`);
  }
  const share = successes / trials;
  const z2 = Z95 * Z95;
  const centre = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const half = (Z95 / (1 + z2 / trials)) * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials * trials));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
