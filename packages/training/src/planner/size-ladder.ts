/**
 * The sizes that a run is chosen from, and for each the recipe that the planner would train it by. Whoever sizes a run measures
 * these recipes and hands out one of them, so that what was measured is what is trained.
 */
import {
  LanguageModel,
  type ModelConfigInput,
  type Precision,
  padVocabulary,
  parseModelConfig,
  sizesOf,
} from '@tunan/model';
import { AdamW, clipGradNorm, gemmPeak, keep, randint, scope, trimMemory } from '@tunan/torch';
import type { RunRecipe } from '../recipe/schema.ts';

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
  /** Samples a step. */
  readonly batch: number;
  readonly precision: Precision;
  readonly seed: number;
}

/** Tokens a step: few in short runs, which need many steps more than exact ones; docs/experiments.md has the comparison. */
const SHORT_STEP = 2048;
const LONG_STEP = 4096;
/** From here on a run is long. */
const LONG_RUN = { seconds: 900, tokens: 1e7 };

/** Samples a step. @param length of the run, in either unit */
export function batchFor({ seconds, tokens }: { seconds?: number; tokens?: number }, context: number): number {
  const isLong = (seconds ?? 0) >= LONG_RUN.seconds || (tokens ?? 0) >= LONG_RUN.tokens;
  return Math.max(1, Math.round((isLong ? LONG_STEP : SHORT_STEP) / context));
}

/** The peak of the learning rate; narrower models and larger steps bear a higher one. */
export function learningRateFor({ width }: ModelSize, { batch, context }: Surroundings): number {
  return 0.0016 * Math.sqrt((192 / width) * ((batch * context) / SHORT_STEP));
}

export function configOf(
  { layers, width }: ModelSize,
  { vocabularySize, context }: Pick<Surroundings, 'vocabularySize' | 'context'>,
): ModelConfigInput {
  return {
    vocabularySize: padVocabulary(vocabularySize),
    contextLength: context,
    layers,
    width,
    heads: width / 64,
    dropout: 0,
    // Of 0.02, 0.06 and 0.12 at width 192 the middle one learns fastest in runs of minutes.
    initStd: 0.83 / Math.sqrt(width),
    scaledResidualInit: true,
  };
}

/** Parameters outside the embeddings, which laws count. */
export function matrixParameters(size: ModelSize, surroundings: Surroundings): number {
  return sizesOf(parseModelConfig(configOf(size, surroundings))).parameters.blockMatrices;
}

/** A run of so many tokens, with a decay over its whole length. @param rate factor on the usual learning rate */
export function recipeOf(size: ModelSize, surroundings: Surroundings, tokens: number, rate = 1): RunRecipe {
  const { data, context, batch, precision, seed } = surroundings;
  const steps = Math.max(2, Math.floor(tokens / (batch * context)));
  const learningRate = rate * learningRateFor(size, surroundings);
  return {
    model: { ...configOf(size, surroundings) },
    data: data.map((corpus) => ({ corpus })),
    sequenceLength: context,
    microBatch: batch,
    globalBatch: batch,
    steps,
    optimizer: {
      learningRate,
      minLearningRate: learningRate / 20,
      warmupSteps: warmupOf(steps),
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
  const { context, batch, precision, seed } = surroundings;
  using model = LanguageModel.create(configOf(size, surroundings), { dtype: precision, seed });
  const named = Object.fromEntries(model.namedParameters());
  const parameters = Object.values(named);
  using optimizer = new AdamW([{ parameters: named, weightDecay: 0.1 }], { learningRate: 1e-4 });
  const ids = scope(() => keep(randint(0, model.config.vocabularySize, [batch, context])));
  const milliseconds: number[] = [];
  const began = performance.now();
  while (milliseconds.length < 2 + TIMED_STEPS) {
    const stepBegan = performance.now();
    if (milliseconds.length > 2 && stepBegan - began > 1000 * TIMED_SECONDS) break;
    scope(() => model.loss(ids, ids, { training: true }).backward());
    clipGradNorm(parameters, 1);
    optimizer.step();
    optimizer.zeroGrad();
    milliseconds.push(performance.now() - stepBegan);
  }
  ids.dispose();
  trimMemory(); // the activations of a rejected size would stay pooled through the run
  const timed = milliseconds.slice(2).sort((a, b) => a - b);
  return {
    ...size,
    tokensPerSecond: (1000 * batch * context) / timed[timed.length >> 1]!,
    parameters: parameters.reduce((sum, parameter) => sum + parameter.size, 0),
    matrixParameters: model.sizes.parameters.blockMatrices,
  };
}
