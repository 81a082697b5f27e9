/**
 * How many steps a machine makes in the minutes that it is given: a few real steps are timed, and steps and rank follow. The run keeps the
 * answer, so that it goes on under the same schedule wherever and whenever it is resumed.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { Mesh } from '../parallel/mesh.ts';
import { SUSTAINED } from '../planner/size-ladder.ts';
import { type GivenData, train } from '../train.ts';
import { rowsOf } from './example-rows.ts';
import type { Trial, TuneOptions } from './tune-options.ts';
import { tuningRecipe } from './tuning-recipe.ts';

const trialSchema = z.object({
  minutes: z.number().positive(),
  steps: z.int().positive(),
  rank: z.int().positive().optional(),
  epochs: z.number().positive(),
  secondsAStep: z.number().positive(),
  tokensPerSecond: z.number().positive(),
});

/** Ranks that are tried, and below so many passes the next smaller one is. */
const RANKS = [16, 4];
const ENOUGH_EPOCHS = 3;
/** A smaller rank must be faster by this factor to be taken. */
const WORTH = 1.1;
/** Passes beyond these gain nothing on examples that are few enough for them. */
const MOST_EPOCHS = 10;
/** Of the time: for a trial, and for what comes behind the last step. */
const TRIAL_SHARE = 0.04;
const REPORT_SHARE = 0.1;
/** The first steps allocate; they are not timed. */
const UNTIMED = 2;
const LEAST_TIMED = 3;
/** What a row costs that is evaluated, of one that is learnt. */
const EVALUATION_COST = 0.4;
const EVALUATIONS = 11;

const fileOf = (directory: string) => path.join(directory, 'minutes.json');

/** Undefined where no minutes are given; that of the run where it goes on. */
export async function findTrial(options: TuneOptions, data: GivenData): Promise<Trial | undefined> {
  const { minutes, directory, resume, way, lora, mesh = Mesh.alone() } = options;
  const kept = await mesh.once(() => (resume === 'never' ? undefined : readTrial(fileOf(directory))));
  if (kept !== undefined) return kept;
  if (minutes === undefined) return undefined;
  const began = performance.now();
  const ranks = way === 'full' ? [undefined] : lora?.rank === undefined ? RANKS : [lora.rank];
  let chosen: Trial | undefined;
  for (const rank of ranks) {
    const seconds = await timeSteps(options, data, rank, 60 * minutes * TRIAL_SHARE);
    if (seconds === undefined) break;
    // The first process's clock decides.
    const trial = await mesh.once(() => {
      const elapsed = (performance.now() - began) / 1000;
      return trialOf(options, rank, seconds, 60 * minutes * (1 - REPORT_SHARE) - elapsed);
    });
    if (chosen === undefined || trial.epochs > WORTH * chosen.epochs) chosen = trial;
    if (trial.epochs >= ENOUGH_EPOCHS) break;
  }
  if (chosen !== undefined) options.onTrial?.(chosen);
  return chosen;
}

function readTrial(file: string): Trial | undefined {
  if (!existsSync(file)) return undefined;
  const read = readJsonFile(file);
  return 'problem' in read ? undefined : trialSchema.safeParse(read.value).data;
}

export function keepTrial(directory: string, trial: Trial): void {
  writeWhole(fileOf(directory), `${JSON.stringify(trial)}\n`);
}

/** Seconds of a step, the median; undefined where the signal ended it. */
async function timeSteps(
  options: TuneOptions,
  data: GivenData,
  rank: number | undefined,
  seconds: number,
): Promise<number | undefined> {
  const { evaluation: _, ...recipe } = tuningRecipe(options, { steps: 1000, rank });
  const { mesh = Mesh.alone() } = options;
  const directory = await mesh.once(() => mkdtempSync(path.join(tmpdir(), 'tunan-trial-')));
  const enough = new AbortController();
  const timed: number[] = [];
  const began = performance.now();
  try {
    await train({
      recipe: { ...recipe, checkpoint: { every: Number.MAX_SAFE_INTEGER, keep: 1 } },
      data,
      directory: path.join(directory, 'run'),
      from: options.model,
      mesh,
      signal: options.signal === undefined ? enough.signal : AbortSignal.any([enough.signal, options.signal]),
      onProgress: ({ line }) => {
        if (line.step > UNTIMED) timed.push(line.milliseconds.total / 1000);
        if (timed.length >= LEAST_TIMED && performance.now() - began > 1000 * seconds) enough.abort();
      },
    });
  } finally {
    if (mesh.isFirst) rmSync(directory, { recursive: true, force: true });
  }
  if (mesh.any(options.signal?.aborted === true)) return undefined;
  return timed.sort((a, b) => a - b)[timed.length >> 1];
}

function trialOf(options: TuneOptions, rank: number | undefined, seconds: number, left: number): Trial {
  const { sets, minutes, epochs = MOST_EPOCHS, replay } = options;
  const { globalBatch, sequenceLength } = tuningRecipe(options, { steps: 1, rank });
  const rows = rowsOf(sets.train, sequenceLength);
  const perStep = globalBatch * (1 - (replay?.share ?? 0)); // rows of examples
  const evaluated = sets.validation.length === 0 ? 0 : rowsOf(sets.validation, sequenceLength);
  const evaluating = (EVALUATIONS * evaluated * EVALUATION_COST * seconds) / globalBatch;
  const possible = ((left - evaluating) * SUSTAINED) / seconds;
  const steps = Math.max(1, Math.floor(Math.min(possible, (epochs * rows) / perStep)));
  const tokens = sets.counts.train.tokens / rows; // a row
  return {
    minutes: minutes!,
    steps,
    ...(rank !== undefined && options.lora?.rank === undefined && { rank }),
    epochs: (steps * perStep) / rows,
    secondsAStep: seconds,
    tokensPerSecond: (globalBatch * tokens) / seconds,
  };
}
