/**
 * The directory of one run: recipe.json (the plan), log.jsonl, tensorboard/, checkpoints/. Decides whether a run may begin or
 * go on in a directory, and keeps a second process out while one trains. Never overwrites a run: one that left no checkpoint has
 * nothing to lose and may be begun again, with its log and recipe set aside where the recipe is another one.
 */

import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { LockHeldError, LockLostError, ProcessLock, writeWhole } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { explainWriteFailure, TrainingError } from '../errors.ts';
import type { Mesh } from '../parallel/mesh.ts';
import { decidingPart, planHash, type RunPlan } from '../recipe/plan.ts';
import { type GoodCheckpoint, newestGoodCheckpoint } from './checkpoint.ts';
import { listCheckpoints, stepOf } from './checkpoint-files.ts';

const RECIPE = 'recipe.json';
const LOCK = 'training.lock';

/**
 * Whether to go on with a run that is there: no (an error if there is one), yes (an error if there is none), or either. 'extend' goes on
 * under a recipe of another length, schedule or other data; the model stays.
 */
export type Resume = 'never' | 'always' | 'if-present' | 'extend';

interface StoredRecipe {
  readonly plan: RunPlan;
  readonly planHash: string;
  /** Hashes of the plans that this one extends; their checkpoints are of this run. */
  readonly extended?: readonly string[];
}

export class RunDirectory implements Disposable {
  readonly path: string;
  readonly checkpoints: string;
  readonly log: string;
  readonly tensorboard: string;
  /** Of this plan, and of those that it extends: what a checkpoint of this run may be of. */
  readonly planHashes: readonly string[];
  #held: ProcessLock | undefined;

  private constructor(directory: string, planHashes: (run: RunDirectory) => readonly string[]) {
    this.path = directory;
    this.checkpoints = path.join(directory, 'checkpoints');
    this.log = path.join(directory, 'log.jsonl');
    this.tensorboard = path.join(directory, 'tensorboard');
    this.planHashes = planHashes(this);
  }

  /**
   * Makes the directory ready for the plan, or finds it ready. Of several processes the first one does, and holds it for all.
   * @throws TrainingError TRAINING_RUN_EXISTS, TRAINING_NOT_A_RUN, TRAINING_OTHER_RECIPE, TRAINING_WRITE_FAILED
   */
  static async open(mesh: Mesh, directory: string, plan: RunPlan, resume: Resume): Promise<RunDirectory> {
    let held: RunDirectory | undefined;
    const planHashes = await mesh.once(() => {
      held = new RunDirectory(directory, (run) => run.#prepareExplained(plan, resume));
      return held.planHashes;
    });
    return held ?? new RunDirectory(directory, () => planHashes);
  }

  #prepareExplained(plan: RunPlan, resume: Resume): readonly string[] {
    try {
      return this.#prepare(plan, resume);
    } catch (error) {
      this.#held?.[Symbol.dispose]();
      throw explainWriteFailure(error, this.path);
    }
  }

  /**
   * The newest checkpoint that is good; damaged ones before it are renamed, so that they are in nobody's way. Called by all processes.
   * @throws TrainingError TRAINING_CHECKPOINT_DAMAGED where there are some and none is good
   */
  async takeCheckpoint(
    mesh: Mesh,
  ): Promise<{ readonly good: GoodCheckpoint; readonly damaged: readonly string[] } | undefined> {
    const found = newestGoodCheckpoint(this.checkpoints, mesh);
    if (found === undefined) return undefined;
    const damaged = found.damaged.map(({ directory }) => ({ directory, aside: `${directory}.damaged` }));
    await mesh.once(() => {
      for (const { directory, aside } of damaged) {
        rmSync(aside, { recursive: true, force: true });
        renameSync(directory, aside);
      }
    });
    return { good: found.good, damaged: damaged.map(({ aside }) => aside) };
  }

  /** @throws TrainingError TRAINING_RUN_EXISTS where another process took the run over */
  requireHeld(): void {
    try {
      this.#held?.requireHeld();
    } catch (error) {
      if (!(error instanceof LockLostError)) throw error;
      const said = {
        en: `${this.path} was taken over by another process while this one did not answer: this one ends`,
        zh: `${this.path} 在本进程停顿期间已由另一进程接手：本进程就此结束`,
      };
      throw new TrainingError('TRAINING_RUN_EXISTS', said, { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]();
  }

  /** @returns planHashes */
  #prepare(plan: RunPlan, resume: Resume): string[] {
    const file = path.join(this.path, RECIPE);
    const stored = readStored(file);
    const [newest] = listCheckpoints(this.checkpoints);
    const begun = newest !== undefined;
    this.#requireFitting(stored, begun, resume);
    const hash = planHash(plan);
    const extended = stored === undefined || !begun ? [] : [...(stored.extended ?? [])];
    if (stored !== undefined && begun && stored.planHash !== hash) {
      if (resume === 'extend') requireExtension(file, stored.plan, plan, newest);
      else requireSamePlan(file, stored.plan, plan);
      extended.push(stored.planHash);
    }
    makeWritable(this.path);
    this.#held = this.#lock();
    if (stored?.planHash !== hash) {
      if (stored !== undefined) this.#setAside(stored.planHash, begun ? [RECIPE] : [RECIPE, 'log.jsonl']);
      writeRecipe(file, { planHash: hash, plan, ...(extended.length > 0 && { extended }) });
    }
    return [hash, ...extended];
  }

  #requireFitting(stored: StoredRecipe | undefined, begun: boolean, resume: Resume): void {
    if (stored !== undefined && begun && resume === 'never') {
      throw new TrainingError('TRAINING_RUN_EXISTS', {
        en: `${this.path} already holds a run: go on with it by --resume, or choose another output directory`,
        zh: `${this.path} 中已有训练：请用 --resume 继续，或换一个输出目录`,
      });
    }
    const isFree = !begun && !existsSync(this.log) && (resume === 'never' || resume === 'if-present');
    if (stored === undefined && !isFree) {
      throw new TrainingError('TRAINING_NOT_A_RUN', {
        en: `${this.path} holds no run that can be gone on with (there is no ${RECIPE}): check the path`,
        zh: `${this.path} 中没有可以继续的训练（缺少 ${RECIPE}）：请检查路径`,
      });
    }
  }

