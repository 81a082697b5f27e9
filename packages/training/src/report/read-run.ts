/** A run as its directory tells of it: the plan, the log, the newest checkpoint. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TrainingError } from '../errors.ts';
import type { RunPlan } from '../recipe/plan.ts';
import { newestGoodCheckpoint } from '../run/checkpoint.ts';
import { readStoredPlan } from '../run/run-directory.ts';
import { type LogLine, readRunLog } from '../run/run-log.ts';

export interface FinishedRun {
  readonly plan: RunPlan;
  readonly log: readonly LogLine[];
  /** Model directory of the newest checkpoint. */
  readonly checkpoint: string;
  /** Steps done there. */
  readonly step: number;
}

/** @throws TrainingError TRAINING_NOT_A_RUN where there is no run with a checkpoint and a log */
export function readRun(directory: string): FinishedRun {
  const plan = readStoredPlan(directory);
  const file = path.join(directory, 'log.jsonl');
  const newest = plan === undefined ? undefined : newestGoodCheckpoint(path.join(directory, 'checkpoints'));
  if (plan === undefined || newest === undefined || !existsSync(file)) {
    throw new TrainingError('TRAINING_NOT_A_RUN', {
      en: `${directory} holds no run with a checkpoint: give the directory that tunan train run wrote (its --out)`,
      zh: `${directory} 中没有带检查点的训练：请给出 tunan train run 的 --out 目录`,
    });
  }
  const { state } = newest.good;
  const log = readRunLog(file).filter(({ step }) => step <= state.step);
  return { plan, log, checkpoint: newest.good.directory, step: state.step };
}
