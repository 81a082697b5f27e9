/**
 * Chooses model size and length of a timed training run by measurement: how fast each size trains on this machine, and
 * what loss a law of earlier runs promises for that many tokens. The sizes are tried from the smallest; the search ends
 * where the promise gets worse. `sizing.ts` fits a law to the user's own data instead, which takes minutes.
 */
import { type Precision, parseModelConfig, trainingFlopsPerToken } from '@tunan/model';
import { hasFastBfloat16 } from '@tunan/torch';
import type { RunRecipe } from '../recipe/schema.ts';
import { lossOf, type ScalingLaw } from './scaling-law.ts';
import {
  configOf,
  isLongRun,
  LADDER,
  type ModelSize,
  measuredPeak,
  recipeOf,
  type SizeSpeed,
  SUSTAINED,
  type Surroundings,
  timeSize,
} from './size-ladder.ts';

/** Context in tokens: nine poems in ten fit with their titles. */
const CONTEXT = 128;

/**
 * Bits per character of the validation split of tiny-poet at the end of a run, fitted (scaling-law.ts) to six runs from half a million
 * to 90 million tokens; docs/experiments.md has them. Two of them were a GPT-2's under AdamW, whose tokens count 0.4.
 */
const VERSE_LAW: ScalingLaw = { E: 2.4755, A: 0.1528, a: 0.3401, B: 5.031, b: 0.1173 };

/** Of the loss on the validation shards, over a run. */
const EVALUATIONS = 4;

/** A size that was tried. */
export interface Candidate extends SizeSpeed {
  /** That the training time allows. */
  readonly tokens: number;
  /** Bits per character that the law promises. */
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
  const surroundings = surroundingsOf(request, precision);
  const peak = measuredPeak(precision);
  const candidates: Candidate[] = [];
  for (const size of LADDER) {
    onTry?.(size);
    const speed = timeSize(size, surroundings);
    const tokens = SUSTAINED * speed.tokensPerSecond * request.seconds;
    const promised = promisedBits(speed.matrixParameters, tokens, request.trainingTokens);
    candidates.push({ ...speed, tokens, promised });
    const before = candidates.at(-2);
    if (before !== undefined && promised > before.promised) break;
  }
  const chosen = candidates.reduce((best, next) => (next.promised < best.promised ? next : best));
  // What choosing took is taken off the training.
  const left = Math.max(0.1, 1 - (performance.now() - began) / 1000 / request.seconds);
  const recipe = recipeOf(chosen, surroundings, left * chosen.tokens);
  const evaluation = { every: Math.ceil(recipe.steps! / EVALUATIONS), windows: 64 };
  return { precision, gemmPeak: peak, candidates, chosen, recipe: { ...recipe, evaluation } };
}

function surroundingsOf({ tokens, vocabularySize, seconds, seed }: RunRequest, precision: Precision): Surroundings {
  return { data: [tokens], vocabularySize, context: CONTEXT, isLong: isLongRun({ seconds }), precision, seed };
}

/**
 * Bits per character that the law of verse promises.
 * @param matrixParameters those outside the embeddings
 * @param tokens seen in training, of `trainingTokens` different ones
 */
export function promisedBits(matrixParameters: number, tokens: number, trainingTokens: number): number {
  return lossOf(VERSE_LAW, matrixParameters, tokens, trainingTokens);
}

/**
 * Share of the GEMM peak that a training speed is, for a chosen run. The peak is measured again behind the run and the better one
 * taken: what was measured while the machine had other work would flatter the run.
 */
export function shareOfPeak(run: ChosenRun, tokensPerSecond: number, vocabularySize: number): number {
  const surroundings = { vocabularySize, context: CONTEXT };
  const config = parseModelConfig(configOf(run.chosen, surroundings));
  const peak = Math.max(run.gemmPeak, measuredPeak(run.precision));
  return (tokensPerSecond * trainingFlopsPerToken(config, CONTEXT)) / peak;
}
