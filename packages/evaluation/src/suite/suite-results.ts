/** What running a suite takes, however its tasks are scored, and what it leaves in the results folder. */
import path from 'node:path';
import { completeSettings, type EvaluatedTask } from '../evaluate-tasks.ts';
import type { AblationCell, Evaluation, TaskMaterial } from '../report/evaluation.ts';
import { writeEvaluation } from '../report/results-folder.ts';
import type { Sample } from '../report/samples.ts';
import { SUBMISSION_FILE, type SubmissionPart, writeSubmission } from '../report/submission.ts';
import type { EvaluationSummary } from '../report/summary.ts';
import type { GivenSettings, Split } from '../result.ts';
import type { Suite } from './suite.ts';

export interface SuiteOptions {
  /** Results folder. What was computed is kept in it: the same call goes on where one was stopped. */
  readonly out: string;
  /** Over those of the suite. */
  readonly settings?: GivenSettings | undefined;
  /** Answers all of test.json too, for the leaderboard's zip. */
  readonly submit?: boolean | undefined;
  /** Stored beside the settings, such as the precision of the model. */
  readonly described?: Evaluation['settings'] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SuiteResults {
  readonly evaluation: Evaluation;
  readonly summary: EvaluationSummary;
  /** Path of the leaderboard's zip; undefined where it was not asked for. */
  readonly submission: string | undefined;
}

/** What is written, whichever way it was found. */
export interface Found {
  readonly model: Evaluation['model'];
  readonly evaluated: readonly EvaluatedTask[];
  readonly submission: readonly SubmissionPart[];
  /** By training on the splits instead of prompting. */
  readonly tuned: boolean;
  readonly ablate?: boolean | undefined;
  readonly keepSamples?: boolean | undefined;
}

/** How the leaderboard calls a split. */
export function submittedSplit(split: Split): string {
  return split === 'few_all' ? 'all' : String(split);
}

/** results.json, predictions.jsonl, report.html, and what else was asked for. */
export function writeResults(suite: Suite, found: Found, options: SuiteOptions): SuiteResults {
  const { model, evaluated } = found;
  const { out } = options;
  const material = new Map(evaluated.map((one): [string, TaskMaterial] => [one.result.task, one]));
  const { splits, ...plain } = completeSettings(suite.settings, options.settings);
  const described = { ...plain, splits: splits.join(' '), tune: found.tuned, ...options.described };
  const ablation = found.ablate ? ablationCells(evaluated) : undefined;
  const evaluation: Evaluation = {
    suite: suite.name,
    model,
    settings: Object.fromEntries(
      Object.entries(described).filter(([, value]) => value !== undefined),
    ) as Evaluation['settings'],
    results: evaluated.map(({ result }) => result),
    ...(ablation && { ablation }),
  };
  const summary = writeEvaluation(out, evaluation, material, found.keepSamples ? samplesOf(evaluated) : undefined);
  const submission = options.submit ? path.join(out, SUBMISSION_FILE) : undefined;
  if (submission !== undefined) writeSubmission(submission, found.submission);
  return { evaluation, summary, submission };
}

function* samplesOf(evaluated: readonly EvaluatedTask[]): Generator<Sample> {
  for (const one of evaluated) yield* one.samples();
}

function ablationCells(evaluated: readonly EvaluatedTask[]): AblationCell[] {
  const first = evaluated.find(({ ablation }) => ablation.length > 0);
  return (first?.ablation ?? []).map(({ calibrate, expand }, cell) => ({
    calibrate,
    expand,
    accuracies: Object.fromEntries(
      evaluated.flatMap(({ result, ablation }) =>
        ablation.length === 0 ? [] : [[result.task, ablation[cell]!.accuracy]],
      ),
    ),
  }));
}
