/** A run as its directory tells of it: the plan, the log, the newest checkpoint. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { readTokensSchema } from '@tunan/tokenizer/shards';
import { TrainingError } from '../errors.ts';
import type { RunPlan } from '../recipe/plan.ts';
import { newestGoodCheckpoint } from '../run/checkpoint.ts';
import { readStoredPlan } from '../run/run-directory.ts';
import { type LogLine, readRunLog } from '../run/run-log.ts';
import { bestOf, examplesOf, outputOf, readLossBefore, type Way } from '../run/tuned-files.ts';

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
  const run = readAnyRun(directory);
  requireShards(directory, run.plan);
  return run;
}

/** A run of tuning, with what it learnt from. */
export interface TunedRun extends FinishedRun {
  readonly way: Way;
  /** Adapter or model of the last step, and of the step with the lowest loss on what is held out where that was another. */
  readonly output: string;
  readonly best: string | undefined;
  /** JSON lines of the examples. */
  readonly trained: string;
  readonly heldOut: string;
  /** Nats a token that is learnt, on what is held out; absent where nothing is. */
  readonly before: number | undefined;
}

/** @throws TrainingError TRAINING_NOT_A_RUN where there is no run of `tune` with a checkpoint; undefined where it is a run of train() */
export function readTunedRun(directory: string): TunedRun | undefined {
  const run = readAnyRun(directory);
  const [trained, heldOut] = examplesOf(directory);
  if (!existsSync(trained)) return undefined;
  const { lora } = run.plan;
  const way = lora === undefined ? 'full' : 'lora';
  const output = outputOf(directory, way);
  const best = bestOf(directory);
  return {
    ...run,
    way,
    output: existsSync(output) ? output : run.checkpoint,
    best: existsSync(best) ? best : undefined,
    trained,
    heldOut,
    before: readLossBefore(directory, run.plan.from?.sha256),
  };
}

function readAnyRun(directory: string): FinishedRun {
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

/** An adapter trained on shards: there is no whole model to hold to them. */
function requireShards(directory: string, { lora, data }: RunPlan): void {
  if (lora === undefined && !data.some(({ corpus }) => statSync(corpus, { throwIfNoEntry: false })?.isFile())) return;
  throw new TrainingError('TRAINING_NOT_A_RUN', {
    en: `${directory} holds an adapter, or was tuned by an older version: log.jsonl and before.json have its losses`,
    zh: `${directory} 中是适配器，或由旧版本微调：损失见 log.jsonl 与 before.json`,
  });
}

/**
 * The token shards that a model was trained on, where they are still there and the model's place tells: a checkpoint or model of a run, or a
 * folder beside tokens that its tokenizer made. Of a tuned model those of its base.
 */
export function shardsBehind(model: string): string[] {
  const parent = path.dirname(path.resolve(model));
  const beside = path.join(parent, 'tokens');
  if (isShards(beside, path.join(model, 'tokenizer.json'))) return [beside];
  const ofRun = path.basename(parent) === 'checkpoints' ? path.dirname(parent) : parent;
  const plan = existsSync(path.join(ofRun, 'log.jsonl')) ? readStoredPlan(ofRun) : undefined;
  if (plan === undefined) return [];
  const shards = plan.data.map(({ corpus }) => corpus).filter((corpus) => isShards(corpus, undefined));
  return shards.length === 0 && plan.from !== undefined ? shardsBehind(plan.from.directory) : shards;
}

function isShards(directory: string, tokenizerFile: string | undefined): boolean {
  const file = path.join(directory, 'tokens.json');
  if (!existsSync(file) || tokenizerFile === undefined) return existsSync(file);
  const read = readJsonFile(file);
  const manifest = 'problem' in read ? undefined : readTokensSchema.safeParse(read.value).data;
  return existsSync(tokenizerFile) && manifest?.tokenizer.sha256 === fileSha256Sync(tokenizerFile);
}
