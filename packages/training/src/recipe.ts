/**
 * What a run is: model, data, batch, schedule, optimizer. A recipe is checked once, here; everything after works on a
 * RunPlan, in which nothing is left to guess and which is stored with the run as recipe.json.
 *
 * Named recipes are JSON files: DIR/run/NAME.json, and DIR/model/NAME.json for their models. Corpus paths are relative to the
 * working directory.
 */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ModelError, type Precision, padVocabulary, parseYuanConfig, type YuanConfig } from '@tunan/model';
import { type Device, hasFastBfloat16 } from '@tunan/torch';
import { z } from 'zod';
import { TrainingError } from './errors.ts';
import { type BatchSchedule, type LearningRateSchedule, samplesAfter, stepsFor } from './schedule.ts';

const count = z.int().positive();

const recipeSchema = z.strictObject({
  description: z.string().optional(),
  /**
   * Name of a model recipe, path of a JSON file, or the config itself. Its vocabularySize may be left out: the tokenizer's
   * size, padded to a multiple of 128.
   */
  model: z.union([z.string(), z.record(z.string(), z.unknown())]),
  /** Directories of token shards. Weights are relative; maxEpochs absent: the source repeats for ever. */
  data: z
    .array(
      z.strictObject({
        corpus: z.string(),
        weight: z.number().positive().default(1),
        maxEpochs: z.number().positive().optional(),
      }),
    )
    .min(1),
  /** T: tokens a sample. */
  sequenceLength: count,
  /** Samples that go through the model at once. */
  microBatch: count,
  /** Samples a step; more than the micro batch means gradient accumulation. */
  globalBatch: count,
  batchRamp: z.strictObject({ start: count, increment: count, samples: count }).optional(),
  /** Either the steps or the tokens of the whole run. */
  steps: count.optional(),
  tokens: count.optional(),
  optimizer: z.strictObject({
    learningRate: z.number().positive(),
    /** A tenth of the peak when absent. */
    minLearningRate: z.number().nonnegative().optional(),
    /** At most one of the two; no warm-up when both are absent. */
    warmupSamples: z.int().nonnegative().optional(),
    warmupSteps: z.int().nonnegative().optional(),
    decay: z.enum(['cosine', 'linear', 'constant']).default('cosine'),
    /** The whole run when absent. */
    decaySamples: count.optional(),
    betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.95]),
    epsilon: z.number().positive().default(1e-8),
    /** On matrices and embeddings only. */
    weightDecay: z.number().nonnegative().default(0.01),
    /** Largest gradient norm. */
    clip: z.number().positive().default(1),
  }),
  /** Overrides the model's. */
  dropout: z.number().min(0).lt(1).optional(),
  /** Of the products; weights stay float32. bfloat16 is used only where the device has instructions for it; auto: there, always. */
  precision: z.enum(['auto', 'float32', 'bfloat16']).default('auto'),
  /** Keep the input of each block alone and run the blocks again in the backward pass: less memory, a third more work. */
  recomputation: z.boolean().default(false),
  seed: z.int().nonnegative().default(1),
  device: z.union([z.enum(['cpu', 'cuda']), z.templateLiteral(['cuda:', z.int().nonnegative()])]).default('cpu'),
  /** Threads of the engine; its own choice when absent. */
  threads: count.optional(),
  /** Loss over the first `windows` windows of each source's validation shards, every `every` steps and at the end. */
  evaluation: z.strictObject({ every: count, windows: count.default(64) }).optional(),
  /** Scores on tasks every `steps` steps and at the end, by the program that trains; see TrainOptions.openTasks. */
  evaluateEvery: z
    .strictObject({
      steps: count,
      suite: z.enum(['zeroclue', 'poems']),
      /** Folder of the tasks, or the corpus of poems. */
      data: z.string(),
      /** Names of some of the tasks; all when absent. */
      tasks: z.array(z.string()).min(1).optional(),
      /** Examples of each task. */
      limit: count.default(100),
    })
    .optional(),
  /** A checkpoint every `every` steps and at the end; the last `keep` stay. */
  checkpoint: z.strictObject({ every: count, keep: count.default(2) }).default({ every: 500, keep: 2 }),
});

export type RunRecipe = z.input<typeof recipeSchema>;

