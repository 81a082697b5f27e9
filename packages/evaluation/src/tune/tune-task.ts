/**
 * Few-shot by training on a task: for each official split a fresh model learns on `train_N`, stops by `dev_N` and answers the
 * test set. The result has one run a split, so that mean and deviation stand beside those of prompting.
 */

import path from 'node:path';
import { LanguageModel, type ModelOptions } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import type { Prediction, Split, TaskResult, TaskRun } from '../result.ts';
import { summariseAccuracy } from '../statistics/classification.ts';
import { drawExamples, readSolved } from '../task-plan.ts';
import type { Example, Task } from '../tasks/task.ts';
import type { TaskData } from '../tasks/task-data.ts';
import { type Answer, TUNING_DEFAULTS } from './fine-tune.ts';
import { SplitTuner } from './split-tuner.ts';
import type { TuneOptions } from './tune-options.ts';
import { type TuningText, TuningTexts } from './tuning-text.ts';

/** Answers to `test` after training on one split. */
interface TunedSubmission {
  readonly split: Split;
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

const SPLITS: readonly Split[] = [0, 1, 2, 3, 4];
const SET = 'test_public';
const MAX_TOKENS = 512;

/**
 * @param directory model directory with its tokenizer
 * @param data has the official splits of the task
 * @throws EvaluationError for data, ModelError and TokenizerError for the model
 */
export async function tuneTask(
  task: Task,
  directory: string,
  data: TaskData,
  options: TuneOptions = {},
): Promise<TunedTask> {
  const { splits = SPLITS, set = SET, limit, submit = false, maxTokens = MAX_TOKENS } = options;
  const load = () => loadTrainable(directory, options);
  const tokenizer = Tokenizer.load(path.join(directory, 'tokenizer.json'));
  const texts = new TuningTexts(task, tokenizer, Math.min(maxTokens, contextOf(load)));
  const toTexts = (examples: readonly Example[]) => examples.map((example) => texts.read(example));
  const open = drawExamples(data.read(task, set), { limit, seed: options.seed ?? TUNING_DEFAULTS.seed });
  const hidden = submit ? data.read(task, 'test') : [];
  const test = toTexts([...open, ...hidden]);
  const learning = splits.map((split) => ({
    split,
    train: toTexts(readSolved(task, data, `train_${split}`)),
    dev: toTexts(readSolved(task, data, `dev_${split}`)),
  }));
  const runs: TaskRun[] = [];
  const submissions: TunedSubmission[] = [];
  const tuner = new SplitTuner({ task, texts, load, test }, options);
  tuner.estimate(learning);
  for (const one of learning) {
    const { split, train } = one;
    const answers = await tuner.answers(one);
    const predictions = [...open, ...hidden].map((example, i) =>
      toPrediction(task, example, test[i]!, answers[i]!, train.length),
    );
    runs.push(toRun(texts.pattern, split, train.length, predictions.slice(0, open.length)));
    if (submit) submissions.push({ split, examples: hidden, predictions: predictions.slice(open.length) });
  }
  return { result: toResult(task, open, runs), examples: open, submissions };
}

/** That all files of all tasks are there and whole, before the first is trained on. @throws EvaluationError */
export function checkTuningData(
  tasks: readonly Task[],
  data: TaskData,
  { splits = SPLITS, set = SET, submit = false }: Pick<TuneOptions, 'splits' | 'set' | 'submit'>,
): void {
  for (const task of tasks) {
    data.read(task, set);
    if (submit && task.submission !== undefined) data.read(task, 'test');
    for (const split of splits) for (const kind of ['train', 'dev']) readSolved(task, data, `${kind}_${split}`);
  }
}

function loadTrainable(directory: string, { device, dtype }: ModelOptions): LanguageModel {
  return LanguageModel.load(directory, {
    trainable: true,
    ...(device !== undefined && { device }),
    ...(dtype !== undefined && { dtype }),
  });
}

function contextOf(load: () => LanguageModel): number {
  using model = load();
  return model.config.contextLength;
}

/** @param shots examples that were learnt from */
function toPrediction(
  task: Task,
  { id, gold }: Example,
  { truncated }: TuningText,
  answer: Answer,
  shots: number,
): Prediction {
  const { predicted, probabilities: scores } = answer;
  return { id, gold, predicted: task.labels[predicted]!, scores, truncated, shots, tied: 1 };
}

function toRun(template: string, split: Split, shots: number, predictions: readonly Prediction[]): TaskRun {
  const labelled = predictions.filter(({ gold }) => gold !== undefined);
  const correct = predictions.filter(({ gold, predicted }) => gold === predicted).length;
  return {
    template,
    normalise: 'token',
    calibrate: 'none',
    expand: 'none',
    shots,
    split,
    order: 0,
    correct,
    accuracy: labelled.length === 0 ? undefined : correct / labelled.length,
    truncatedShare: predictions.filter(({ truncated }) => truncated).length / predictions.length,
    predictions,
  };
}

function toResult(task: Task, examples: readonly Example[], runs: readonly TaskRun[]): TaskResult {
  const outcomes = runs[0]!.predictions.flatMap(({ gold, predicted }) =>
    gold === undefined ? [] : [{ gold, predicted }],
  );
  const { majority, random } = summariseAccuracy(outcomes, task.labels.length);
  const accuracies = runs.flatMap(({ accuracy }) => accuracy ?? []);
  const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
  const squares = accuracies.reduce((sum, accuracy) => sum + (accuracy - mean) ** 2, 0);
  return {
    task: task.name,
    title: task.title,
    labels: task.labels,
    examples: examples.length,
    labelled: outcomes.length,
    accuracy: outcomes.length === 0 ? undefined : mean,
    deviation: accuracies.length > 1 ? Math.sqrt(squares / (runs.length - 1)) : undefined,
    majority: outcomes.length === 0 ? undefined : majority,
    random,
    runs,
  };
}
