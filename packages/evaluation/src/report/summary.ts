/**
 * From the runs of tasks to the numbers that are reported: accuracy with its interval beside majority and chance, and the mean
 * of the tasks with a bootstrap interval.
 *
 * Several runs over the same examples (splits, orders) are no more examples: the interval of their mean accuracy is that of
 * one run, and the deviation between the runs stands beside it.
 */

import { type Interval, wilsonInterval } from '@tunan/classifier';
import type { TaskResult } from '../result.ts';
import { bootstrapMean } from '../statistics/bootstrap.ts';

export interface TaskSummary {
  readonly task: string;
  readonly title: string;
  /** Undefined where the data has no labels. */
  readonly accuracy: number | undefined;
  /** 95 %, Wilson. */
  readonly interval: Interval | undefined;
  /** Between the runs; undefined with one. */
  readonly deviation: number | undefined;
  readonly examples: number;
  readonly runs: number;
  readonly majority: number | undefined;
  readonly random: number;
  readonly truncatedShare: number;
}

export interface MeanSummary {
  /** Plain mean of the tasks' accuracies, as the leaderboard takes it. */
  readonly accuracy: number;
  /** 95 %, bootstrap over the examples of each task. */
  readonly interval: Interval;
  readonly majority: number;
  readonly random: number;
  readonly tasks: number;
}

export interface EvaluationSummary {
  readonly tasks: readonly TaskSummary[];
  /** Undefined where no task has labels. */
  readonly mean: MeanSummary | undefined;
}

export function summariseEvaluation(results: readonly TaskResult[]): EvaluationSummary {
  const labelled = results.filter(({ accuracy }) => accuracy !== undefined);
  return { tasks: results.map(summariseTask), mean: labelled.length === 0 ? undefined : summariseMean(labelled) };
}

function summariseTask(result: TaskResult): TaskSummary {
  const { task, title, accuracy, deviation, examples, majority, random, runs } = result;
  return {
    task,
    title,
    accuracy,
    interval: accuracy === undefined ? undefined : wilsonInterval(accuracy * examples, examples),
    deviation,
    examples,
    runs: runs.length,
    majority,
    random,
    truncatedShare: mean(runs.map(({ truncatedShare }) => truncatedShare)),
  };
}

function summariseMean(labelled: readonly TaskResult[]): MeanSummary {
  const { mean: accuracy, low, high } = bootstrapMean(labelled.map(exampleOutcomes));
  return {
    accuracy,
    interval: { low, high },
    majority: mean(labelled.map(({ majority }) => majority ?? 0)),
    random: mean(labelled.map(({ random }) => random)),
    tasks: labelled.length,
  };
}

/** What of a result tells right from wrong; stored results have no more. */
interface Answered {
  readonly gold?: string | undefined;
  readonly predicted: string;
}

/** For each example the share of runs that got it right. */
export function exampleOutcomes({
  runs,
  examples,
}: {
  readonly runs: readonly { readonly predictions: readonly Answered[] }[];
  readonly examples: number;
}): number[] {
  return Array.from({ length: examples }, (_, i) =>
    mean(runs.map(({ predictions }) => Number(isRight(predictions[i]!)))),
  );
}

export function isRight({ gold, predicted }: Answered): boolean {
  return gold === predicted;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
