/**
 * Answers held to the wanted ones: exact match (of labels: accuracy) and chrF, with 95 % intervals by the bootstrap over the examples, and
 * how far one answerer is above each of the others on the same resamples.
 */

import type { Interval } from '@tunan/classifier/proportion';
import { bootstrapStatistics } from '../statistics/bootstrap.ts';
import { CHRF_COUNTS, chrfCounts, chrfOf } from './chrf.ts';

export type Answerer = 'before' | 'after' | 'best' | 'copy' | 'nearest' | 'majority';

export type Measured = Interval & { readonly value: number };

export interface AnswerScores {
  readonly answerer: Answerer;
  /** Share of answers that are the wanted text, white space around them aside. */
  readonly exact: Measured;
  /** From 0 to 100. */
  readonly chrf: Measured;
  /** How much the tuned model is above this one; absent for itself. */
  readonly ahead?: { readonly exact: Measured; readonly chrf: Measured };
}

const RESAMPLES = 1000;

/** @param answers of each answerer one a wanted text; 'after' is among them */
export function scoreAnswers(
  wanted: readonly string[],
  answers: ReadonlyMap<Answerer, readonly string[]>,
): AnswerScores[] {
  const parts = [...answers].map(([answerer, given]) => ({ answerer, ...statisticsOf(wanted, given) }));
  const after = parts.find(({ answerer }) => answerer === 'after')!;
  const statistics = parts.flatMap(({ exact, chrf }) => [
    exact,
    chrf,
    (sample: Int32Array) => after.exact(sample) - exact(sample),
    (sample: Int32Array) => after.chrf(sample) - chrf(sample),
  ]);
  const measured = bootstrapStatistics(wanted.length, statistics, { resamples: RESAMPLES });
  return parts.map(({ answerer }, i) => {
    const [exact, chrf, exactAhead, chrfAhead] = measured.slice(4 * i) as [Measured, Measured, Measured, Measured];
    const ahead = { exact: exactAhead, chrf: chrfAhead };
    return { answerer, exact, chrf, ...(answerer !== 'after' && { ahead }) };
  });
}

function statisticsOf(wanted: readonly string[], given: readonly string[]) {
  const right = Float64Array.from(wanted, (text, i) => (text.trim() === given[i]!.trim() ? 1 : 0));
  const counts = wanted.map((text, i) => chrfCounts(given[i]!, text));
  return {
    exact: (sample: Int32Array) => sample.reduce((sum, i) => sum + right[i]!, 0) / sample.length,
    chrf: (sample: Int32Array) => {
      const sums = new Float64Array(CHRF_COUNTS);
      for (const i of sample) for (let k = 0; k < CHRF_COUNTS; k++) sums[k]! += counts[i]![k]!;
      return chrfOf(sums);
    },
  };
}

/** Of so many different answers at most, each learnt so often on average, a task is one of labels. */
const MOST_LABELS = 50;
const LEAST_EXAMPLES_A_LABEL = 5;

/** The different answers, the most frequent first, where they are labels; otherwise undefined. */
export function labelsOf(answers: readonly string[]): string[] | undefined {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer.trim(), (counts.get(answer.trim()) ?? 0) + 1);
  if (counts.size > MOST_LABELS || answers.length < LEAST_EXAMPLES_A_LABEL * counts.size) return undefined;
  return [...counts].sort(([, a], [, b]) => b - a).map(([label]) => label);
}
