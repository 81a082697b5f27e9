/** A run as its directory tells of it: the plan, the log, the newest checkpoint. */
import { existsSync, statSync } from 'node:fs';
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

/** @throws TrainingError TRAINING_NOT_A_RUN where there is no run with a checkpoint and a log, or it is one of tuning */
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
  requireShards(directory, plan);
  const { state } = newest.good;
  const log = readRunLog(file).filter(({ step }) => step <= state.step);
  return { plan, log, checkpoint: newest.good.directory, step: state.step };
}

/** Tuned on examples, or an adapter: there are no shards to hold a whole model to. */
function requireShards(directory: string, { lora, data }: RunPlan): void {
  if (lora === undefined && !data.some(({ corpus }) => statSync(corpus, { throwIfNoEntry: false })?.isFile())) return;
  throw new TrainingError('TRAINING_NOT_A_RUN', {
    en: `${directory} is a tuned model: the report is of models trained on token shards; tunan train tune has said its loss before and after, which log.jsonl and before.json keep`,
    zh: `${directory} 是微调所得：报告只针对用词元分片训练的模型；微调前后的损失已由 tunan train tune 给出，存于 before.json 与 log.jsonl`,
  });
}
