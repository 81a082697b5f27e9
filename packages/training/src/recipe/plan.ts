/**
 * What a run is: model, data, batch, schedule, optimizer. A recipe is checked once, here; everything after works on a
 * RunPlan, in which nothing is left to guess and which is stored with the run as recipe.json. Corpus paths are relative to the working
 * directory.
 */

import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import {
  type AdapterConfig,
  type ModelConfig,
  ModelError,
  type Precision,
  padVocabulary,
  parseModelConfig,
  type Recomputation,
} from '@tunan/model';
import { findMistakes, type Mistake } from '@tunan/protocol/mistakes';
import { type Device, hasFastBfloat16 } from '@tunan/torch';
import { z } from 'zod';
import type { Packing } from '../data/data-order.ts';
import type { PrefixOptions, RowMaskOptions } from '../data/row-masks.ts';
import { badRecipe } from '../errors.ts';
import type { LossScaleOptions } from '../loss-scale.ts';
import type { ParallelPlan } from '../parallel/model-share.ts';
import type { SpikeOptions } from '../spike-rule.ts';
import { planLora } from './lora-plan.ts';
import { type OptimizerPlan, optimizerMistakes, planLearningRate, planOptimizer } from './optimizer-plan.ts';
import { parallelMistakes } from './parallel-plan.ts';
import { readNamedRecipe } from './read.ts';
import { type BatchSchedule, type LearningRateSchedule, samplesAfter, stepsFor } from './schedule.ts';
import { type ParsedRecipe, type RunRecipe, recipeSchema } from './schema.ts';

/** Threads beyond so many a processor only wait for each other. */
const THREADS_A_PROCESSOR = 8;

/** Where a recipe says nothing: PyTorch's and Apex's. */
const LOSS_SCALE: LossScaleOptions = { initial: 2 ** 16, growAfter: 2000 };

/** A recipe with every choice made: what train() works on and recipe.json holds. */
export interface RunPlan {
  readonly description?: string | undefined;
  readonly model: ModelConfig;
  /** Absent: fresh weights, of the seed. */
  readonly from?: InitialWeights | undefined;
  /** Absent: all weights are trained. */
  readonly lora?: AdapterConfig | undefined;
  /** Of pairs of answers; absent: what is predicted is learnt. */
  readonly preference?: { readonly beta: number; readonly labelSmoothing: number } | undefined;
  readonly data: readonly {
    readonly corpus: string;
    readonly weight: number;
    readonly maxEpochs?: number | undefined;
  }[];
  readonly sequenceLength: number;
  readonly packing: Packing;
  readonly attention: RowMaskOptions['attention'];
  /** Of a prefix language model. */
  readonly prefix?: PrefixOptions | undefined;
  readonly microBatch: number;
  readonly batch: BatchSchedule;
  readonly steps: number;
  readonly samples: number;
  readonly learningRate: LearningRateSchedule;
  readonly optimizer: OptimizerPlan;
  /** Absent: every step updates the weights. */
  readonly skipSpikes?: SpikeOptions | undefined;
  /** What the products are made in here. */
  readonly precision: Precision;
  /** What the recipe asks for: the same run may be float32 on one machine and bfloat16 on another. */
  readonly askedPrecision: Precision | 'auto';
  /** Where that is float16. */
  readonly lossScale?: LossScaleOptions | undefined;
  readonly recomputation: Recomputation;
  readonly parallel: ParallelPlan;
  readonly seed: number;
  readonly device: Device;
  readonly threads?: number | undefined;
  readonly evaluation?: { readonly every: number; readonly windows: number } | undefined;
  readonly evaluateEvery?: TaskEvaluation | undefined;
  /** Loss on the validation shards that was promised when the run was sized, nats a token. */
  readonly promised?: PromisedLoss | undefined;
  readonly checkpoint: { readonly every: number; readonly keep: number; readonly background: boolean };
}

export interface PromisedLoss {
  readonly loss: number;
  readonly low: number;
  readonly high: number;
  /** What the law expects of runs that end after so many tokens. */
  readonly curve?: readonly { readonly tokens: number; readonly loss: number }[] | undefined;
}

