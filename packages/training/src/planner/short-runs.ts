/**
 * Losses of short runs at several lengths. One run of a size goes through all lengths at a constant rate; at each length a copy of
 * it cools down to the end (Hägele et al. 2024: such branches reach what a whole run with its own decay reaches). So three lengths cost
 * little more than the longest, and every loss is that of a finished run. Everything goes through `train()`: what is measured
 * is what a user's run does.
 */
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { RunRecipe } from '../recipe/schema.ts';
import { train } from '../train.ts';
import type { LawPoint } from './scaling-law.ts';
import { batchFor, type ModelSize, matrixParameters, recipeOf, type Surroundings, warmupOf } from './size-ladder.ts';

/** Share of a branch's steps in which the rate goes to zero. */
const COOLDOWN = 0.25;
/** The lengths, as shares of the longest. */
const LENGTHS = [0.25, 0.5, 1];
/** Steps of a run, with its cool-downs, for each step of the longest length. */
export const STEPS_A_STEP = 1 - COOLDOWN + COOLDOWN * LENGTHS.reduce((sum, length) => sum + length, 0);

/** Of the validation split, the same ones for all runs. */
const EVALUATED_TOKENS = 16_384;
/** More steps than any run has. */
const NEVER = 1e9;

export interface ShortRunOptions {
  readonly size: ModelSize;
  readonly surroundings: Surroundings;
  /** Of the longest run, its cool-down included. */
  readonly steps: number;
  /** Lengths as shares of the longest; three, up to all of it, where absent. */
  readonly lengths?: readonly number[];
  /** Factor on the usual learning rate. */
  readonly rate: number;
  /** Emptied and removed at the end. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Steps done so far, those of the cool-downs included. */
  readonly onStep: (done: number) => void;
}

/** The points that were reached before the signal came, in nats a token of the validation split. */
export async function measureSize(options: ShortRunOptions): Promise<LawPoint[]> {
  const { size, surroundings, steps, lengths = LENGTHS, rate, directory, signal, onStep } = options;
  const { context } = surroundings;
  const batch = batchFor(size, surroundings);
  const [trunk, branch] = [path.join(directory, 'trunk'), path.join(directory, 'branch')];
  const parameters = matrixParameters(size, surroundings);
  const points: LawPoint[] = [];
  let done = 0;
  let behind = 0;
  const run = async (recipe: RunRecipe, place: string, extend: boolean) => {
    const { status, lastLine } = await train({
      recipe,
      directory: place,
      resume: extend ? 'extend' : 'never',
      signal,
      onProgress: () => onStep(++done),
    });
    await setImmediate(); // timers are heard
    return status === 'finished' ? lastLine : undefined;
  };
  try {
    for (const length of lengths) {
      const whole = Math.max(4, Math.round(length * steps));
      const turn = whole - Math.max(1, Math.round(COOLDOWN * whole));
      const constant = constantRecipe(options, turn, rate);
      if (turn > behind && (await run(constant, trunk, behind > 0)) === undefined) break;
      behind = turn;
      rmSync(branch, { recursive: true, force: true });
      cpSync(trunk, branch, { recursive: true });
      const line = await run(cooledRecipe(constant, turn, whole), branch, true);
      if (line?.evaluation === undefined) break;
      points.push({ parameters, tokens: whole * batch * context, loss: line.evaluation.loss });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return points;
}

/** The warm-up is that of the shortest length, so that all lengths share it. */
function constantRecipe({ size, surroundings, steps, lengths = LENGTHS }: ShortRunOptions, turn: number, rate: number) {
  const recipe = recipeOf(size, surroundings, turn * batchFor(size, surroundings) * surroundings.context, rate);
  const { minLearningRate: _, cooldown: __, ...optimizer } = recipe.optimizer;
  const warmupSteps = warmupOf(lengths[0]! * steps);
  return {
    ...recipe,
    steps: turn,
    optimizer: { ...optimizer, warmupSteps, decay: 'constant' as const },
    checkpoint: { every: NEVER, keep: 1 },
  } satisfies RunRecipe;
}

/** Linear from the rate that the run has at its turn to zero. */
function cooledRecipe(constant: RunRecipe, turn: number, whole: number): RunRecipe {
  const { globalBatch, sequenceLength } = constant;
  const { warmupSteps: _, ...optimizer } = constant.optimizer;
  return {
    ...constant,
    steps: whole,
    optimizer: {
      ...optimizer,
      minLearningRate: 0,
      // The decay begins behind the warm-up, which this run has long passed.
      warmupSamples: turn * globalBatch,
      decaySamples: whole * globalBatch,
      decay: 'linear',
    },
    evaluation: { every: NEVER, windows: Math.max(1, Math.floor(EVALUATED_TOKENS / sequenceLength)) },
  };
}
