/**
 * From the runs of tasks to the numbers that are reported: accuracy with its interval beside majority and chance, and the mean
 * of the tasks with a bootstrap interval.
 *
 * Several runs over the same examples (splits, orders) are no more examples: the interval of their mean accuracy is that of
 * one run, and the deviation between the runs stands beside it.
 */

import { type Interval, wilsonInterval } from '@tunan/classifier/proportion';
import type { Overlap, TaskResult } from '../result.ts';
import { bootstrapMean } from '../statistics/bootstrap.ts';

export interface TaskSummary {
  readonly task: string;
  readonly title: string;
  /** Name and version of the prompt template. */
  readonly template: string;
  /** Undefined where the data has no labels. */
  readonly accuracy: number | undefined;
  /** 95 %, Wilson. */
  readonly interval: Interval | undefined;
  /** Between the runs; undefined with one. */
  readonly deviation: number | undefined;
  readonly examples: number;
  /** Those that have a label; all else is of them. */
  readonly labelled: number;
  readonly runs: number;
  readonly majority: number | undefined;
  readonly random: number;
  readonly truncatedShare: number;
  /** Solved examples in the prompts; undefined where none were asked for. */
  readonly shots: ShotSummary | undefined;
  /** Share of the answers where several labels were as good. */
  readonly tiedShare: number;
  /** The most of any run; undefined without solved examples. */
  readonly overlap: Overlap | undefined;
}

export interface ShotSummary {
  readonly asked: number;
  /** In the prompts in the end, over all runs. */
  readonly mean: number;
  readonly least: number;
  /** Share of the prompts that had none. */
  readonly none: number;
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
  const { task, title, accuracy, deviation, examples, labelled, majority, random, runs } = result;
  const predictions = runs.flatMap((run) => run.predictions);
  return {
    task,
    title,
    template: runs[0]!.template,
    accuracy,
    interval: accuracy === undefined ? undefined : wilsonInterval(accuracy * labelled, labelled),
    deviation,
    examples,
    labelled,
    runs: runs.length,
    majority,
    random,
    truncatedShare: mean(runs.map(({ truncatedShare }) => truncatedShare)),
    shots: summariseShots(result),
    tiedShare: mean(predictions.map(({ tied }) => Number(tied > 1))),
    overlap: mostOverlap(result),
  };
}

function summariseShots({ runs }: TaskResult): ShotSummary | undefined {
  const asked = Math.max(...runs.map(({ shots }) => shots));
  if (asked === 0) return undefined;
  const counts = runs.flatMap(({ predictions }) => predictions.map(({ shots }) => shots));
  const least = counts.reduce((least, count) => Math.min(least, count), asked);
  return { asked, mean: mean(counts), least, none: mean(counts.map((count) => Number(count === 0))) };
}

function mostOverlap({ runs }: TaskResult): Overlap | undefined {
  const found = runs.flatMap(({ overlap }) => overlap ?? []);
  if (found.length === 0) return undefined;
  const most = (pick: (overlap: Overlap) => number) => Math.max(...found.map(pick));
  return { examples: most((one) => one.examples), same: most((one) => one.same), shown: most((one) => one.shown) };
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

/** For each labelled example the share of runs that got it right. */
export function exampleOutcomes({
  runs,
}: {
  readonly runs: readonly { readonly predictions: readonly Answered[] }[];
}): number[] {
  return runs[0]!.predictions.flatMap(({ gold }, i) =>
    gold === undefined ? [] : [mean(runs.map(({ predictions }) => Number(isRight(predictions[i]!))))],
  );
}

export function isRight({ gold, predicted }: Answered): boolean {
  return gold === predicted;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