export interface TaskEvaluation {
  readonly steps: number;
  /** Which there are, the program knows that scores them. */
  readonly suite: string;
  readonly data: string;
  readonly tasks?: readonly string[] | undefined;
  readonly limit: number;
}

/** Where the weights come from that a run begins with. */
export interface InitialWeights {
  /** Model directory. */
  readonly directory: string;
  /** SHA-256 over its weight files. */
  readonly sha256: string;
}

/** What the recipe does not know itself. */
export interface PlanContext {
  /** Directory of named recipes; needed when the model is given by name. */
  readonly recipes?: string | undefined;
  /** Of the data: entries, and the ids of `<eod>` and `<mask>`. */
  readonly tokenizer?: { readonly vocabularySize: number; readonly eod: number; readonly mask?: number | undefined };
  /** Names of suites that can be scored; any name where it is absent. */
  readonly suites?: readonly string[] | undefined;
  /** Said in errors: the file or the name of the recipe. */
  readonly place?: string | undefined;
  /** The model that the run begins with, instead of the recipe's. */
  readonly from?: (InitialWeights & { readonly config: ModelConfig }) | undefined;
}

/**
 * Checks a recipe and makes every choice it leaves open.
 * @throws TrainingError TRAINING_BAD_RECIPE with every field at fault
 */
export function planRun(recipe: RunRecipe, context: PlanContext = {}): RunPlan {
  const place = context.place ?? 'run recipe';
  const parsed = parseRecipe(recipe, place);
  const mistakes: Mistake[] = [];
  const model = planModel(parsed, context, mistakes);
  const batch: BatchSchedule = { globalBatch: parsed.globalBatch, ramp: parsed.batchRamp };
  mistakes.push(...batchMistakes(parsed), ...machineMistakes(parsed), ...suiteMistakes(parsed, context.suites));
  mistakes.push(
    ...optimizerMistakes(parsed.optimizer),
    ...parallelMistakes(parsed, model),
    ...lossScaleMistakes(parsed),
  );
  const length = planLength(parsed, batch, mistakes);
  const learningRate = planLearningRate(parsed.optimizer, batch, length.samples, mistakes);
  const prefix = planPrefix(parsed, context.tokenizer, mistakes);
  const lora = planLora(parsed, context.from?.config, mistakes);
  if (model === undefined || mistakes.length > 0) throw badRecipe(place, mistakes);
  return {
    description: parsed.description,
    model,
    from: context.from && { directory: context.from.directory, sha256: context.from.sha256 },
    lora,
    preference: parsed.preference,
    data: parsed.data.map((source) => ({ ...source, corpus: path.resolve(source.corpus) })),
    sequenceLength: parsed.sequenceLength,
    packing: parsed.packing,
    attention: parsed.attention,
    prefix,
    microBatch: parsed.microBatch,
    batch,
    ...length,
    learningRate,
    optimizer: planOptimizer(parsed.optimizer),
    skipSpikes: parsed.skipSpikes,
    precision: precisionOn(parsed.device, parsed.precision),
    askedPrecision: parsed.precision,
    lossScale: parsed.precision === 'float16' ? (parsed.lossScale ?? LOSS_SCALE) : undefined,
    recomputation: parsed.recomputation,
    parallel: parsed.parallel,
    seed: parsed.seed,
    device: parsed.device,
    threads: parsed.threads,
    evaluation: parsed.evaluation,
    evaluateEvery: parsed.evaluateEvery && {
      ...parsed.evaluateEvery,
      data: path.resolve(parsed.evaluateEvery.data),
    },
    promised: parsed.promised,
    checkpoint: parsed.checkpoint,
  };
}

function precisionOn(device: Device, asked: RunPlan['askedPrecision']): Precision {
  if (asked === 'float16') return asked;
  return asked !== 'float32' && hasFastBfloat16(device) ? 'bfloat16' : 'float32';
}

/** The token directories of a recipe, before the rest of it can be planned: the vocabulary is theirs. */
export function recipeCorpora(recipe: RunRecipe, place = 'run recipe'): string[] {
  return parseRecipe(recipe, place).data.map((source) => path.resolve(source.corpus));
}

/**
 * The part of a plan that decides the numbers of a run. Where it runs, how often it saves or evaluates, recomputation and where the
 * corpus lies may change between stop and resume; the micro batch may too (equal up to rounding).
 */
