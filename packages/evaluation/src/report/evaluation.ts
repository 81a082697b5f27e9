/** What a report and a results folder are made of. */
import type { TaskResult } from '../result.ts';
import type { Example } from '../tasks/task.ts';
import type { ShownPrompt } from './samples.ts';

/** One cell of `--ablate`: a way to decide, and the accuracy of every task under it. */
export interface AblationCell {
  readonly calibrate: string;
  readonly expand: string;
  readonly accuracies: Readonly<Record<string, number>>;
}

export interface Evaluation {
  /** `zeroclue`, `fewclue`, … */
  readonly suite: string;
  readonly model: { readonly name: string; readonly identity: string };
  /** As given on the command line, defaults filled in. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly results: readonly TaskResult[];
  readonly ablation?: readonly AblationCell[];
}

/** What the report shows of a task beside its numbers. */
export interface TaskMaterial {
  /** In the order of the predictions. */
  readonly examples: readonly Example[];
  readonly prompts: readonly ShownPrompt[];
}
