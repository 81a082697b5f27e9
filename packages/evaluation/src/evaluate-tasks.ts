/**
 * The evaluation, top to bottom: for each task its questions are planned, scored and decided on. The 2 x 2 of calibration and
 * label expansion (`ablate`) takes one pass of scoring, not four.
 */

import { decideTask } from './decide-task.ts';
import { EvaluationError } from './errors.ts';
import { type Sample, type ShownPrompt, samplesOf, shownPrompts } from './report/samples.ts';
import type { DecisionSettings, EvaluationSettings, GivenSettings, TaskResult } from './result.ts';
import type { Scorer } from './scoring/scorer.ts';
import { checkTasks, type PlanNeeds, planTask, type TaskPlan } from './task-plan.ts';
import type { Example, Task } from './tasks/task.ts';
import type { TaskData } from './tasks/task-data.ts';

const DEFAULT_SETTINGS: EvaluationSettings = {
  normalise: 'token',
  calibrate: 'none',
  expand: 'none',
  words: 'sequence',
  shots: 0,
  choice: 'balanced',
  orders: 1,
  seed: 1,
  set: 'test_public',
  splits: [0, 1, 2, 3, 4],
};

/** The defaults, and over them what is given; of what is given twice the later one holds. */
export function completeSettings(...given: readonly (GivenSettings | undefined)[]): EvaluationSettings {
  const defined = given.flatMap((some) => Object.entries(some ?? {})).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_SETTINGS, ...(Object.fromEntries(defined) as Partial<EvaluationSettings>) };
}

export interface EvaluateOptions {
  readonly settings?: GivenSettings | undefined;
  /** Decides in all four ways of the 2 x 2 too. */
  readonly ablate?: boolean | undefined;
  /** Keeps what stands behind the scores, for `samples` of the results. */
  readonly keepSamples?: boolean | undefined;
  /** Scores only this part of the requests into the cache, for other processes to do the rest; gives no results. */
  readonly shard?: { readonly index: number; readonly count: number } | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EvaluationProgress {
  readonly task: Task;
  /** Requests of the task. */
  readonly done: number;
  readonly total: number;
}

export interface EvaluatedTask {
  readonly result: TaskResult;
  /** In the order of the predictions. */
  readonly examples: readonly Example[];
  /** The four ways of the 2 x 2; empty unless asked for. */
  readonly ablation: readonly AblationResult[];
  /** A prompt of every split, to look at. */
  readonly prompts: readonly ShownPrompt[];
  /** Of every question; nothing unless they were kept. */
  samples(): Iterable<Sample>;
}

export interface AblationResult extends DecisionSettings {
  readonly accuracy: number;
}

/**
 * @returns one entry a task, in their order; none for a shard
 * @throws EvaluationError for what a user can fix, before anything is scored where it can be known then
 */
export async function evaluateTasks(
  tasks: readonly Task[],
  data: TaskData,
  scorer: Scorer,
  options: EvaluateOptions = {},
): Promise<EvaluatedTask[]> {
  const { settings, needs } = checkEvaluation(tasks, data, options);
  const { ablate = false, keepSamples = false } = options;
  const evaluated: EvaluatedTask[] = [];
  for (const task of tasks) {
    options.signal?.throwIfAborted();
    const plan = planTask(task, data, settings, needs, scorer);
    const { shard } = options;
    const requests = shard ? plan.requests.filter((_, i) => i % shard.count === shard.index) : plan.requests;
    const scores = await scorer.score(requests, {
      onProgress: (done, total) => options.onProgress?.({ task, done, total }),
      signal: options.signal,
    });
    if (shard !== undefined) continue;
    const decide = ({ normalise, calibrate, expand }: DecisionSettings) =>
      decideTask(plan, scores, { normalise, calibrate, expand });
    const result = decide(settings);
    evaluated.push({
      result,
      examples: plan.examples,
      ablation: ablate ? ablation(plan, settings, decide) : [],
      prompts: shownPrompts(plan),
      samples: keepSamples ? () => samplesOf(plan, scores, result) : () => [],
    });
  }
  return evaluated;
}

/**
 * What `evaluateTasks` does first: settings, templates and files of all tasks. On its own for work that comes before.
 * @throws EvaluationError
 */
export function checkEvaluation(
  tasks: readonly Task[],
  data: TaskData,
  { settings: given, ablate = false }: Pick<EvaluateOptions, 'settings' | 'ablate'>,
): { settings: EvaluationSettings; needs: PlanNeeds } {
  const settings = checkSettings(completeSettings(given));
  const needs = {
    allWords: ablate || settings.expand !== 'none',
    contentFree: ablate || settings.calibrate !== 'none',
  };
  checkTasks(tasks, data, settings, needs);
  return { settings, needs };
}

/** Off and on of both methods; on is what was chosen, else the published way. */
function ablation(
  { examples }: TaskPlan,
  settings: EvaluationSettings,
  decide: (decision: DecisionSettings) => TaskResult,
): AblationResult[] {
  if (examples.every(({ gold }) => gold === undefined)) return [];
  const calibrations = ['none', settings.calibrate === 'none' ? 'diagonal' : settings.calibrate] as const;
  const expansions = ['none', settings.expand === 'none' ? 'mean' : settings.expand] as const;
  return calibrations.flatMap((calibrate) =>
    expansions.map((expand) => {
      const decision = { normalise: settings.normalise, calibrate, expand };
      return { ...decision, accuracy: decide(decision).accuracy! };
    }),
  );
}

function checkSettings(settings: EvaluationSettings): EvaluationSettings {
  const counts = { shots: [settings.shots, 0], orders: [settings.orders, 1], limit: [settings.limit ?? 1, 1] };
  for (const [name, [value = 0, least = 0]] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new EvaluationError('EVALUATION_BAD_SETTING', {
      en: `${name} ${value}: give a whole number, at least ${least}`,
      zh: `${name} ${value}：应为整数，至少为 ${least}`,
    });
  }
  if (settings.shots === 0 && settings.orders > 1) {
    throw new EvaluationError('EVALUATION_BAD_SETTING', {
      en: 'orders needs shots of at least 1',
      zh: 'orders 需要 shots 至少为 1',
    });
  }
  if (settings.words === 'first' && settings.normalise === 'character') {
    throw new EvaluationError('EVALUATION_BAD_SETTING', {
      en: 'words first scores one token, normalise character divides by all characters of the word: take one of the two',
      zh: 'words first 只给一个词元打分，而 normalise character 除以标签词的全部字数：两者只能取一',
    });
  }
  return settings;
}