export function decidingPart(plan: RunPlan): Readonly<Record<string, unknown>> {
  const { model, data, sequenceLength, packing, attention, prefix } = plan;
  const { batch, steps, samples, learningRate, optimizer, seed } = plan;
  return {
    model,
    from: plan.from?.sha256,
    lora: plan.lora,
    preference: plan.preference,
    sources: data.map(({ weight, maxEpochs }) => ({ weight, maxEpochs })),
    sequenceLength,
    // Left out where they are what runs did before there was a choice, whose hashes stay.
    packing: packing === 'stream' ? undefined : packing,
    attention: attention === 'row' ? undefined : attention,
    prefix,
    batch,
    steps,
    samples,
    learningRate,
    optimizer,
    skipSpikes: plan.skipSpikes,
    precision: plan.askedPrecision,
    lossScale: plan.lossScale,
    seed,
    // The masks of dropout are drawn for each micro batch, by the device's own generator.
    masks: drawsMasks(plan)
      ? { microBatch: plan.microBatch, device: plan.device.split(':')[0], ...layoutOfMasks(plan.parallel) }
      : undefined,
  };
}

/** Stages draw for themselves, and so do processes that divide the positions. */
function layoutOfMasks({ tensor, pipeline, chunks, sequenceParallel }: ParallelPlan) {
  return {
    ...(pipeline > 1 && { pieces: pipeline * chunks }),
    ...(sequenceParallel && tensor > 1 && { positions: tensor }),
  };
}

/** Whether forward passes of training draw random numbers. */
export function drawsMasks({ model, lora }: Pick<RunPlan, 'model' | 'lora'>): boolean {
  return model.dropout > 0 || lora?.dropout !== undefined;
}

/** SHA-256 over it. */
export function planHash(plan: RunPlan): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(decidingPart(plan))))
    .digest('hex');
}

function parseRecipe(recipe: RunRecipe, place: string): ParsedRecipe {
  const found = findMistakes(recipeSchema, recipe);
  if ('mistakes' in found) throw badRecipe(place, found.mistakes);
  return found.value;
}

function planModel(recipe: ParsedRecipe, context: PlanContext, mistakes: Mistake[]): ModelConfig | undefined {
  const config = context.from === undefined ? namedModel(recipe, context, mistakes) : context.from.config;
  if (config === undefined) return undefined;
  const { dropout = config.dropout, objective } = recipe;
  const { objective: _, ...plain } = config;
  const model = { ...plain, dropout, ...(objective === 'plm' && { objective }) };
  const { sequenceLength: T, recomputation, device } = recipe;
  // Both answers of a pair share a row, each at positions of its own.
  if (T > model.contextLength * (recipe.preference === undefined ? 1 : 2)) {
    mistakes.push({
      path: 'sequenceLength',
      en: `${T} is longer than the model's context of ${model.contextLength}`,
      zh: `${T} 超过模型的上下文长度 ${model.contextLength}`,
    });
  }
  if (recomputation === 'full' && model.dropout > 0 && device !== 'cpu') {
    mistakes.push({
      path: 'recomputation',
      en: 'the dropout masks cannot be drawn again on a GPU; set dropout to 0, or leave recomputation out',
      zh: '在 GPU 上无法重新抽取 dropout 掩码；请将 dropout 设为 0，或去掉 recomputation',
    });
  }
  return model;
}

function namedModel(
  { model: given }: ParsedRecipe,
  context: PlanContext,
  mistakes: Mistake[],
): ModelConfig | undefined {
  const value = { ...(typeof given === 'string' ? readNamedRecipe('model', given, context.recipes).value : given) };
  delete value.description;
  if (context.tokenizer !== undefined) {
    const { vocabularySize: size, eod } = context.tokenizer;
    value.vocabularySize ??= padVocabulary(size);
    value.endOfDocumentId ??= eod;
    if (typeof value.vocabularySize === 'number' && value.vocabularySize < size) {
      mistakes.push({
        path: 'model.vocabularySize',
        en: `${value.vocabularySize} is smaller than the tokenizer's ${size}`,
        zh: `${value.vocabularySize} 小于分词器的 ${size}`,
      });
      return undefined;
    }
  }
  try {
    return parseModelConfig(value, typeof given === 'string' ? `model ${given}` : 'model');
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    mistakes.push({ path: '', en: error.message, zh: error.chinese ?? error.message });
    return undefined;
  }
}

