/**
 * Sizes a run by measurement on the user's machine and data: how fast each size trains here, short runs at a few sizes and lengths, a law
 * through their losses, and of all sizes the one for which the law promises the least loss in the time that there is. The time that
 * this takes is bounded and told. docs/decisions has the reasons.
 */
import path from 'node:path';
import type { Precision } from '@tunan/model';
import { hasFastBfloat16 } from '@tunan/torch';
import { TokenSources } from '../data/token-source.ts';
import { TrainingError } from '../errors.ts';
import { requireValidation } from '../evaluate.ts';
import type { RunRecipe } from '../recipe/schema.ts';
import { fitLaw, type LawFit, type LawPoint, lossOf, lossSpan, type ScalingLaw } from './scaling-law.ts';
import { measureSize, STEPS_A_STEP } from './short-runs.ts';
import {
  batchFor,
  isLongRun,
  LADDER,
  learningRatesFor,
  type ModelSize,
  recipeOf,
  type SizeSpeed,
  SUSTAINED,
  type Surroundings,
  timeSize,
} from './size-ladder.ts';

export interface SizingRequest {
  /** Directories of token shards, with a validation split. */
  readonly data: readonly string[];
  /** What the run may take: exactly one of both. */
  readonly minutes?: number | undefined;
  readonly tokens?: number | undefined;
  /** Seconds that sizing itself may take; a step that runs at their end is finished. */
  readonly budget: number;
  /** Where short runs are kept while they last. */
  readonly directory: string;
  readonly seed: number;
  /** Sizes to choose from, the smallest first; the usual ones where absent. */
  readonly ladder?: readonly ModelSize[] | undefined;
  /** When aborted, what has been measured is used where it is enough. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SizingProgress) => void) | undefined;
}

export interface SizingProgress {
  readonly stage: 'speed' | 'rate' | 'runs';
  readonly size: ModelSize;
  /** From 0 to 1, of the time that sizing may take. */
  readonly share: number;
}

/** A size, and what the law says of it. */
export interface SizedCandidate extends SizeSpeed {
  /** Of the run that was asked for. */
  readonly tokens: number;
  readonly seconds: number;
  /** Nats a token, on the validation split. */
  readonly loss: number;
  readonly low: number;
  readonly high: number;
  /** Whether short runs of this size are among the points. */
  readonly measured: boolean;
}

export interface SizedRun {
  readonly precision: Precision;
  readonly context: number;
  readonly batch: number;
  /** Of AdamW, for embeddings and norms. */
  readonly learningRate: number;
  /** Of Muon, for the matrices of the blocks. */
  readonly matrixLearningRate: number;
  /** Factor on the usual rate that did best in short runs of the smallest size. */
  readonly rateFactor: number;
  /** Different tokens of the train splits. */
  readonly distinctTokens: number;
  readonly points: readonly LawPoint[];
  readonly fit: LawFit;
  readonly candidates: readonly SizedCandidate[];
  readonly chosen: SizedCandidate;
  readonly recipe: RunRecipe;
  /** Seconds that sizing took. */
  readonly seconds: number;
}

/** Sizes below which nothing is said of size. */
const LEAST_SIZES = 3;
/** Sizes that short runs are made of. */
const MEASURED_SIZES = 4;
/** Shares of the budget: timing of steps, the rate, the rest for the points. */
const SPEED_SHARE = 0.15;
const RATE_SHARE = 0.15;
/** Steps of the shortest run that says anything. */
const LEAST_STEPS = 24;
const RATE_FACTORS = [0.5, 1, 2];
/** Points, of at least two sizes, below which a law says nothing. */
const LEAST_POINTS = 4;
/** A size whose runs take so many times their share, or all that is left, is stopped; its points so far count. */
const LATE = 1.4;
/** Of its share a run is planned to take, since what is stopped loses its longest point. */
const PLANNED = 0.9;

/**
 * @throws TrainingError TRAINING_BAD_RECIPE where the budget does not pay for a law; what opening the data throws
 */
