/**
 * Few-shot by training: all weights learn on a handful of examples, and the epoch that does best on the dev set is kept.
 *
 * An example is the sequences of its choices (choice head) or a single one (class head). The learning rate warms up
 * over the first tenth and falls in a line to zero at the last epoch. Ends early when the dev set has not got
 * better for `patience` epochs. Does not know files, tasks or texts.
 */

import { setImmediate } from 'node:timers/promises';
import type { LanguageModel } from '@tunan/model';
import { clipGradNorm, crossEntropy, manualSeed, noGrad, scope, type Tensor, tensor, trimMemory } from '@tunan/torch';
import { EvaluationError } from '../errors.ts';
import { seededRandom, shuffledIndices } from '../random.ts';
import { HeadedModel, type LearningRates } from './headed-model.ts';

export interface TuningExample {
  /** One a choice; a single one under a class head. Token ids, at most the model's context. */
  readonly sequences: readonly Uint32Array[];
  /** Place of the right choice or class. */
  readonly gold: number;
}

export interface TuningSettings {
  /** Classes of a class head; undefined for the choice head. */
  readonly classes?: number;
  readonly epochs?: number;
  readonly patience?: number;
  /** Examples an update. */
  readonly batch?: number;
  readonly rates?: LearningRates;
  readonly seed?: number;
  /** Tokens in one forward pass, padding included; at least one example is taken. */
  readonly batchTokens?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onEpoch?: (report: EpochReport) => void;
}

export interface EpochReport {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly devAccuracy: number;
  readonly devLoss: number;
}

export interface Answer {
  readonly predicted: number;
  /** Probabilities of the choices or classes. */
  readonly probabilities: readonly number[];
}

export interface TuningResult {
  /** Epoch whose weights were kept, from 1. */
  readonly best: EpochReport;
  readonly epochs: number;
  /** Answers to the test examples, in their order. */
  readonly answers: readonly Answer[];
}

export const TUNING_DEFAULTS = {
  epochs: 20,
  patience: 5,
  batch: 8,
  rates: { body: 1e-4, head: 1e-3 },
  seed: 1,
  batchTokens: 4_096,
};
const WARMUP_SHARE = 0.1;
const GRADIENT_NORM = 1;

type Settings = TuningSettings & typeof TUNING_DEFAULTS;

/**
 * @param model trainable; its weights are changed
 * @throws EvaluationError EVALUATION_NON_FINITE
 */
export async function fineTune(
  model: LanguageModel,
  data: {
    readonly train: readonly TuningExample[];
    readonly dev: readonly TuningExample[];
    readonly test: readonly TuningExample[];
  },
  options: TuningSettings = {},
): Promise<TuningResult> {
  const settings: Settings = { ...TUNING_DEFAULTS, ...options };
  using headed = new HeadedModel(model, settings.classes ?? 1, settings.rates);
  let best: EpochReport | undefined;
  let weights: Tensor[] = headed.snapshot();
  let epoch = 0;
  try {
    while (epoch < settings.epochs && epoch - (best?.epoch ?? 0) < settings.patience) {
      epoch++;
      const trainLoss = await trainEpoch(headed, data.train, epoch, settings);
      const report = { epoch, trainLoss, ...summarise(data.dev, await answerAll(headed, data.dev, settings)) };
      settings.onEpoch?.(report);
      if (best !== undefined && !isBetter(report, best)) continue;
      best = report;
      for (const weight of weights) weight.dispose();
      weights = headed.snapshot();
    }
    headed.restore(weights);
    const answers = await answerAll(headed, data.test, settings);
    if (best === undefined) throw new Error('training without an epoch');
    return { best, epochs: epoch, answers };
  } finally {
    for (const weight of weights) weight.dispose();
    trimMemory();
  }
}

