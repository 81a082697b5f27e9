/**
 * Bootstrap intervals (Efron 1979, percentile method) of a mean of task accuracies.
 *
 * The examples are resampled inside their task, because the tasks are fixed and only the examples are a sample. The number
 * of correct answers in a resample of n examples is drawn as n draws from the outcomes that were seen. Seeded.
 */

import type { Interval } from '@tunan/classifier/proportion';
import { seededRandom } from '../random.ts';

export interface BootstrapOptions {
  readonly resamples?: number;
  readonly seed?: number;
}

const RESAMPLES = 2_000;
const SEED = 20211010;

/** @param tasks for each task one outcome an example: 1 or 0, or the difference of two models' outcomes */
export function bootstrapMean(
  tasks: readonly (readonly number[])[],
  options: BootstrapOptions = {},
): Interval & { readonly mean: number } {
  const means = resampledMeans(tasks, options);
  return { mean: mean(tasks.map(mean)), low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/**
 * Two-sided: how often a resample of the differences, moved to have mean zero, is as far from zero as what was seen.
 * @param tasks for each task the difference of the two models' outcomes at every example
 */
export function bootstrapChance(tasks: readonly (readonly number[])[], options: BootstrapOptions = {}): number {
  const seen = mean(tasks.map(mean));
  const means = resampledMeans(tasks, options);
  // Sums in another order differ in the last digits: an equal distance must count as one.
  const asFar = means.filter((value) => Math.abs(value - seen) >= Math.abs(seen) - 1e-12).length;
  return (asFar + 1) / (means.length + 1);
}

/**
 * Intervals of statistics of the same examples, over the same resamples: the interval of a difference is that of a paired comparison.
 * @param statistics each from the numbers of the examples that a sample has
 */
export function bootstrapStatistics(
  examples: number,
  statistics: readonly ((sample: Int32Array) => number)[],
  { resamples = RESAMPLES, seed = SEED }: BootstrapOptions = {},
): (Interval & { readonly value: number })[] {
  const random = seededRandom(seed);
  const drawn = statistics.map(() => new Float64Array(resamples));
  const sample = new Int32Array(examples);
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = 0; i < examples; i++) sample[i] = Math.floor(random() * examples);
    statistics.forEach((statistic, i) => {
      drawn[i]![resample] = statistic(sample);
    });
  }
  const all = Int32Array.from({ length: examples }, (_, i) => i);
  return statistics.map((statistic, i) => {
    const sorted = [...drawn[i]!.sort()];
    return { value: statistic(all), low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

/** In ascending order. */
function resampledMeans(
  tasks: readonly (readonly number[])[],
  { resamples = RESAMPLES, seed = SEED }: BootstrapOptions,
): number[] {
  if (tasks.length === 0 || tasks.some((outcomes) => outcomes.length === 0)) throw new Error('a task without examples');
  const random = seededRandom(seed);
  const means = Array.from({ length: resamples }, () => mean(tasks.map((outcomes) => resampledMean(outcomes, random))));
  return means.sort((a, b) => a - b);
}

function resampledMean(outcomes: readonly number[], random: () => number): number {
  let sum = 0;
  for (let i = 0; i < outcomes.length; i++) sum += outcomes[Math.floor(random() * outcomes.length)]!;
  return sum / outcomes.length;
}

export function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
