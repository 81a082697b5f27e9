/**
 * Bootstrap of judgements that have two things in common with others: the judge and the text. A bootstrap of judgements takes them for
 * independent, and its interval may be far too narrow.
 *
 * The variance is that of a bootstrap of judges, plus that of one of texts, minus that of one of judgements, which is in both (Cameron, Gelbach
 * & Miller 2011, «Robust inference with multiway clustering»), and no less than either. The shape of the interval comes from resampling both
 * at once, where a judgement counts as often as its judge times its text was drawn (Owen 2007, «The pigeonhole bootstrap»); as that counts the
 * noise of single judgements three times, it is brought to the variance above. Few judges or texts vary less among themselves than the people
 * and texts that they stand for: n / (n - 1), and Student's t with as many degrees of freedom as the fewer of them, less one.
 */
import type { Interval } from '@tunan/classifier/proportion';
import { seededRandom } from '../random.ts';
import { studentQuantile95 } from './binomial.ts';
import { type BootstrapOptions, quantile } from './bootstrap.ts';

/** The 0.975 quantile of the standard normal distribution. */
const NORMAL_95 = 1.959963984540054;

export interface Crossed {
  readonly judge: string;
  readonly text: string;
}

export interface ResampledStatistic extends Interval {
  /** Of what was seen; NaN where it has none. */
  readonly value: number;
  /** Standard error. */
  readonly error: number;
}

/**
 * @param rows of at least two judges and two texts
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
  const count = statistics.length;
  const [both, ofJudges, ofTexts, ofRows] = [0, 0, 0, 0].map(() => statistics.map((): number[] => []));
  const weights = new Float64Array(rows.length);
  const draw = (drawn: number[][], weightOf: (row: number) => number) => {
    for (let i = 0; i < rows.length; i++) weights[i] = weightOf(i);
    for (let i = 0; i < count; i++) {
      const value = statistics[i]!(weights);
      if (!Number.isNaN(value)) drawn[i]!.push(value);
    }
  };
  for (let resample = 0; resample < resamples; resample++) {
    const [judge, text] = [draws(judges.count, random), draws(texts.count, random)];
    const row = draws(rows.length, random);
    draw(both!, (i) => judge[judges.of[i]!]! * text[texts.of[i]!]!);
    draw(ofJudges!, (i) => judge[judges.of[i]!]!);
    draw(ofTexts!, (i) => text[texts.of[i]!]!);
    draw(ofRows!, (i) => row[i]!);
  }
  const once = new Float64Array(rows.length).fill(1);
  const wider = studentQuantile95(Math.min(judges.count, texts.count) - 1) / NORMAL_95;
  return statistics.map((statistic, i) => {
    const value = statistic(once);
    const [pigeonhole, judge, text, single] = [both!, ofJudges!, ofTexts!, ofRows!].map((drawn) => variance(drawn[i]!));
    const ofJudge = (judge! * judges.count) / (judges.count - 1);
    const ofText = (text! * texts.count) / (texts.count - 1);
    const error = Math.sqrt(Math.max(ofJudge + ofText - single!, ofJudge, ofText));
    const width = pigeonhole === 0 ? 1 : (wider * error) / Math.sqrt(pigeonhole!);
    const sorted = both![i]!.sort((a, b) => a - b);
    const edge = (share: number) => value + width * (quantile(sorted, share) - value);
    return { value, error, low: edge(0.025), high: edge(0.975) };
  });
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
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