export async function sizeRun(request: SizingRequest): Promise<SizedRun> {
  using sources = new TokenSources(request.data.map((directory) => path.resolve(directory)));
  const context = contextFor(sources);
  requireValidation(sources.list, context);
  const surroundings: Surroundings = {
    data: request.data,
    vocabularySize: sources.tokenizer.vocabularySize,
    context,
    isLong: isLongRun({ seconds: 60 * (request.minutes ?? 0), tokens: request.tokens ?? 0 }),
    precision: hasFastBfloat16() ? 'bfloat16' : 'float32',
    seed: request.seed,
  };
  const distinct = sources.list.reduce((sum, { train }) => sum + train.tokenCount, 0);
  const measurement = new Measurement(request, surroundings);
  const speeds = measurement.timeSizes();
  const measured = speeds.slice(0, MEASURED_SIZES);
  const rateFactor = await measurement.bestRate(measured[0]!);
  const points = await measurement.points(measured, rateFactor);
  const sizes = new Set(points.map(({ parameters }) => parameters));
  if (points.length < LEAST_POINTS || sizes.size < 2) throw tooLittle(request.budget);
  const fit = fitLaw(points, distinct);
  const candidates = speeds.map((speed) =>
    candidateOf(speed, request, fit, distinct, sizes.has(speed.matrixParameters)),
  );
  const chosen = request.tokens === undefined ? leastLoss(candidates) : balanced(candidates, fit, distinct);
  return {
    precision: surroundings.precision,
    context,
    batch: batchFor(chosen, surroundings),
    learningRate: rateFactor * learningRatesFor(chosen, surroundings).learningRate,
    matrixLearningRate: rateFactor * learningRatesFor(chosen, surroundings).matrixLearningRate,
    rateFactor,
    distinctTokens: distinct,
    points,
    fit,
    candidates,
    chosen,
    recipe: finishedRecipe(chosen, surroundings, rateFactor, { law: fit.law, distinct }),
    seconds: measurement.seconds,
  };
}

/** The shortest of the usual contexts that holds nine documents in ten, up to 1024. */
function contextFor({ list }: TokenSources): number {
  const lengths = list.flatMap(({ train }) => {
    const step = Math.max(1, Math.floor(train.documentCount / 2000));
    return Array.from({ length: Math.ceil(train.documentCount / step) }, (_, i) => train.documentLength(i * step));
  });
  const nine = lengths.sort((a, b) => a - b)[Math.floor(0.9 * (lengths.length - 1))] ?? 0;
  return [64, 128, 256, 512].find((context) => context >= nine) ?? 1024;
}

/** Tokens of the run that was asked for. */
function tokensOf({ minutes, tokens }: SizingRequest, { tokensPerSecond }: SizeSpeed): number {
  return tokens ?? SUSTAINED * tokensPerSecond * 60 * minutes!;
}

/** Timed steps and short runs within a budget of seconds. */
class Measurement {
  readonly #request: SizingRequest;
  readonly #surroundings: Surroundings;
  readonly #began = performance.now();
  /** Of the speed of single steps what the last short run kept up, its evaluations and checkpoints included. */
  #pace = SUSTAINED;

  constructor(request: SizingRequest, surroundings: Surroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
  }

