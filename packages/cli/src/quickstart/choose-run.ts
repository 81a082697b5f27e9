/**
 * Chooses model size and length of a timed training run by measurement: how fast each size trains on this machine, and
 * what loss a fit of earlier runs promises for that many tokens. The sizes are tried from the smallest; the search ends
 * where the promise gets worse.
 */
import { type Precision, padVocabulary, trainingFlopsPerToken, type YuanConfigInput, YuanLM } from '@tunan/model';
import { AdamW, clipGradNorm, gemmPeak, keep, randint, scope } from '@tunan/torch';
import type { RunRecipe } from '@tunan/training';

/** Context in tokens: nine poems in ten fit with their titles. */
const CONTEXT = 128;
const GLOBAL_BATCH = 32;

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
 * the form of Hoffmann et al. 2022: E + A / N^a + B / D^b. Fitted to runs of bench/quickstart-sizes.ts on tiny-poet; the
 * runs and the residuals stand in docs/experiments.md.
 */
const LAW = { E: 4.2, A: 38, a: 0.28, B: 1100, b: 0.42 };

/** Tokens of repeated epochs are worth less: Muennighoff et al. 2023, with their decay of 15 epochs. */
const REPEAT_DECAY = 15;

export interface Candidate {
  readonly layers: number;
  readonly width: number;
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
  /** Token shards. */
  readonly tokens: string;
  readonly trainingTokens: number;
  readonly vocabularySize: number;
  readonly seconds: number;
  readonly seed: number;
}

export function chooseRun(request: RunRequest): ChosenRun {
  const { precision, peak } = fasterPrecision();
  const candidates: Candidate[] = [];
  for (const [layers, width] of SIZES) {
    const candidate = tryCandidate(layers, width, precision, request);
    candidates.push(candidate);
    const before = candidates.at(-2);
    if (before !== undefined && candidate.promised > before.promised) break;
  }
  const chosen = candidates.reduce((best, next) => (next.promised < best.promised ? next : best));
  return { precision, gemmPeak: peak, candidates, chosen, recipe: recipeOf(chosen, precision, request) };
}

/** bfloat16 where this processor multiplies it faster by enough to pay for the conversions. */
function fasterPrecision(): { precision: Precision; peak: number } {
  const sizes = [1024, 2048];
  const [wide, narrow] = [gemmPeak('float32', { sizes }), gemmPeak('bfloat16', { sizes })];
  return narrow > 1.2 * wide ? { precision: 'bfloat16', peak: narrow } : { precision: 'float32', peak: wide };
}

function configOf(layers: number, width: number, vocabularySize: number): YuanConfigInput {
  return {
    vocabularySize: padVocabulary(vocabularySize),
    contextLength: CONTEXT,
    layers,
    width,
    heads: width / 64,
    dropout: 0,
    initStd: 0.02,
    scaledResidualInit: true,
  };
}

function tryCandidate(layers: number, width: number, precision: Precision, request: RunRequest): Candidate {
  const config = configOf(layers, width, request.vocabularySize);
  const { tokensPerSecond, parameters, matrixParameters } = trainingSpeed(config, precision, request.seed);
  const tokens = tokensPerSecond * request.seconds;
  return {
    layers,
    width,
    parameters,
    tokensPerSecond,
    tokens,
    promised: promise(matrixParameters, tokens, request.trainingTokens),
  };
}

function promise(matrixParameters: number, tokens: number, trainingTokens: number): number {
  const repeats = Math.max(0, tokens / trainingTokens - 1);
  const worth =
    Math.min(tokens, trainingTokens) + trainingTokens * REPEAT_DECAY * (1 - Math.exp(-repeats / REPEAT_DECAY));
  return LAW.E + LAW.A / matrixParameters ** LAW.a + LAW.B / worth ** LAW.b;
}

/** Times whole training steps on random tokens; the first is not counted. */
function trainingSpeed(config: YuanConfigInput, precision: Precision, seed: number) {
  using model = YuanLM.create(config, { dtype: precision, seed });
  const parameters = [...model.namedParameters().values()];
  using optimizer = new AdamW([{ parameters, weightDecay: 0.1 }], { learningRate: 1e-4 });
  const ids = scope(() => keep(randint(0, model.config.vocabularySize, [GLOBAL_BATCH, CONTEXT])));
  const milliseconds = Array.from({ length: 4 }, () => {
    const began = performance.now();
    scope(() => model.loss(ids, ids, { training: true }).backward());
    clipGradNorm(parameters, 1);
    optimizer.step();
    optimizer.zeroGrad();
    return performance.now() - began;
  });
  ids.dispose();
  return {
    tokensPerSecond: (1000 * GLOBAL_BATCH * CONTEXT) / Math.min(...milliseconds.slice(1)),
    parameters: parameters.reduce((sum, parameter) => sum + parameter.size, 0),
    matrixParameters: 12 * model.config.layers * model.config.width ** 2,
  };
}

function recipeOf({ layers, width, tokens }: Candidate, precision: Precision, request: RunRequest): RunRecipe {
  const steps = Math.max(2, Math.floor(tokens / (GLOBAL_BATCH * CONTEXT)));
  const learningRate = 0.003 * Math.sqrt(256 / width);
  return {
    model: { ...configOf(layers, width, request.vocabularySize) },
    data: [{ corpus: request.tokens }],
    sequenceLength: CONTEXT,
    microBatch: GLOBAL_BATCH,
    globalBatch: GLOBAL_BATCH,
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

/** Share of the measured GEMM peak that a training speed is, for a chosen run. */
export function shareOfPeak(run: ChosenRun, tokensPerSecond: number, vocabularySize: number): number {
  const config = configOf(run.chosen.layers, run.chosen.width, vocabularySize);
  return (tokensPerSecond * trainingFlopsPerToken(config as never, CONTEXT)) / run.gemmPeak;
}
