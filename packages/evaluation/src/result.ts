/** What an evaluation finds: the data behind tables, reports, comparisons and submissions. */

import type { Calibration } from './calibration.ts';
import type { ShotChoice } from './few-shot/choose-examples.ts';
import type { Expansion } from './label-expansion.ts';
import type { AccuracySummary } from './statistics/classification.ts';
import type { Interval } from './statistics/proportion.ts';

export interface Prediction {
  readonly id: string | number | undefined;
  readonly gold: string | undefined;
  readonly predicted: string;
  /** Aligned with the labels of the result: probabilities that sum to 1, or, calibrated, what the greatest of is taken. */
  readonly scores: readonly number[];
  /** The example did not fit into the context and was cut. */
  readonly truncated: boolean;
  /** Solved examples that the prompt had in the end. */
  readonly shots: number;
}

export interface DecisionSettings {
  readonly calibrate: Calibration;
  readonly expand: Expansion;
}

/** One pass over the examples of a task: one template, one set of solved examples, one way to decide. */
export interface TaskRun extends DecisionSettings {
  /** Name and version: `plain@1`. */
  readonly template: string;
  /** Solved examples asked for. */
  readonly shots: number;
  /** Official split that the solved examples come from; undefined without any. */
  readonly split: number | undefined;
  /** Number of the order of the solved examples, from 0. */
  readonly order: number;
  readonly correct: number;
  /** Undefined where the data has no labels. */
  readonly accuracy: number | undefined;
  readonly truncatedShare: number;
  readonly predictions: readonly Prediction[];
}

export interface TaskResult {
  readonly task: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly examples: number;
  /** Mean over the runs. */
  readonly accuracy: number | undefined;
  /** Standard deviation between the runs (n - 1); undefined with one. */
  readonly deviation: number | undefined;
  /**
   * Where the solved examples were permuted: greatest less smallest accuracy between the orders of a split, the mean over
   * the splits.
   */
  readonly orderSpread?: number | undefined;
  /** Share of the most frequent label in these examples; undefined where the data has no labels. */
  readonly majority: number | undefined;
  /** 1 / number of labels. */
  readonly random: number;
  /** One zero-shot; one a split and order with solved examples. */
  readonly runs: readonly TaskRun[];
}

/** How the prompts were made; part of the results. */
export interface EvaluationSettings extends DecisionSettings {
  /** Name of a template that all tasks must have; each task's first when absent. */
  readonly template?: string | undefined;
  /** `sequence`: all tokens of a label's word, their mean; `first`: the first token alone, as in the original. */
  readonly words: 'sequence' | 'first';
  /** Solved examples in front of each question. */
  readonly shots: number;
  readonly choice: ShotChoice;
  /** Orders of the solved examples that are tried; 1 leaves the order fixed. */
  readonly orders: number;
  readonly seed: number;
  /** Examples of each task, drawn by the seed; all when absent. */
  readonly limit?: number | undefined;
  /** File of the data: `test_public`. */
  readonly set: string;
}

export interface TaskSummary extends AccuracySummary {
  readonly deviation?: number | undefined;
  readonly orderSpread?: number | undefined;
  readonly truncatedShare: number;
}

/** The content of results.json. */
export interface EvaluationResults {
  readonly format: 'tunan-evaluation';
  readonly formatVersion: 1;
  /** `zeroclue`, `fewclue`, `poems`. */
  readonly suite: string;
  /** Directory or endpoint. */
  readonly model: string;
  /** What the scores depend on beside the prompts; see Scorer. */
  readonly identity: string;
  /** Absent where the model was trained on the tasks (`--tune`). */
  readonly settings?: EvaluationSettings | undefined;
  /** The plain mean of the accuracies, with a bootstrap interval over the examples. */
  readonly mean: Interval & { readonly accuracy: number };
  /** By name; the interval of a task with several runs is that of all their answers taken together. */
  readonly summary: Readonly<Record<string, TaskSummary>>;
  readonly tasks: readonly TaskResult[];
}
