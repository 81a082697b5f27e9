/**
 * The sizes that a run is chosen from, and for each the recipe that the planner would train it by. Whoever sizes a run measures
 * these recipes and hands out one of them, so that what was measured is what is trained.
 */
import { type ModelConfigInput, type Precision, padVocabulary, parseModelConfig, sizesOf } from '@tunan/model';
import { gemmPeak, keep, randint, scope, trimMemory } from '@tunan/torch';
import { Mesh } from '../parallel/mesh.ts';
import { planRun } from '../recipe/plan.ts';
import type { RunRecipe } from '../recipe/schema.ts';
import { Trainer } from '../trainer.ts';

export interface ModelSize {
  readonly layers: number;
  readonly width: number;
}

/** Heads are of 64. */
export const LADDER: readonly ModelSize[] = [
  { layers: 2, width: 128 },
  { layers: 3, width: 192 },
  { layers: 4, width: 256 },
  { layers: 5, width: 320 },
  { layers: 6, width: 384 },
  { layers: 8, width: 512 },
  { layers: 10, width: 640 },
  { layers: 12, width: 768 },
];

/** What all sizes of one choice have in common. */
export interface Surroundings {
  /** Directories of token shards. */
  readonly data: readonly string[];
  /** Of the tokenizer. */
  readonly vocabularySize: number;
  /** Tokens a sample. */
  readonly context: number;
  /** From some minutes or tokens on, see isLongRun. */
  readonly isLong: boolean;
  readonly precision: Precision;
  readonly seed: number;
}

/** From here on a run is long. */
const LONG_RUN = { seconds: 900, tokens: 1e7 };

/** @param length of the run, in either unit */
export function isLongRun({ seconds = 0, tokens = 0 }: { seconds?: number; tokens?: number }): boolean {
  return seconds >= LONG_RUN.seconds || tokens >= LONG_RUN.tokens;
}

/** Tokens a step of short runs from a width on: a step of Muon costs as the width, whatever the batch; docs/experiments.md has the costs. */
const STEP_TOKENS = [
  { width: 384, tokens: 8192 },
  { width: 192, tokens: 4096 },
  { width: 0, tokens: 2048 },
] as const;

/** Samples a step; short runs need many steps more than exact ones. */
export function batchFor(size: ModelSize, { context, isLong }: Pick<Surroundings, 'context' | 'isLong'>): number {
  const { tokens } = STEP_TOKENS.find(({ width }) => size.width >= width)!;
  return Math.max(1, Math.round(((isLong ? 2 : 1) * tokens) / context));
}

/** The peaks of the rates: AdamW's for embeddings and norms, lower for wider models, and Muon's for the matrices, one for all widths. */
export function learningRatesFor({ width }: ModelSize, { isLong }: Pick<Surroundings, 'isLong'>) {
  const batchFactor = isLong ? Math.SQRT2 : 1;
  return {
    learningRate: 0.008 * Math.sqrt(128 / width) * batchFactor,
    matrixLearningRate: 0.02 * batchFactor,
  };
}

export function configOf(
  { layers, width }: ModelSize,
  { vocabularySize, context }: Pick<Surroundings, 'vocabularySize' | 'context'>,
): ModelConfigInput {
  return {
    family: 'llama', // a Qwen3, its default variant
    vocabularySize: padVocabulary(vocabularySize),
    contextLength: context,
    layers,
    width,
    heads: width / 64,
    dropout: 0,
    // Of 0.02, 0.06 and 0.12 at width 192 the middle one learns fastest in runs of minutes.
    initStd: 0.83 / Math.sqrt(width),
  };
}

/** Parameters outside the embeddings, which laws count. */
export function matrixParameters(size: ModelSize, surroundings: Surroundings): number {
  return sizesOf(parseModelConfig(configOf(size, surroundings))).parameters.blockMatrices;
}

/**
 * A run of so many tokens: Qwen3 with Muon for its matrices, rows of whole documents, the rate falling in a line over the second half.
 * @param rate factor on the usual learning rates
 */
export function recipeOf(size: ModelSize, surroundings: Surroundings, tokens: number, rate = 1): RunRecipe {
  const { data, context, precision, seed } = surroundings;
  const batch = batchFor(size, surroundings);
  const steps = Math.max(2, Math.floor(tokens / (batch * context)));
  const { learningRate, matrixLearningRate } = learningRatesFor(size, surroundings);
  return {
    model: { ...configOf(size, surroundings) },
    data: data.map((corpus) => ({ corpus })),
    sequenceLength: context,
    packing: 'documents',
    microBatch: batch,
    globalBatch: batch,
    steps,
    optimizer: {
      kind: 'muon',
      learningRate: rate * learningRate,
      matrixLearningRate: rate * matrixLearningRate,
      minLearningRate: 0,
      warmupSteps: warmupOf(steps),
      decay: 'trapezoid',
      cooldown: 0.5,
      weightDecay: 0.1,
    },
    precision,
    seed,
    checkpoint: { every: Math.max(100, Math.ceil(steps / 8)), keep: 1 },
  };
}

export function warmupOf(steps: number): number {
  return Math.min(100, Math.floor(steps / 10));
}

/** FLOP/s, in two seconds at most. */
export function measuredPeak(precision: Precision): number {
  return gemmPeak(precision, { sizes: [512, 1024, 2048], seconds: 2 });
}

/** Of the speed of a few steps what a run of minutes keeps up, less a margin for other work on the machine. */
export const SUSTAINED = 0.91;

export interface SizeSpeed extends ModelSize {
  /** All parameters, embeddings included. */
  readonly parameters: number;
  /** Those outside the embeddings. */
  readonly matrixParameters: number;
  readonly tokensPerSecond: number;
}

const TIMED_STEPS = 6;
/** Seconds after which no further step is timed. */
const TIMED_SECONDS = 2;

/** Times whole training steps on random tokens, in tokens a second of the median; the first two are not counted. */
export function timeSize(size: ModelSize, surroundings: Surroundings): SizeSpeed {
  const { context } = surroundings;
  const batch = batchFor(size, surroundings);
  const plan = planRun(recipeOf(size, surroundings, 0));
  using trainer = Trainer.fresh(plan, { mesh: Mesh.alone(), sharded: false });
  const { model, optimizer, exchange } = trainer;
  const ids = scope(() => keep(randint(0, model.config.vocabularySize, [batch, context])));
  const milliseconds: number[] = [];
  const began = performance.now();
  while (milliseconds.length < 2 + TIMED_STEPS) {
    const stepBegan = performance.now();
    if (milliseconds.length > 2 && stepBegan - began > 1000 * TIMED_SECONDS) break;
    scope(() => model.loss(ids, ids, { training: true }).backward());
    exchange.clip(1);
    optimizer.step(1e-4, 1);
    optimizer.zeroGrad();
    milliseconds.push(performance.now() - stepBegan);
  }
  ids.dispose();
  trimMemory(); // the activations of a rejected size would stay pooled through the run
  const timed = milliseconds.slice(2).sort((a, b) => a - b);
  return {
    ...size,
    tokensPerSecond: (1000 * batch * context) / timed[timed.length >> 1]!,
    parameters: [...model.namedParameters().values()].reduce((sum, parameter) => sum + parameter.size, 0),
    matrixParameters: model.sizes.parameters.blockMatrices,
  };
}