/** A recipe with every choice made: what train() works on and recipe.json holds. */
export interface RunPlan {
  readonly description?: string | undefined;
  readonly model: YuanConfig;
  readonly data: readonly {
    readonly corpus: string;
    readonly weight: number;
    readonly maxEpochs?: number | undefined;
  }[];
  readonly sequenceLength: number;
  readonly microBatch: number;
  readonly batch: BatchSchedule;
  readonly steps: number;
  readonly samples: number;
  readonly learningRate: LearningRateSchedule;
  readonly optimizer: {
    readonly betas: readonly [number, number];
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly clip: number;
  };
  /** What the products are made in here. */
  readonly precision: Precision;
  /** What the recipe asks for: the same run may be float32 on one machine and bfloat16 on another. */
  readonly askedPrecision: Precision | 'auto';
  readonly recomputation: boolean;
  readonly seed: number;
  readonly device: Device;
  readonly threads?: number | undefined;
  readonly evaluation?: { readonly every: number; readonly windows: number } | undefined;
  readonly evaluateEvery?: TaskEvaluation | undefined;
  readonly checkpoint: { readonly every: number; readonly keep: number };
}

export interface TaskEvaluation {
  readonly steps: number;
  readonly suite: 'zeroclue' | 'poems';
  readonly data: string;
  readonly tasks?: readonly string[] | undefined;
  readonly limit: number;
}

/** What the recipe does not know itself. */
export interface PlanContext {
  /** Directory of named recipes; needed when the model is given by name. */
  readonly recipes?: string | undefined;
  /** Of the data: entries and the id of `<eod>`. */
  readonly tokenizer?: { readonly vocabularySize: number; readonly eod: number } | undefined;
}

/**
 * Reads a run recipe by name or path.
 * @throws TrainingError TRAINING_BAD_RECIPE, naming the file and the field, or the recipes there are
 */
export function readRunRecipe(nameOrPath: string, recipes?: string): RunRecipe {
  return readNamed('run', nameOrPath, recipes) as RunRecipe;
}

/**
 * Checks a recipe and makes every choice it leaves open.
 * @throws TrainingError TRAINING_BAD_RECIPE with every field at fault
 */
export function planRun(recipe: RunRecipe, context: PlanContext = {}): RunPlan {
  const parsed = parseRecipe(recipe);
  const model = planModel(parsed.model, parsed.dropout, context);
  if (parsed.sequenceLength > model.contextLength) {
    throw bad(`sequenceLength ${parsed.sequenceLength} is longer than the model's context of ${model.contextLength}`);
  }
  if (parsed.recomputation && model.dropout > 0 && parsed.device !== 'cpu') {
    throw bad('recomputation: the dropout masks cannot be drawn again on a GPU; set dropout to 0, or leave it out');
  }
  const batch = planBatch(parsed);
  const { steps, samples } = planLength(parsed, batch);
  return {
    description: parsed.description,
    model,
    data: parsed.data.map((source) => ({ ...source, corpus: path.resolve(source.corpus) })),
    sequenceLength: parsed.sequenceLength,
    microBatch: parsed.microBatch,
    batch,
    steps,
    samples,
    learningRate: planLearningRate(parsed.optimizer, batch, samples),
    optimizer: {
      betas: parsed.optimizer.betas,
      epsilon: parsed.optimizer.epsilon,
      weightDecay: parsed.optimizer.weightDecay,
      clip: parsed.optimizer.clip,
    },
    precision: parsed.precision !== 'float32' && hasFastBfloat16(parsed.device) ? 'bfloat16' : 'float32',
    askedPrecision: parsed.precision,
    recomputation: parsed.recomputation,
    seed: parsed.seed,
    device: parsed.device,
    threads: parsed.threads,
    evaluation: parsed.evaluation,
    evaluateEvery: parsed.evaluateEvery && {
      ...parsed.evaluateEvery,
      data: path.resolve(parsed.evaluateEvery.data),
    },
    checkpoint: parsed.checkpoint,
  };
}

/** The token directories of a recipe, before the rest of it can be planned: the vocabulary is theirs. */
export function recipeCorpora(recipe: RunRecipe): string[] {
  return parseRecipe(recipe).data.map((source) => path.resolve(source.corpus));
}

/**
 * SHA-256 over the part of a plan that decides the numbers of a run. Where it runs, how often it saves or evaluates,
 * recomputation and where the corpus lies may change between stop and resume; the micro batch may too (equal up to rounding).
 */
export function planHash(plan: RunPlan): string {
  const { model, data, sequenceLength, batch, steps, samples, learningRate, optimizer, seed } = plan;
  const sources = data.map(({ weight, maxEpochs }) => ({ weight, maxEpochs }));
  // The masks of dropout are drawn for each micro batch, by the device's own generator.
  const masks = model.dropout > 0 ? { microBatch: plan.microBatch, device: plan.device } : undefined;
  const deciding = {
    model,
    sources,
    sequenceLength,
    batch,
    steps,
    samples,
    learningRate,
    optimizer,
    precision: plan.askedPrecision,
    seed,
    masks,
  };
  return createHash('sha256')
    .update(JSON.stringify(sorted(deciding)))
    .digest('hex');
}

type ParsedRecipe = z.output<typeof recipeSchema>;

