/**
 * McNemar's exact test of two models on the same examples: only the examples on which one is right and the other wrong
 * speak, and under no difference each of them falls to either side with one half.
 */
import { halfP } from './binomial.ts';

export interface PairedCounts {
  /** Right by the first model alone. */
  readonly onlyFirst: number;
  /** Right by the second alone. */
  readonly onlySecond: number;
}

export function pairedCounts(first: readonly boolean[], second: readonly boolean[]): PairedCounts {
  if (first.length !== second.length) throw new Error(`${first.length} outcomes beside ${second.length}`);
  return {
    onlyFirst: first.filter((right, i) => right && !second[i]).length,
    onlySecond: second.filter((right, i) => right && !first[i]).length,
  };
}

/** Two-sided p of the binomial distribution with one half; 1 where the models never disagree. */
export function mcnemarExact({ onlyFirst, onlySecond }: PairedCounts): number {
  return halfP(onlyFirst, onlyFirst + onlySecond);
}
