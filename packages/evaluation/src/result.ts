/** What an evaluation finds: the data behind tables, reports, comparisons and submissions. */

import type { Calibration, Normalisation } from './calibration.ts';
import type { ShotChoice } from './few-shot/choose-examples.ts';
import type { Expansion } from './label-expansion.ts';

export interface Prediction {
  readonly id: string | number | undefined;
  readonly gold: string | undefined;
  readonly predicted: string;
  /** Aligned with the labels of the result: probabilities that sum to 1, or, calibrated, what the greatest of is taken. */
  readonly scores: readonly number[];
  /** The example did not fit into the context and was cut. */
  readonly truncated: boolean;
  /** Solved examples that the prompt had in the end; in training those that were learnt from. */
  readonly shots: number;
  /** Labels with the greatest score: more than one is a tie, which was broken by lot. */
  readonly tied: number;
}

export interface DecisionSettings {
  readonly normalise: Normalisation;
  readonly calibrate: Calibration;
  readonly expand: Expansion;
}

/** An official training set: `train_0` … `train_4`, or `train_few_all`, which is all of them. */
export type Split = number | 'few_all';

/** What the training set and the questions have in common; see few-shot/shared-text.ts. */
export interface Overlap {
  /** Questions that share a passage with a solved example of the set. */
  readonly examples: number;
  /** Those that stand in the set themselves. */
  readonly same: number;
  /** Questions whose prompt showed such an example. */
  readonly shown: number;
}

/** One pass over the examples of a task: one template, one set of solved examples, one way to decide. */
export interface TaskRun extends DecisionSettings {
  /** Name and version: `plain@1`. */
  readonly template: string;
  /** Solved examples asked for. */
  readonly shots: number;
  /** Official split that the solved examples come from; undefined without any. */
  readonly split: Split | undefined;
  /** Number of the order of the solved examples, from 0. */
  readonly order: number;
  readonly correct: number;
  /** Undefined where the data has no labels. */
  readonly accuracy: number | undefined;
  readonly truncatedShare: number;
  /** With solved examples in the prompt. */
  readonly overlap?: Overlap | undefined;
  readonly predictions: readonly Prediction[];
}

export interface TaskResult {
  readonly task: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly examples: number;
  /** Those that have a label: accuracy, majority and intervals are of them. */
  readonly labelled: number;
  /** Mean over the runs. */
  readonly accuracy: number | undefined;
  /** Standard deviation between the runs (n - 1); undefined with one. */
  readonly deviation: number | undefined;
  /**
   * Where the solved examples were permuted: greatest less smallest accuracy between the orders of a split, the mean over
   * the splits.
   */
  readonly orderSpread?: number | undefined;
  /** Share of the most frequent label in the labelled examples; undefined where the data has no labels. */
  readonly majority: number | undefined;
  /** 1 / number of labels. */
  readonly random: number;
  /** One zero-shot; one a split and order with solved examples. */
  readonly runs: readonly TaskRun[];
}

/** Some settings; the others, and those that are undefined, are the defaults. */
export type GivenSettings = { readonly [Name in keyof EvaluationSettings]?: EvaluationSettings[Name] | undefined };

/** How prompts are made and decided on. */
export interface EvaluationSettings extends DecisionSettings {
  /** Name or number, from 1, of the template; each task's first when absent. */
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
  /** Official splits that solved examples are taken from. */
  readonly splits: readonly Split[];
}
