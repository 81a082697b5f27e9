/**
 * Chooses model size and length of a timed training run by measurement: how fast each size trains on this machine, and
 * what loss a fit of earlier runs promises for that many tokens. The sizes are tried from the smallest; the search ends
 * where the promise gets worse.
 */
import {
  LanguageModel,
  type ModelConfigInput,
  type Precision,
  padVocabulary,
  parseModelConfig,
  trainingFlopsPerToken,
} from '@tunan/model';
import { AdamW, clipGradNorm, gemmPeak, hasFastBfloat16, keep, randint, scope, trimMemory } from '@tunan/torch';
import type { RunRecipe } from '../recipe/schema.ts';

/** Context in tokens: nine poems in ten fit with their titles. */
const CONTEXT = 128;

/** Samples a step: few in short runs, which need many steps more than exact ones; docs/experiments.md has the comparison. */
const SHORT_BATCH = 16;
const LONG_BATCH = 32;
/** Seconds of training from which a run is long. */
const LONG_RUN = 900;

function batchFor(seconds: number): number {
  return seconds < LONG_RUN ? SHORT_BATCH : LONG_BATCH;
}

/** [layers, width]; heads are of 64. */
const SIZES = [
  [2, 128],
  [3, 192],
  [4, 256],
  [5, 320],
  [6, 384],
  [8, 512],
  [10, 640],
] as const;

/**
 * Bits per character of the validation split after a cosine run of D tokens with N parameters outside the embeddings, in
 * the form of Hoffmann et al. 2022, E + A / N^a + B / D^b, with their exponents. E, A and B are solved from three runs on
 * tiny-poet; the runs, and how the promise held for longer ones, stand in docs/experiments.md.
 */
const LAW = { E: 5.45, A: 25.51, a: 0.34, B: 131.13, b: 0.28 };

/** Tokens of repeated epochs are worth less: Muennighoff et al. 2023, with their decay of 15 epochs. */
const REPEAT_DECAY = 15;

/** Of the speed of a few steps what a run of minutes keeps up, less a margin for other work on the machine. */
const SUSTAINED = 0.91;

export interface ModelSize {
  readonly layers: number;
  readonly width: number;
}

/** A size that was tried. */
export interface Candidate extends ModelSize {
  /** All parameters, embeddings included. */
  readonly parameters: number;
  readonly tokensPerSecond: number;
  /** That the training time allows. */
  readonly tokens: number;
  /** Bits per character that the fit promises. */
  readonly promised: number;
}

export interface ChosenRun {
  readonly precision: Precision;
  /** FLOP/s. */
  readonly gemmPeak: number;
  readonly candidates: readonly Candidate[];
  readonly chosen: Candidate;
  readonly recipe: RunRecipe;
}

export interface RunRequest {
  /** Directory of token shards. */
  readonly tokens: string;
  /** How many the train split has. */
  readonly trainingTokens: number;
  /** Of the tokenizer. */
  readonly vocabularySize: number;
  /** Wall time of the training; what choosing takes is part of it. */
  readonly seconds: number;
  readonly seed: number;
}

/**
 * Tries the sizes and makes the recipe of the best one, for `train`.
 * @param onTry called before a size is tried, which may take seconds
 */
export function chooseRun(request: RunRequest, onTry?: (size: ModelSize) => void): ChosenRun {
  const began = performance.now();
  const precision = hasFastBfloat16() ? 'bfloat16' : 'float32';
  const peak = measuredPeak(precision);
  const candidates: Candidate[] = [];
  for (const [layers, width] of SIZES) {
    onTry?.({ layers, width });
    const candidate = tryCandidate(layers, width, precision, request);
    candidates.push(candidate);
    const before = candidates.at(-2);
    if (before !== undefined && candidate.promised > before.promised) break;
  }
  const chosen = candidates.reduce((best, next) => (next.promised < best.promised ? next : best));
  // What choosing took is taken off the training.
  const left = Math.max(0.1, 1 - (performance.now() - began) / 1000 / request.seconds);
  const recipe = recipeOf({ ...chosen, tokens: left * chosen.tokens }, precision, request);
  return { precision, gemmPeak: peak, candidates, chosen, recipe };
}

/** FLOP/s, in three seconds at most. */
function measuredPeak(precision: Precision): number {
  return gemmPeak(precision, { sizes: [512, 1024, 2048], seconds: 3 });
}