/** Mean loss over the examples, in nats. */
async function trainEpoch(
  headed: HeadedModel,
  train: readonly TuningExample[],
  epoch: number,
  settings: Settings,
): Promise<number> {
  const { batch, epochs, seed, signal } = settings;
  manualSeed(seed * 1_000 + epoch); // dropout, where the model has it
  const order = shuffledIndices(train.length, seededRandom(seed * 1_000 + epoch));
  const updates = Math.ceil(train.length / batch);
  let sum = 0;
  for (let update = 0; update < updates; update++) {
    signal?.throwIfAborted();
    const members = order.slice(update * batch, (update + 1) * batch).map((i) => train[i]!);
    for (const part of partsOf(members, settings.batchTokens)) {
      sum += scope(() => {
        const loss = summedLoss(headed, part, true);
        loss.div(members.length).backward();
        return loss.item();
      });
    }
    const norm = clipGradNorm(headed.parameters, GRADIENT_NORM);
    if (!Number.isFinite(norm)) {
      throw new EvaluationError('EVALUATION_NON_FINITE', {
        en: `epoch ${epoch}: the gradient norm is ${norm}; lower the learning rates of tuning`,
        zh: `第 ${epoch} 轮：梯度范数为 ${norm}；请调低微调的学习率`,
      });
    }
    const done = ((epoch - 1) * updates + update + 1) / (epochs * updates);
    headed.step(done < WARMUP_SHARE ? done / WARMUP_SHARE : (1 - done) / (1 - WARMUP_SHARE));
    await setImmediate();
  }
  return sum / train.length;
}

function summedLoss(headed: HeadedModel, part: readonly TuningExample[], training: boolean): Tensor {
  const { device } = headed;
  const golds = tensor(
    BigInt64Array.from(part, ({ gold }) => BigInt(gold)),
    { device },
  );
  return crossEntropy(choiceScores(headed, part, training), golds, { reduction: 'sum' });
}

/** (N, choices or classes) */
function choiceScores(headed: HeadedModel, part: readonly TuningExample[], training: boolean): Tensor {
  const scores = headed.scores(
    part.flatMap(({ sequences }) => sequences),
    training,
  );
  return scores.reshape(part.length, -1);
}

async function answerAll(
  headed: HeadedModel,
  examples: readonly TuningExample[],
  { batchTokens, signal }: Settings,
): Promise<Answer[]> {
  const answers: Answer[] = new Array(examples.length);
  // Examples of like length together, so that little is padded.
  const sorted = examples
    .map((example, place) => ({ ...example, place }))
    .sort((a, b) => longest(a) - longest(b) || a.place - b.place);
  for (const part of partsOf(sorted, batchTokens)) {
    signal?.throwIfAborted();
    const rows = noGrad(() => scope(() => choiceScores(headed, part, false).softmax(-1).toNested())) as number[][];
    part.forEach(({ place }, i) => {
      const probabilities = rows[i]!;
      answers[place] = { predicted: probabilities.indexOf(Math.max(...probabilities)), probabilities };
    });
    await setImmediate();
  }
  return answers;
}

/** Slices of examples with equally many sequences whose padded tokens stay within a budget. */
function* partsOf<E extends TuningExample>(examples: readonly E[], batchTokens: number): Generator<E[]> {
  let part: E[] = [];
  let width = 0;
  for (const example of examples) {
    const wider = Math.max(width, longest(example));
    const sequences = (part.length + 1) * example.sequences.length;
    if (
      part.length > 0 &&
      (sequences * wider > batchTokens || part[0]!.sequences.length !== example.sequences.length)
    ) {
      yield part;
      part = [];
      width = 0;
    }
    part.push(example);
    width = Math.max(width, longest(example));
  }
  if (part.length > 0) yield part;
}

function longest({ sequences }: TuningExample): number {
  return Math.max(...sequences.map(({ length }) => length));
}

function summarise(
  examples: readonly TuningExample[],
  answers: readonly Answer[],
): { devAccuracy: number; devLoss: number } {
  const right = examples.filter(({ gold }, i) => answers[i]!.predicted === gold).length;
  const loss = examples.reduce((sum, { gold }, i) => sum - Math.log(answers[i]!.probabilities[gold]!), 0);
  return { devAccuracy: right / examples.length, devLoss: loss / examples.length };
}

/** The dev sets are small: ties in accuracy are the rule, and the loss decides them. */
function isBetter(a: EpochReport, b: EpochReport): boolean {
  return a.devAccuracy > b.devAccuracy || (a.devAccuracy === b.devAccuracy && a.devLoss < b.devLoss);
}