function parseRecipe(recipe: RunRecipe): ParsedRecipe {
  const result = recipeSchema.safeParse(recipe);
  if (result.success) return result.data;
  const reasons = result.error.issues.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`);
  throw bad(reasons.join('; '), result.error);
}

function planModel(given: ParsedRecipe['model'], dropout: number | undefined, context: PlanContext): YuanConfig {
  const place = typeof given === 'string' ? `model ${given}` : 'model';
  const value = { ...(typeof given === 'string' ? readNamed('model', given, context.recipes) : given) };
  delete value.description;
  if (context.tokenizer !== undefined) {
    const { vocabularySize: size, eod } = context.tokenizer;
    value.vocabularySize ??= padVocabulary(size);
    value.endOfDocumentId ??= eod;
    if (typeof value.vocabularySize === 'number' && value.vocabularySize < size) {
      throw bad(`${place}: vocabularySize ${value.vocabularySize} is smaller than the tokenizer's ${size}`);
    }
  }
  if (dropout !== undefined) value.dropout = dropout;
  try {
    return parseYuanConfig(value, place);
  } catch (error) {
    if (error instanceof ModelError) throw bad(error.message, error);
    throw error;
  }
}

function planBatch(recipe: ParsedRecipe): BatchSchedule {
  const { globalBatch, microBatch, batchRamp } = recipe;
  const sizes = [['globalBatch', globalBatch]] as [string, number][];
  if (batchRamp !== undefined) {
    if (batchRamp.start > globalBatch || (globalBatch - batchRamp.start) % batchRamp.increment !== 0) {
      throw bad(`batchRamp: ${globalBatch} is not reached from ${batchRamp.start} in steps of ${batchRamp.increment}`);
    }
    sizes.push(['batchRamp.start', batchRamp.start], ['batchRamp.increment', batchRamp.increment]);
  }
  for (const [field, size] of sizes) {
    if (size % microBatch !== 0) throw bad(`${field} ${size} is not a multiple of microBatch ${microBatch}`);
  }
  return { globalBatch, ramp: batchRamp };
}

function planLength(recipe: ParsedRecipe, batch: BatchSchedule): { steps: number; samples: number } {
  if ((recipe.steps === undefined) === (recipe.tokens === undefined)) throw bad('give either steps or tokens');
  const steps = recipe.steps ?? stepsFor(batch, Math.ceil(recipe.tokens! / recipe.sequenceLength));
  return { steps, samples: samplesAfter(batch, steps) };
}

function planLearningRate(
  optimizer: ParsedRecipe['optimizer'],
  batch: BatchSchedule,
  samples: number,
): LearningRateSchedule {
  if (optimizer.warmupSamples !== undefined && optimizer.warmupSteps !== undefined) {
    throw bad('optimizer: give warmupSamples or warmupSteps, not both');
  }
  const peak = optimizer.learningRate;
  const minimum = optimizer.minLearningRate ?? peak / 10;
  if (minimum > peak) throw bad(`optimizer.minLearningRate ${minimum} is above learningRate ${peak}`);
  const warmupSamples = optimizer.warmupSamples ?? samplesAfter(batch, optimizer.warmupSteps ?? 0);
  const decaySamples = optimizer.decaySamples ?? samples;
  if (warmupSamples > decaySamples) {
    throw bad(`optimizer: a warm-up of ${warmupSamples} samples is longer than the decay of ${decaySamples}`);
  }
  return { peak, minimum, warmupSamples, decaySamples, shape: optimizer.decay };
}

function readNamed(kind: 'run' | 'model', nameOrPath: string, recipes: string | undefined): Record<string, unknown> {
  const isPath = nameOrPath.endsWith('.json') || nameOrPath.includes(path.sep);
  const folder = recipes === undefined ? undefined : path.join(recipes, kind);
  const file = isPath || folder === undefined ? nameOrPath : path.join(folder, `${nameOrPath}.json`);
  if (!fs.existsSync(file)) {
    const known = folder === undefined || !fs.existsSync(folder) ? [] : fs.readdirSync(folder).sort();
    const names = known.filter((name) => name.endsWith('.json')).map((name) => path.basename(name, '.json'));
    const hint = names.length === 0 ? '' : `; there are ${names.join(', ')}, or give the path of a JSON file`;
    throw bad(`no ${kind} recipe ${nameOrPath}${hint}`);
  }
  try {
    const value: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw bad(`${file}: not a JSON object`);
  } catch (error) {
    if (error instanceof SyntaxError) throw bad(`${file}: not valid JSON: ${error.message}`, error);
    throw error;
  }
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

function bad(message: string, cause?: unknown): TrainingError {
  return new TrainingError('TRAINING_BAD_RECIPE', `run recipe: ${message}`, { cause });
}
