/**
 * Few-shot by training on a task: for each official split a fresh model learns on `train_N`, stops by `dev_N` and answers the
 * test set. The result has one run a split, so that mean and deviation stand beside those of prompting.
 */

import path from 'node:path';
import { type ModelOptions, YuanLM } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import type { Prediction, TaskResult, TaskRun } from '../result.ts';
import { summariseAccuracy } from '../statistics/classification.ts';
import { drawExamples } from '../task-plan.ts';
import type { Example, Task } from '../tasks/task.ts';
import { readTaskData } from '../tasks/task-data.ts';
import { type Answer, type EpochReport, TUNING_DEFAULTS, type TuningSettings } from './fine-tune.ts';
import { SplitTuner } from './split-tuner.ts';
import { type TuningText, TuningTexts } from './tuning-text.ts';

type Learning = Pick<TuningSettings, 'epochs' | 'patience' | 'batch' | 'rates' | 'seed' | 'signal'>;

export interface TuneOptions extends Learning, ModelOptions {
  /** Official splits to train on; all five when absent. */
  readonly splits?: readonly number[];
  /** Test examples at most, drawn by the seed as in prompting. */
  readonly limit?: number;
  /** Answer `test` too, which has no labels, for the leaderboard. */
  readonly submit?: boolean;
  /** Tokens of a sequence at most; 512 when absent, never more than the model's context. */
  readonly maxTokens?: number;
  /** Where finished splits are kept; an interrupted run goes on from there. Nothing is kept when absent. */
  readonly keep?: { readonly directory: string; readonly modelIdentity: string };
  /** Before anything is trained: the most seconds that all of it may take. */
  readonly onEstimate?: (seconds: number) => void;
  readonly onEpoch?: (split: number, report: EpochReport) => void;
}

/** Answers to `test` after training on one split. */
interface TunedSubmission {
  readonly split: number;
  readonly examples: readonly Example[];
  readonly predictions: readonly Prediction[];
}

export interface TunedTask {
  readonly result: TaskResult;
  /** In the order of the predictions. */
  readonly examples: readonly Example[];
  /** Empty unless asked for. */
  readonly submissions: readonly TunedSubmission[];
}

const SPLITS = [0, 1, 2, 3, 4];
const MAX_TOKENS = 512;

/**
 * @param directory model directory with its tokenizer
 * @param data folder that holds the task's folder
 * @throws EvaluationError for data, ModelError and TokenizerError for the model
 */
export async function tuneTask(
  task: Task,
  directory: string,
  data: string,
  options: TuneOptions = {},
): Promise<TunedTask> {
  const { splits = SPLITS, limit, submit = false, maxTokens = MAX_TOKENS } = options;
  const load = () => loadTrainable(directory, options);
  const tokenizer = Tokenizer.load(path.join(directory, 'tokenizer.json'));
  const texts = new TuningTexts(task, tokenizer, Math.min(maxTokens, contextOf(load)));
  const read = (set: string) => readTaskData(task, data, set);
  const toTexts = (examples: readonly Example[]) => examples.map((example) => texts.read(example));
  const open = drawExamples(read('test_public'), { limit, seed: options.seed ?? TUNING_DEFAULTS.seed });
  const hidden = submit ? read('test') : [];
  const test = toTexts([...open, ...hidden]);
  const learning = splits.map((split) => ({
    split,
    train: toTexts(read(`train_${split}`)),
    dev: toTexts(read(`dev_${split}`)),
  }));
  const runs: TaskRun[] = [];
  const submissions: TunedSubmission[] = [];
  const tuner = new SplitTuner({ task, texts, load, test }, options);
  tuner.estimate(learning);
  for (const one of learning) {
    const { split, train } = one;
    const answers = await tuner.answers(one);
    const predictions = [...open, ...hidden].map((example, i) => toPrediction(task, example, test[i]!, answers[i]!));
    runs.push(toRun(texts.pattern, split, train.length, predictions.slice(0, open.length)));
    if (submit) submissions.push({ split, examples: hidden, predictions: predictions.slice(open.length) });
  }
  return { result: toResult(task, open, runs), examples: open, submissions };
}

function loadTrainable(directory: string, { device, dtype }: ModelOptions): YuanLM {
  return YuanLM.load(directory, {
    trainable: true,
    ...(device !== undefined && { device }),
    ...(dtype !== undefined && { dtype }),
  });
}

function contextOf(load: () => YuanLM): number {
  using model = load();
  return model.config.contextLength;
}

function toPrediction(task: Task, { id, gold }: Example, { truncated }: TuningText, answer: Answer): Prediction {
  return { id, gold, predicted: task.labels[answer.predicted]!, scores: answer.probabilities, truncated, shots: 0 };
}

/** @param shots examples that were learnt from */
function toRun(template: string, split: number, shots: number, predictions: readonly Prediction[]): TaskRun {
  const correct = predictions.filter(({ gold, predicted }) => gold === predicted).length;
  return {
    template,
    calibrate: 'none',
    expand: 'none',
    shots,
    split,
    order: 0,
    correct,
    accuracy: correct / predictions.length,
    truncatedShare: predictions.filter(({ truncated }) => truncated).length / predictions.length,
    predictions,
  };
}

function toResult(task: Task, examples: readonly Example[], runs: readonly TaskRun[]): TaskResult {
  const outcomes = runs[0]!.predictions.map(({ gold, predicted }) => ({ gold: gold ?? '', predicted }));
  const { majority, random } = summariseAccuracy(outcomes, task.labels.length);
  const accuracies = runs.map(({ accuracy }) => accuracy ?? 0);
  const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / runs.length;
  const squares = accuracies.reduce((sum, accuracy) => sum + (accuracy - mean) ** 2, 0);
  return {
    task: task.name,
    title: task.title,
    labels: task.labels,
    examples: examples.length,
    accuracy: mean,
    deviation: runs.length > 1 ? Math.sqrt(squares / (runs.length - 1)) : undefined,
    majority,
    random,
    runs,
  };
}
