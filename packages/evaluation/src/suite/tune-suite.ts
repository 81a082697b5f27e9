/** A suite run by training: every task learns on its official splits instead of being prompted. */
import path from 'node:path';
import type { Precision } from '@tunan/model';
import type { Device } from '@tunan/torch';
import { completeSettings, type EvaluatedTask } from '../evaluate-tasks.ts';
import type { SubmissionPart } from '../report/submission.ts';
import type { Split } from '../result.ts';
import { modelIdentity } from '../scoring/model-identity.ts';
import type { Task } from '../tasks/task.ts';
import { checkTuningData, tuneTask } from '../tune/tune-task.ts';
import type { Suite } from './suite.ts';
import { type SuiteOptions, type SuiteResults, submittedSplit, writeResults } from './suite-results.ts';

export interface TuneSuiteOptions extends SuiteOptions {
  readonly device?: Device | undefined;
  readonly dtype?: Precision | undefined;
  /** Before a task is trained on: the most seconds that it may take. */
  readonly onEstimate?: ((task: Task, seconds: number) => void) | undefined;
  readonly onEpoch?: ((task: Task, split: Split, epoch: number) => void) | undefined;
}

/**
 * Trains on the tasks of a suite, those with official splits, and writes the results folder.
 * @param directory model directory with its tokenizer
 * @throws EvaluationError, ModelError, TokenizerError
 */
export async function tuneSuite(suite: Suite, directory: string, options: TuneSuiteOptions): Promise<SuiteResults> {
  const { tasks, data } = suite;
  const { device = 'cpu', dtype = 'float32', submit, signal, onEstimate, onEpoch } = options;
  const { limit, set, splits, seed } = completeSettings(suite.settings, options.settings);
  const sets = { set, splits, submit };
  checkTuningData(tasks, data, sets);
  const identity = modelIdentity(directory, `${dtype} ${device}`);
  const keep = { directory: path.join(options.out, 'tuned'), modelIdentity: identity };
  const evaluated: EvaluatedTask[] = [];
  const submission: SubmissionPart[] = [];
  for (const task of tasks) {
    const { result, examples, submissions } = await tuneTask(task, directory, data, {
      ...sets,
      device,
      dtype,
      keep,
      limit,
      signal,
      seed,
      onEstimate: (seconds) => onEstimate?.(task, seconds),
      onEpoch: (split, { epoch }) => onEpoch?.(task, split, epoch),
    });
    evaluated.push({ result, examples, ablation: [], prompts: [], samples: () => [] });
    submission.push(...submissions.map(({ split, ...part }) => ({ task, split: submittedSplit(split), ...part })));
  }
  const model = { name: path.basename(path.resolve(directory)), identity };
  return writeResults(suite, { model, evaluated, submission, tuned: true }, options);
}
