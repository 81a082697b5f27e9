/**
 * A suite run by prompting, top to bottom: every file is checked, the model opened, all tasks scored and decided on, the results folder
 * written. Says nothing itself: progress goes to the caller.
 */
import path from 'node:path';
import { checkEvaluation, completeSettings, type EvaluationProgress, evaluateTasks } from '../evaluate-tasks.ts';
import type { SubmissionPart } from '../report/submission.ts';
import type { GivenSettings } from '../result.ts';
import type { Task } from '../tasks/task.ts';
import { type OpenedModel, withCache } from './opened-model.ts';
import type { Suite } from './suite.ts';
import { type SuiteOptions, type SuiteResults, submittedSplit, writeResults } from './suite-results.ts';

export interface RunSuiteOptions extends SuiteOptions {
  /** Decides in all four ways of calibration x label expansion too. */
  readonly ablate?: boolean | undefined;
  /** Writes samples.jsonl: prompts, candidates, raw log-probabilities, tokens, solved examples shown. */
  readonly keepSamples?: boolean | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
  /** Told of damaged lines in the cache of scores, which are computed again. */
  readonly onDamagedCache?: ((lines: number, directory: string) => void) | undefined;
}

/** One part of the requests, for several processes or machines with a common results folder. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

type OpenModel = () => OpenedModel | Promise<OpenedModel>;

/**
 * Scores the tasks of a suite and writes the results folder.
 * @param open called once all files are checked; what it opens is disposed of at the end
 * @throws EvaluationError for what a user can mend, before the model is opened where it can be known then
 */
export async function runSuite(suite: Suite, open: OpenModel, options: RunSuiteOptions): Promise<SuiteResults> {
  const { tasks, data } = suite;
  const { ablate, keepSamples, signal, onProgress } = options;
  const { settings, hidden, submitted } = checkSuite(suite, options);
  using model = await openCached(open, options);
  const pass = { settings, signal, onProgress };
  const evaluated = await evaluateTasks(tasks, data, model.scorer, { ...pass, ablate, keepSamples });
  const answers =
    submitted.length === 0 ? [] : await evaluateTasks(submitted, data, model.scorer, { ...pass, settings: hidden });
  const submission = answers.flatMap(({ result, examples }, i): SubmissionPart[] =>
    result.runs
      .filter(({ order }) => order === 0)
      .map(({ split, predictions }) => ({
        task: submitted[i]!,
        examples,
        predictions,
        split: split === undefined ? undefined : submittedSplit(split),
      })),
  );
  const described = { name: model.name, identity: model.scorer.identity };
  return writeResults(suite, { model: described, evaluated, submission, tuned: false, ablate, keepSamples }, options);
}

/** Scores one part of a suite into the cache of the results folder; when all parts are there, `runSuite` finds them. */
export async function scoreShard(suite: Suite, open: OpenModel, shard: Shard, options: RunSuiteOptions): Promise<void> {
  const { tasks, data } = suite;
  const { ablate, signal, onProgress } = options;
  const { settings, hidden, submitted } = checkSuite(suite, options);
  using model = await openCached(open, options);
  const pass = { settings, shard, signal, onProgress };
  await evaluateTasks(tasks, data, model.scorer, { ...pass, ablate });
  if (submitted.length > 0) await evaluateTasks(submitted, data, model.scorer, { ...pass, settings: hidden });
}

/** All files of all tasks. */
function checkSuite(
  { tasks, data, settings: own }: Suite,
  { settings: given, ablate, submit }: RunSuiteOptions,
): { settings: GivenSettings; hidden: GivenSettings; submitted: readonly Task[] } {
  const settings = completeSettings(own, given);
  // The leaderboard takes all of test.json; a limit is for the set that is scored.
  const hidden = { ...settings, set: 'test', limit: undefined };
  checkEvaluation(tasks, data, { settings, ablate });
  const submitted = submit ? tasks.filter(({ submission }) => submission !== undefined) : [];
  if (submitted.length > 0) checkEvaluation(submitted, data, { settings: hidden });
  return { settings, hidden, submitted };
}

async function openCached(open: OpenModel, { out, onDamagedCache }: RunSuiteOptions): Promise<OpenedModel> {
  const cache = path.join(out, 'cache');
  return withCache(await open(), cache, (lines) => onDamagedCache?.(lines, cache));
}
