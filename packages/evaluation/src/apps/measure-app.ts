/**
 * How good the answers of an application are with a model: on a public labelled set, or by the share of answers whose form is right. Items and
 * seeds are fixed, so that a measure is done again by its seed.
 */
import {
  type AppEngine,
  type AppOutcome,
  type AppRunOptions,
  collectRun,
  fillInputs,
  type MeasuredApp,
  runApp,
} from '@tunan/applications';
import { InferenceError } from '@tunan/inference';
import type { App, AppMeasure } from '@tunan/protocol';
import { EvaluationError } from '../errors.ts';
import { type ItemOptions, type LabelledItem, labelledItems } from './labelled-items.ts';
import { type JudgedAnswer, scoreAnswers } from './score-answers.ts';

export interface MeasureOptions extends ItemOptions {
  /** Runs at a time. */
  readonly parallel: number;
  /** YYYY-MM-DD */
  readonly today: string;
  readonly signal?: AbortSignal | undefined;
  readonly onAnswer?: (done: number, all: number) => void;
}

export interface AppMeasurement {
  readonly measured: MeasuredApp;
  /** In the order of the items. */
  readonly answers: readonly JudgedAnswer[];
  readonly attempts: number;
  /** Runs for whose examples, or inputs, the context had no room. */
  readonly shortened: number;
}

/**
 * A form is also counted at its first draw, and at a first draw for which nothing is imposed on the model.
 * @throws EvaluationError; what a run throws
 */
export async function measureApp(app: App, engine: AppEngine, options: MeasureOptions): Promise<AppMeasurement> {
  const measure = requireMeasure(app);
  const items = labelledItems(app, measure, options);
  const answers: JudgedAnswer[] = [];
  let [attempts, shortened, done, first, free] = [0, 0, 0, 0, 0];
  const left = items.entries();
  const work = async () => {
    for (const [place, item] of left) {
      const outcome = await answer(app, item, engine, options, place);
      if (measure === 'form') {
        if (outcome?.attempts[0]?.findings.every(({ passed }) => passed) === true) first++;
        const bare = await answer(app, item, engine, options, place, { impose: false, retries: 0 });
        if (bare?.passed === true) free++;
      }
      answers[place] = { item, output: outcome?.output ?? '', passed: outcome?.passed ?? false };
      attempts += outcome?.attempts.length ?? 0;
      if (outcome === undefined || outcome.examplesLeftOut > 0) shortened++;
      options.onAnswer?.(++done, items.length);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.parallel) }, work));
  const score = scoreAnswers(measure, answers);
  const draws = measure === 'form' ? { first_draw: first / items.length, free_draw: free / items.length } : {};
  const measured = { app: app.name, measure, ...score, ...draws, items: items.length, measured: options.today };
  return { measured, answers, attempts, shortened };
}

/** Undefined where the context has no room for the item: a wrong answer, as it is for whoever asks. */
async function answer(
  app: App,
  { inputs }: LabelledItem,
  engine: AppEngine,
  { seed, signal }: MeasureOptions,
  place: number,
  more: Pick<AppRunOptions, 'impose' | 'retries'> = {},
): Promise<AppOutcome | undefined> {
  const run = runApp(app, { inputs: fillInputs(app, inputs), seed: seed + 1_000 * place, ...more }, engine, signal);
  try {
    return await collectRun(run);
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'INFERENCE_PROMPT_TOO_LONG') return undefined;
    throw error;
  }
}

function requireMeasure({ name, measure }: App): AppMeasure {
  if (measure !== undefined) return measure;
  throw new EvaluationError('EVALUATION_BAD_SETTING', {
    en: `${name} has nothing to be measured by: its file says no measure`,
    zh: `${name} 没有可衡量的标准：其文件未写 measure`,
  });
}