function configOf(layers: number, width: number, vocabularySize: number): ModelConfigInput {
  return {
    vocabularySize: padVocabulary(vocabularySize),
    contextLength: CONTEXT,
    layers,
    width,
    heads: width / 64,
    dropout: 0,
    // Of 0.02, 0.06 and 0.12 at width 192 the middle one learns fastest in runs of minutes.
    initStd: 0.83 / Math.sqrt(width),
    scaledResidualInit: true,
  };
}

function tryCandidate(layers: number, width: number, precision: Precision, request: RunRequest): Candidate {
  const config = configOf(layers, width, request.vocabularySize);
  const { tokensPerSecond, parameters, matrixParameters } = trainingSpeed(config, precision, request);
  const tokens = SUSTAINED * tokensPerSecond * request.seconds;
  return {
    layers,
    width,
    parameters,
    tokensPerSecond,
    tokens,
    promised: promisedBits(matrixParameters, tokens, request.trainingTokens),
  };
}

/**
 * Bits per character that the law promises.
 * @param matrixParameters those outside the embeddings
 * @param tokens seen in training, of `trainingTokens` different ones
 */
export function promisedBits(matrixParameters: number, tokens: number, trainingTokens: number): number {
  const repeats = Math.max(0, tokens / trainingTokens - 1);
  const worth =
    Math.min(tokens, trainingTokens) + trainingTokens * REPEAT_DECAY * (1 - Math.exp(-repeats / REPEAT_DECAY));
  return LAW.E + LAW.A / matrixParameters ** LAW.a + LAW.B / worth ** LAW.b;
}

/** Times whole training steps on random tokens, in tokens a second of the median; the first two are not counted. */
function trainingSpeed(config: ModelConfigInput, precision: Precision, { seconds, seed }: RunRequest) {
  const batch = batchFor(seconds);
  using model = LanguageModel.create(config, { dtype: precision, seed });
  const named = Object.fromEntries(model.namedParameters());
  const parameters = Object.values(named);
  using optimizer = new AdamW([{ parameters: named, weightDecay: 0.1 }], { learningRate: 1e-4 });
  const ids = scope(() => keep(randint(0, model.config.vocabularySize, [batch, CONTEXT])));
  const milliseconds = Array.from({ length: 8 }, () => {
    const began = performance.now();
    scope(() => model.loss(ids, ids, { training: true }).backward());
    clipGradNorm(parameters, 1);
    optimizer.step();
    optimizer.zeroGrad();
    return performance.now() - began;
  });
  ids.dispose();
  trimMemory(); // the activations of a rejected size would stay pooled through the run
  return {
    tokensPerSecond: (1000 * batch * CONTEXT) / milliseconds.slice(2).sort((a, b) => a - b)[3]!,
    parameters: parameters.reduce((sum, parameter) => sum + parameter.size, 0),
    matrixParameters: model.sizes.parameters.blockMatrices,
  };
}

function recipeOf({ layers, width, tokens }: Candidate, precision: Precision, request: RunRequest): RunRecipe {
  const batch = batchFor(request.seconds);
  const steps = Math.max(2, Math.floor(tokens / (batch * CONTEXT)));
  const learningRate = 0.0016 * Math.sqrt((192 / width) * (batch / SHORT_BATCH));
  return {
    model: { ...configOf(layers, width, request.vocabularySize) },
    data: [{ corpus: request.tokens }],
    sequenceLength: CONTEXT,
    microBatch: batch,
    globalBatch: batch,
    steps,
    optimizer: {
      learningRate,
      minLearningRate: learningRate / 20,
      warmupSteps: Math.min(100, Math.floor(steps / 10)),
      weightDecay: 0.1,
    },
    precision,
    seed: request.seed,
    checkpoint: { every: Math.max(100, Math.ceil(steps / 8)), keep: 1 },
  };
}

/**
 * Share of the GEMM peak that a training speed is, for a chosen run. The peak is measured again behind the run and the better one
 * taken: what was measured while the machine had other work would flatter the run.
 */
export function shareOfPeak(run: ChosenRun, tokensPerSecond: number, vocabularySize: number): number {
  const config = parseModelConfig(configOf(run.chosen.layers, run.chosen.width, vocabularySize));
  const peak = Math.max(run.gemmPeak, measuredPeak(run.precision));
  return (tokensPerSecond * trainingFlopsPerToken(config, CONTEXT)) / peak;
}
