/** What an evaluation finds: the data behind tables, reports, comparisons and submissions. */

export type Calibration = 'none' | 'diagonal' | 'identity';
export type Expansion = 'none' | 'mean' | 'max';

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
  /** Share of the most frequent label in these examples; undefined where the data has no labels. */
  readonly majority: number | undefined;
  /** 1 / number of labels. */
  readonly random: number;
  /** One zero-shot; one a split and order with solved examples. */
  readonly runs: readonly TaskRun[];
}
