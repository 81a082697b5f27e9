/**
 * The binomial distribution without approximation: tails by the regularised incomplete beta function, Clopper and Pearson's interval
 * (1934), which covers the true share at least as often as it says, and how many trials show that a share is below a limit.
 */
import type { Interval } from '@tunan/classifier/proportion';

/** P(X ≤ successes) of that many trials, each a success with the chance `share`. */
export function binomialAtMost(successes: number, trials: number, share: number): number {
  if (successes >= trials) return 1;
  return successes < 0 ? 0 : regularisedBeta(1 - share, trials - successes, successes + 1);
}

/** Two-sided p of the share one half. */
export function halfP(successes: number, trials: number): number {
  return Math.min(1, 2 * binomialAtMost(Math.min(successes, trials - successes), trials, 0.5));
}

/** @param confidence how often at least the interval covers the true share */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): Interval {
  const outside = (1 - confidence) / 2;
  const low = successes === 0 ? 0 : root((share) => 1 - binomialAtMost(successes - 1, trials, share) - outside);
  const high = successes === trials ? 1 : root((share) => outside - binomialAtMost(successes, trials, share));
  return { low, high };
}

export interface Claim {
  /** The share is to be shown to lie below this. */
  readonly limit: number;
  /** What it truly is. */
  readonly truth: number;
  /** The chance to show it. */
  readonly power: number;
}

/** What planned and counted power stand for where nobody says otherwise: people who guess, shown to be right in fewer than 55 of 100 cases. */
export const CLAIM: Claim = { limit: 0.55, truth: 0.5, power: 0.8 };

/** The chance that so many independent trials put the upper end of the interval of 95 % below the limit. */
export function powerOf(trials: number, { limit, truth }: Omit<Claim, 'power'>): number {
  return binomialAtMost(mostBelow(trials, limit), trials, truth);
}

/** The number of independent trials from which on the power is never less. */
export function trialsNeeded(claim: Claim = CLAIM): number {
  let trials = 8;
  while (powerOf(trials, claim) < claim.power) trials = Math.ceil(trials * 1.5);
  // Powers go up and down by steps of whole successes; a tenth above they no longer reach down to what is asked.
  trials = Math.ceil(trials * 1.1);
  while (powerOf(trials - 1, claim) >= claim.power) trials--;
  return trials;
}

/** Most successes at which the interval of 95 % ends below the limit; -1 where none is few enough. */
function mostBelow(trials: number, limit: number): number {
  let [low, high] = [-1, trials];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (binomialAtMost(middle, trials, limit) < 0.025) low = middle;
    else high = middle;
  }
  return low;
}

/** Where a rising function of a share crosses zero. */
function root(rising: (share: number) => number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The distance from the mean that Student's t of so many degrees of freedom exceeds, either way, in one of 20 cases. */
export function studentQuantile95(freedom: number): number {
  // Searched for by an angle, whose tangent takes every value.
  const angle = root((turn) => 0.05 - regularisedBeta(freedom / (freedom + tangent(turn) ** 2), freedom / 2, 0.5));
  return tangent(angle);
}

const tangent = (turn: number): number => Math.tan((turn * Math.PI) / 2);

/** I_x(a, b) for a, b > 0: the continued fraction of Lentz's method (Press et al., Numerical Recipes, 6.4). */
function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // It converges fast on this side of the mean alone.
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const nonZero = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return value;
}

/** Stirling's series, brought above 12 by the recurrence. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  while (at < 12) shift -= Math.log(at++);
  const squared = at * at;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * squared)) / squared) / squared) / at;
  return shift + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series;
}