  /** So far. */
  get seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** Times the sizes from the smallest, until one would see fewer than two tokens a parameter. */
  timeSizes(): SizeSpeed[] {
    const { ladder = LADDER, budget } = this.#request;
    const speeds: SizeSpeed[] = [];
    for (const size of ladder) {
      const share = speeds.length >= LEAST_SIZES ? SPEED_SHARE : 1;
      if (speeds.length > 0 && this.seconds > share * budget) break;
      this.#tell('speed', size);
      const speed = timeSize(size, this.#surroundings);
      speeds.push(speed);
      if (speeds.length >= LEAST_SIZES && tokensOf(this.#request, speed) < 2 * speed.matrixParameters) break;
    }
    return speeds;
  }

  /** Factor on the usual rate: the lowest point of the parabola through the losses of three rates, within them. */
  async bestRate(smallest: SizeSpeed): Promise<number> {
    const seconds = (RATE_SHARE * this.#request.budget) / RATE_FACTORS.length;
    const losses: number[] = [];
    for (const rate of RATE_FACTORS) {
      const [point] = await this.#runSize(smallest, seconds, rate, [1]);
      if (point === undefined) return 1;
      losses.push(point.loss);
    }
    const [slow, usual, fast] = losses as [number, number, number];
    const curvature = slow - 2 * usual + fast;
    const middle = curvature > 0 ? (slow - fast) / (2 * curvature) : slow < fast ? -1 : 1;
    return 2 ** Math.max(-1, Math.min(1, middle));
  }

  /** The sizes share the time that is left; what one leaves over is the next ones'. */
  async points(sizes: readonly SizeSpeed[], rate: number): Promise<LawPoint[]> {
    const points: LawPoint[] = [];
    for (const [i, size] of sizes.entries()) {
      const seconds = Math.max(0, this.#request.budget - this.seconds) / (sizes.length - i);
      points.push(...(await this.#runSize(size, seconds, rate)));
    }
    return points;
  }

  /** The points of one size in so many seconds, fewer where the machine has got slower; no run is longer than the one that was asked for. */
  async #runSize(speed: SizeSpeed, seconds: number, rate: number, lengths?: readonly number[]): Promise<LawPoint[]> {
    const { context } = this.#surroundings;
    const batch = batchFor(speed, this.#surroundings);
    const stepsASecond = speed.tokensPerSecond / (batch * context);
    const stepsAStep = lengths === undefined ? STEPS_A_STEP : 1;
    const asked = tokensOf(this.#request, speed) / (batch * context);
    const steps = Math.floor(Math.min((PLANNED * this.#pace * seconds * stepsASecond) / stepsAStep, asked));
    if (steps < LEAST_STEPS) return [];
    const began = this.seconds;
    const { signal, directory, budget } = this.#request;
    const late = AbortSignal.timeout(Math.ceil(1000 * Math.min(LATE * seconds, Math.max(0, budget - began))));
    let done = 0;
    const points = await measureSize({
      size: speed,
      surroundings: this.#surroundings,
      steps,
      rate,
      ...(lengths && { lengths }),
      directory: path.join(directory, `${speed.layers}x${speed.width}`),
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      onStep: (count) => {
        done = count;
        this.#tell(lengths === undefined ? 'runs' : 'rate', speed);
      },
    });
    this.#pace = Math.min(1, done / (this.seconds - began) / stepsASecond);
    return points;
  }

  #tell(stage: SizingProgress['stage'], size: ModelSize): void {
    const { onProgress, budget } = this.#request;
    onProgress?.({ stage, size, share: Math.min(1, this.seconds / budget) });
  }
}

function candidateOf(
  speed: SizeSpeed,
  request: SizingRequest,
  fit: LawFit,
  distinct: number,
  measured: boolean,
): SizedCandidate {
  const tokens = tokensOf(request, speed);
  return {
    ...speed,
    tokens,
    seconds: tokens / (SUSTAINED * speed.tokensPerSecond),
    loss: lossOf(fit.law, speed.matrixParameters, tokens, distinct),
    ...lossSpan(fit, speed.matrixParameters, tokens, distinct),
    measured,
  };
}

function leastLoss(candidates: readonly SizedCandidate[]): SizedCandidate {
  return candidates.reduce((best, next) => (next.loss < best.loss ? next : best));
}

/**
 * With the tokens given, a larger size always promises less. Taken is the one for which this much data is the best use of its FLOPs: more
 * of them in either direction gains equally, a A / N^a = b B / D^b.
 */
function balanced(candidates: readonly SizedCandidate[], { law }: LawFit, distinct: number): SizedCandidate {
  const imbalance = ({ matrixParameters: N, tokens }: SizedCandidate) => {
    const bySize = law.a * (lossOf({ ...law, E: 0, B: 0 }, N, tokens, distinct) || 1e-12);
    const byData = law.b * (lossOf({ ...law, E: 0, A: 0 }, N, tokens, distinct) || 1e-12);
    return Math.abs(Math.log(bySize / byData));
  };
  return candidates.reduce((best, next) => (imbalance(next) < imbalance(best) ? next : best));
}

/** What the user gets: the run that the law speaks of, with its loss on the validation split told now and then, and what was promised. */
function finishedRecipe(
  chosen: SizedCandidate,
  surroundings: Surroundings,
  rate: number,
  { law, distinct }: { readonly law: ScalingLaw; readonly distinct: number },
): RunRecipe {
  const recipe = recipeOf(chosen, surroundings, chosen.tokens, rate);
  const { loss, low, high } = chosen;
  return {
    ...recipe,
    data: surroundings.data.map((corpus) => ({ corpus: path.resolve(corpus) })),
    precision: 'auto',
    evaluation: { every: Math.max(1, Math.ceil(recipe.steps! / 8)), windows: 128 },
    promised: { loss, low, high, curve: curveOf(law, chosen, distinct) },
  };
}

/** Steps of its curve are equal factors of the tokens: that is how a law bends. */
const CURVE_POINTS = 32;
/** Share of the tokens at which the curve begins: short runs tell nothing of less. */
const CURVE_BEGIN = 1 / 200;

/** What the law expects of runs of the chosen size that end after so many tokens. */
function curveOf(law: ScalingLaw, { matrixParameters, tokens }: SizedCandidate, distinct: number) {
  return Array.from({ length: CURVE_POINTS }, (_, i) => {
    const until = Math.round(tokens * CURVE_BEGIN ** (1 - i / (CURVE_POINTS - 1)));
    return { tokens: until, loss: lossOf(law, matrixParameters, until, distinct) };
  });
}

function tooLittle(budget: number): TrainingError {
  const minutes = (budget / 60).toFixed(1);
  return new TrainingError('TRAINING_BAD_RECIPE', {
    en: `${minutes} minutes of short runs do not give enough points for a law: allow more time with --within`,
    zh: `${minutes} 分钟的短训练得不到拟合所需的点：请用 --within 给更多时间`,
  });
}