  /** Kept under the hash of their plan: of a try that left no checkpoint, or of the plan that is extended. */
  #setAside(hash: string, names: readonly string[]): void {
    for (const name of names.filter((one) => existsSync(path.join(this.path, one)))) {
      const { name: stem, ext } = path.parse(name);
      renameSync(path.join(this.path, name), path.join(this.path, `${stem}.${hash.slice(0, 8)}${ext}`));
    }
  }

  /** One process a run. */
  #lock(): ProcessLock {
    try {
      return ProcessLock.acquire(path.join(this.path, LOCK));
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      const { holder } = error;
      const said = {
        en: `${this.path} is being trained by ${holder || 'another process'}: wait for it, or stop it`,
        zh: `${this.path} 正由${holder === '' ? '另一进程' : ` ${holder} `}训练：请等它结束，或先停止它`,
      };
      throw new TrainingError('TRAINING_RUN_EXISTS', said, { cause: error });
    }
  }
}

/** Makes the directory; on a read-only file system mkdir alone would say ENOENT. */
function makeWritable(directory: string): void {
  let existing = path.resolve(directory);
  while (!existsSync(existing)) existing = path.dirname(existing);
  accessSync(existing, constants.W_OK);
  mkdirSync(directory, { recursive: true });
}

/** The plan that a run began with, so that what it does not repeat can be taken from it. @throws TrainingError TRAINING_NOT_A_RUN */
export function readStoredPlan(directory: string): RunPlan | undefined {
  return readStored(path.join(directory, RECIPE))?.plan;
}

function readStored(file: string): StoredRecipe | undefined {
  if (!existsSync(file)) return undefined;
  const read = readJsonFile(file);
  const value = 'problem' in read ? undefined : (read.value as Partial<StoredRecipe> | null);
  if (typeof value?.planHash === 'string' && typeof value.plan === 'object') return value as StoredRecipe;
  throw new TrainingError('TRAINING_NOT_A_RUN', {
    en: `${file} is not the recipe of a run, or damaged: choose another output directory, or move the file away`,
    zh: `${file} 不是训练的配方，或已损坏：请换一个输出目录，或移走该文件`,
  });
}

function requireSamePlan(file: string, stored: RunPlan, plan: RunPlan): void {
  const [before, now] = [stored, plan].map((one) => JSON.parse(JSON.stringify(decidingPart(one)))) as [
    unknown,
    unknown,
  ];
  const difference = firstDifference(before, now, '') ?? { en: 'its plan', zh: '计划不同' };
  throw new TrainingError('TRAINING_OTHER_RECIPE', {
    en: `${file} is of another recipe (${difference.en}): choose another output directory, take the old recipe, or go on under the new one by --extend`,
    zh: `${file} 属于另一配方（${difference.zh}）：请换一个输出目录、改用原配方，或用 --extend 按新配方继续`,
  });
}

/** @param newest checkpoint, by its name */
function requireExtension(file: string, stored: RunPlan, plan: RunPlan, newest: string): void {
  const done = stepOf(newest);
  if (plan.steps < done) {
    throw new TrainingError('TRAINING_OTHER_RECIPE', {
      en: `${file}: the run has done ${done} steps, this recipe ends after ${plan.steps}: give it more steps, or choose another output directory`,
      zh: `${file}：该训练已完成 ${done} 步，而此配方只有 ${plan.steps} 步：请增加步数，或换一个输出目录`,
    });
  }
  const shape = ({ model: { dropout: _, ...rest } }: RunPlan) => JSON.parse(JSON.stringify(rest));
  const difference = firstDifference(shape(stored), shape(plan), 'model');
  if (difference === undefined) return;
  throw new TrainingError('TRAINING_OTHER_RECIPE', {
    en: `${file}: an extension keeps the model (${difference.en})`,
    zh: `${file}：延长训练时模型须不变（${difference.zh}）`,
  });
}

/** "model.layers: 6, now 4", of the first field that differs. */
function firstDifference(before: unknown, now: unknown, place: string): { en: string; zh: string } | undefined {
  if (isObject(before) && isObject(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const found = firstDifference(before[key], now[key], place === '' ? key : `${place}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (before === now) return undefined;
  const [was, is] = [before, now].map((value) => JSON.stringify(value));
  return { en: `${place}: ${was}, now ${is}`, zh: `${place} 原为 ${was}，现为 ${is}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function writeRecipe(file: string, content: StoredRecipe): void {
  writeWhole(file, `${JSON.stringify(content, null, 2)}\n`);
}