function planPrefix(
  { objective, prefix }: ParsedRecipe,
  tokenizer: PlanContext['tokenizer'],
  mistakes: Mistake[],
): PrefixOptions | undefined {
  if (objective === 'lm') {
    if (prefix !== undefined)
      mistakes.push({ path: 'prefix', en: 'only with objective "plm"', zh: '仅用于 objective 为 "plm" 时' });
    return undefined;
  }
  const { least = 0, most = 1, mask } = prefix ?? {};
  if (least > most)
    mistakes.push({ path: 'prefix.least', en: `${least} is above most ${most}`, zh: `${least} 大于 most ${most}` });
  if (mask === undefined) return { least, most };
  const id = tokenizer?.mask;
  if (id !== undefined) return { least, most, mask: { ...mask, id } };
  mistakes.push({
    path: 'prefix.mask',
    en: 'no tokenizer is given that has a token <mask>: give the tokenizer file of the shards, or leave mask out',
    zh: '没有给出含词元 <mask> 的分词器：请给出分片所用的分词器文件，或去掉 mask',
  });
  return undefined;
}

function batchMistakes({ globalBatch, microBatch, batchRamp }: ParsedRecipe): Mistake[] {
  const sizes = [['globalBatch', globalBatch]] as [string, number][];
  const mistakes: Mistake[] = [];
  if (batchRamp !== undefined) {
    const { start, increment } = batchRamp;
    sizes.push(['batchRamp.start', start], ['batchRamp.increment', increment]);
    if (start > globalBatch || (globalBatch - start) % increment !== 0) {
      mistakes.push({
        path: 'batchRamp',
        en: `${globalBatch} is not reached from ${start} in steps of ${increment}`,
        zh: `从 ${start} 起每次加 ${increment}，到不了 ${globalBatch}`,
      });
    }
  }
  for (const [field, size] of sizes.filter(([, one]) => one % microBatch !== 0)) {
    mistakes.push({
      path: field,
      en: `${size} is not a multiple of microBatch ${microBatch}`,
      zh: `${size} 不是 microBatch ${microBatch} 的倍数`,
    });
  }
  return mistakes;
}

function machineMistakes({ threads = 1 }: ParsedRecipe): Mistake[] {
  const processors = availableParallelism();
  if (threads <= THREADS_A_PROCESSOR * processors) return [];
  return [
    {
      path: 'threads',
      en: `${threads} on a machine with ${processors} processors: give ${processors}, or leave it out`,
      zh: `本机只有 ${processors} 个处理器，不能用 ${threads} 个线程：请给 ${processors}，或不写此项`,
    },
  ];
}

function lossScaleMistakes({ precision, lossScale }: ParsedRecipe): Mistake[] {
  if (lossScale === undefined || precision === 'float16') return [];
  const [en, zh] = [
    'only with precision "float16": write that, or leave lossScale out',
    '仅用于 precision 为 "float16" 时：请如此设置，或去掉 lossScale',
  ];
  return [{ path: 'lossScale', en, zh }];
}

function suiteMistakes({ evaluateEvery }: ParsedRecipe, suites: readonly string[] | undefined): readonly Mistake[] {
  if (evaluateEvery === undefined || suites === undefined) return [];
  const found = findMistakes(z.looseObject({ evaluateEvery: z.looseObject({ suite: z.enum(suites) }) }), {
    evaluateEvery,
  });
  return 'mistakes' in found ? found.mistakes : [];
}

function planLength(
  recipe: ParsedRecipe,
  batch: BatchSchedule,
  mistakes: Mistake[],
): { steps: number; samples: number } {
  if ((recipe.steps === undefined) === (recipe.tokens === undefined)) {
    mistakes.push({ path: '', en: 'give either steps or tokens', zh: 'steps 与 tokens 须给出其一，且只给其一' });
  }
  const steps = recipe.steps ?? stepsFor(batch, Math.ceil((recipe.tokens ?? 1) / recipe.sequenceLength));
  return { steps, samples: samplesAfter(batch, steps) };
}

/** The same value with the keys of every object in order, so that its JSON is canonical. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
