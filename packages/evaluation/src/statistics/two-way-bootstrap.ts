/**
 * Bootstrap of judgements that have two things in common with others: the judge and the text. Both are resampled, each on its own, and a
 * judgement counts as often as its judge times its text was drawn (Owen 2007, «The pigeonhole bootstrap»): its variance is never too small
 * by more than what is left of single judgements, where a bootstrap of judgements, which takes them for independent, may be far too small.
 */
import type { Interval } from '@tunan/classifier/proportion';
import { seededRandom } from '../random.ts';
import { type BootstrapOptions, quantile } from './bootstrap.ts';

export interface Crossed {
  readonly judge: string;
  readonly text: string;
}

export interface ResampledStatistic extends Interval {
  /** Of what was seen; NaN where it has none. */
  readonly value: number;
  /** Standard deviation over the resamples. */
  readonly error: number;
}

/**
 * @param statistics each from how often every row counts; a resample in which it is NaN, because it has no row of a kind, is left out
 * @returns in the order of the statistics, all over the same resamples
 */
export function twoWayBootstrap(
  rows: readonly Crossed[],
  statistics: readonly ((weights: Float64Array) => number)[],
  { resamples = 2_000, seed = 20211010 }: BootstrapOptions = {},
): ResampledStatistic[] {
  const [judges, texts] = [numbered(rows.map(({ judge }) => judge)), numbered(rows.map(({ text }) => text))];
  const random = seededRandom(seed);
  const drawn: number[][] = statistics.map(() => []);
  const weights = new Float64Array(rows.length);
  for (let resample = 0; resample < resamples; resample++) {
    const [ofJudge, ofText] = [draws(judges.count, random), draws(texts.count, random)];
    for (let i = 0; i < rows.length; i++) weights[i] = ofJudge[judges.of[i]!]! * ofText[texts.of[i]!]!;
    statistics.forEach((statistic, i) => {
      const value = statistic(weights);
      if (!Number.isNaN(value)) drawn[i]!.push(value);
    });
  }
  const once = new Float64Array(rows.length).fill(1);
  return statistics.map((statistic, i) => {
    const sorted = drawn[i]!.sort((a, b) => a - b);
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    const error = Math.sqrt(sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (sorted.length - 1));
    return { value: statistic(once), error, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

/** The weighted mean of the values whose row is taken. */
export function weightedMean(values: ArrayLike<number>, taken: (row: number) => boolean = () => true) {
  return (weights: Float64Array): number => {
    let [sum, weight] = [0, 0];
    for (let i = 0; i < weights.length; i++) {
      if (!taken(i)) continue;
      sum += weights[i]! * values[i]!;
      weight += weights[i]!;
    }
    return sum / weight;
  };
}

/**
 * How much y rises with x inside the rows of one judge (least squares with an intercept for each judge): judges who are good and fast
 * do not pass for an effect of time.
 */
export function slopeInsideJudges(rows: readonly Crossed[], x: ArrayLike<number>, y: ArrayLike<number>) {
  const judges = numbered(rows.map(({ judge }) => judge));
  return (weights: Float64Array): number => {
    const [weight, sumX, sumY] = [0, 0, 0].map(() => new Float64Array(judges.count)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (let i = 0; i < rows.length; i++) {
      const judge = judges.of[i]!;
      weight[judge]! += weights[i]!;
      sumX[judge]! += weights[i]! * x[i]!;
      sumY[judge]! += weights[i]! * y[i]!;
    }
    let [together, squares] = [0, 0];
    for (let i = 0; i < rows.length; i++) {
      const judge = judges.of[i]!;
      if (weight[judge] === 0) continue;
      const dx = x[i]! - sumX[judge]! / weight[judge]!;
      together += weights[i]! * dx * (y[i]! - sumY[judge]! / weight[judge]!);
      squares += weights[i]! * dx * dx;
    }
    return together / squares;
  };
}

function numbered(names: readonly string[]): { readonly of: Int32Array; readonly count: number } {
  const numbers = new Map<string, number>();
  for (const name of names) if (!numbers.has(name)) numbers.set(name, numbers.size);
  return { of: Int32Array.from(names, (name) => numbers.get(name)!), count: numbers.size };
}

/** How often each of so many comes, when as many are drawn with replacement. */
function draws(count: number, random: () => number): Int32Array {
  const times = new Int32Array(count);
  for (let i = 0; i < count; i++) times[Math.floor(random() * count)]!++;
  return times;
}
