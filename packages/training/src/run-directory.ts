/**
 * The directory of one run: recipe.json (the plan), log.jsonl, tensorboard/, checkpoints/. Decides whether a run may begin or
 * go on in a directory, and keeps a second process out while one trains. Never overwrites a run.
 */

import fs from 'node:fs';
import path from 'node:path';
import { LockHeldError, LockLostError, ProcessLock } from '@tunan/files';
import { listCheckpoints } from './checkpoint.ts';
import { explainWriteFailure, TrainingError } from './errors.ts';
import { planHash, type RunPlan } from './recipe.ts';

const RECIPE = 'recipe.json';
const LOCK = 'training.lock';

/** Whether to go on with a run that is there: no (an error if there is one), yes (an error if there is none), or either. */
export type Resume = 'never' | 'always' | 'if-present';

export class RunDirectory implements Disposable {
  readonly path: string;
  readonly checkpoints: string;
  readonly log: string;
  readonly tensorboard: string;
  #held: ProcessLock | undefined;

  /**
   * Makes the directory ready for the plan, or finds it ready.
   * @throws TrainingError TRAINING_RUN_EXISTS, TRAINING_NOT_A_RUN, TRAINING_OTHER_RECIPE, TRAINING_WRITE_FAILED
   */
  constructor(directory: string, plan: RunPlan, resume: Resume) {
    this.path = directory;
    this.checkpoints = path.join(directory, 'checkpoints');
    this.log = path.join(directory, 'log.jsonl');
    this.tensorboard = path.join(directory, 'tensorboard');
    try {
      this.#prepare(plan, resume);
    } catch (error) {
      this.#held?.[Symbol.dispose]();
      throw explainWriteFailure(error, directory);
    }
  }

  /** The newest checkpoint, unverified. */
  newestCheckpoint(): string | undefined {
    const name = listCheckpoints(this.checkpoints)[0];
    return name === undefined ? undefined : path.join(this.checkpoints, name);
  }

  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]();
  }

  #prepare(plan: RunPlan, resume: Resume): void {
    const recipeFile = path.join(this.path, RECIPE);
    const exists = fs.existsSync(recipeFile);
    if (exists && resume === 'never') {
      const message = `${this.path} already holds a run: resume it, or choose another output directory`;
      throw new TrainingError('TRAINING_RUN_EXISTS', message);
    }
    if (!exists && (resume === 'always' || fs.existsSync(this.checkpoints) || fs.existsSync(this.log))) {
      const message = `${this.path} holds no run that can be resumed (there is no ${RECIPE}): check the path`;
      throw new TrainingError('TRAINING_NOT_A_RUN', message);
    }
    if (exists) requireSamePlan(recipeFile, plan);
    makeWritable(this.path);
    this.#held = this.#lock();
    if (!exists) writeRecipe(recipeFile, plan);
  }

  /** One process a run. */
  #lock(): ProcessLock {
    try {
      return ProcessLock.acquire(path.join(this.path, LOCK));
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      const who = error.holder === '' ? 'another process' : error.holder;
      const message = `${this.path} is being trained by ${who}: wait for it, or stop it`;
      throw new TrainingError('TRAINING_RUN_EXISTS', message, { cause: error });
    }
  }

  /** @throws TrainingError TRAINING_RUN_EXISTS where another process took the run over */
  requireHeld(): void {
    try {
      this.#held?.requireHeld();
    } catch (error) {
      if (!(error instanceof LockLostError)) throw error;
      throw new TrainingError('TRAINING_RUN_EXISTS', `${error.message}: another process trains this run now`, {
        cause: error,
      });
    }
  }
}

/** Makes the directory; on a read-only file system mkdir alone would say ENOENT. */
function makeWritable(directory: string): void {
  let existing = path.resolve(directory);
  while (!fs.existsSync(existing)) existing = path.dirname(existing);
  fs.accessSync(existing, fs.constants.W_OK);
  fs.mkdirSync(directory, { recursive: true });
}

function requireSamePlan(file: string, plan: RunPlan): void {
  const stored = JSON.parse(fs.readFileSync(file, 'utf8')) as { plan: RunPlan; planHash: string };
  if (stored.planHash === planHash(plan)) return;
  const difference = firstDifference(stored.plan, JSON.parse(JSON.stringify(plan)), '') ?? 'its plan';
  const message = `${file} is of another recipe (${difference}): choose another output directory, or the old recipe`;
  throw new TrainingError('TRAINING_OTHER_RECIPE', message);
}

function writeRecipe(file: string, plan: RunPlan): void {
  const aside = `${file}.tmp`;
  const descriptor = fs.openSync(aside, 'w');
  try {
    fs.writeFileSync(descriptor, `${JSON.stringify({ planHash: planHash(plan), plan }, null, 2)}\n`);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  fs.renameSync(aside, file);
}

/** "model.layers: 6, now 4", of the first field that decides the numbers of a run. */
function firstDifference(before: unknown, now: unknown, place: string): string | undefined {
  const free =
    /^(precision|recomputation|device|threads|checkpoint|evaluation|evaluateEvery|microBatch|description|data\.\d+\.corpus)$/;
  if (free.test(place)) return undefined;
  if (isObject(before) && isObject(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const found = firstDifference(before[key], now[key], place === '' ? key : `${place}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return before === now ? undefined : `${place}: ${JSON.stringify(before)}, now ${JSON.stringify(now)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
