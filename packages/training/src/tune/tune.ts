/**
 * A model tuned on examples: sets made, rows packed, a run of the training loop with defaults for tuning, the loss on what was held out
 * before and after, and at the end the adapter or the model by itself. Resume, log, checkpoints and signals are those of train().
 */

import { cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { LanguageModel, readModelConfig } from '@tunan/model';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { TrainingError } from '../errors.ts';
import type { RunPlan } from '../recipe/plan.ts';
import type { RunRecipe } from '../recipe/schema.ts';
import type { StepReport } from '../run/progress.ts';
import type { Resume } from '../run/run-directory.ts';
import { readRunLog } from '../run/run-log.ts';
import { type StartReport, train } from '../train.ts';
import type { ExampleCoder } from './encode-example.ts';
import { ExampleRows, rowsOf } from './example-rows.ts';
import type { ExampleSets } from './example-sets.ts';

const BEFORE = 'before.json';

export type Way = 'lora' | 'full';

/** Peak learning rates: Dettmers et al. 2023 for adapters, Wang et al. 2023 (Tülu) for all weights. Not measured here yet. */
const LEARNING_RATE: Readonly<Record<Way, number>> = { lora: 2e-4, full: 2e-5 };
const EPOCHS = 3;
/** Of the run. */
const WARMUP = 0.03;
/** Examples a step, about; between the 16 of Dettmers et al. 2023 for adapters and the 128 of Wang et al. 2023. */
const BATCH = 32;
const MICRO_BATCH_TOKENS = 2048;
/** Shorter examples share rows of this length. */
const ROW = 256;

export interface TuneOptions {
  /** Model directory. */
  readonly model: string;
  readonly sets: ExampleSets;
  /** Where they are from, said in errors. */
  readonly data: string;
  readonly coder: ExampleCoder;
  readonly way: Way;
  /** Of way lora; the recipe's defaults where absent. */
  readonly lora?: NonNullable<RunRecipe['lora']>;
  readonly directory: string;
  /** tokenizer.json of the model. */
  readonly tokenizerFile?: string;
  /** To stand beside what comes out, where the model's own directory has none. */
  readonly chatTemplate?: string | undefined;
  readonly learningRate?: number | undefined;
  readonly epochs?: number | undefined;
  /** Rows a step. */
  readonly batch?: number | undefined;
  readonly precision?: RunRecipe['precision'];
  readonly device?: RunRecipe['device'];
  readonly seed: number;
  readonly resume: Resume;
  readonly signal?: AbortSignal;
  readonly onStart?: (start: StartReport) => void;
  readonly onProgress?: (report: StepReport) => void;
}

export interface TuneResult {
  readonly status: 'finished' | 'stopped';
  readonly step: number;
  readonly plan: RunPlan;
  readonly checkpoint: string;
  /** The adapter or model by itself; absent where the run was stopped. */
  readonly output: string | undefined;
  /** Nats a token over what is learnt of the held-out examples; absent where none are held out. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** Where the loss on what is held out was lowest; absent where it was so at the end. */
  readonly best: { readonly step: number; readonly loss: number } | undefined;
}

/** @throws TrainingError, ModelError */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const { directory, sets, data, coder, signal } = options;
  const recipe = tuningRecipe(options);
  let before: number | undefined;
  const given = {
    tokenizer: { sha256: coder.sha256, vocabularySize: coder.vocabularySize, eod: coder.end },
    rows: (plan: RunPlan) => new ExampleRows(sets, plan, data),
  };
  const { status, step, plan, checkpoint } = await train({
    recipe,
    recipeName: 'tuning',
    data: given,
    directory,
    from: options.model,
    resume: options.resume,
    ...(options.tokenizerFile !== undefined && { tokenizerFile: options.tokenizerFile }),
    ...(signal !== undefined && { signal }),
    ...(options.onStart !== undefined && { onStart: options.onStart }),
    ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
    onReady: async (plan, rows) => {
      if (sets.validation.length > 0) before = await lossBefore(directory, plan, rows, signal);
    },
  });
  const evaluated = readRunLog(path.join(directory, 'log.jsonl')).filter(({ evaluation }) => evaluation !== undefined);
  const after = status === 'finished' ? evaluated.at(-1)?.evaluation?.loss : undefined;
  const lowest = evaluated.reduce<(typeof evaluated)[number] | undefined>(
    (low, line) => (low !== undefined && low.evaluation!.loss <= line.evaluation!.loss ? low : line),
    undefined,
  );
  const best = lowest === undefined || lowest === evaluated.at(-1) ? undefined : lowest;
  return {
    status,
    step,
    plan,
    checkpoint,
    output: status === 'finished' ? takeOut(checkpoint, options) : undefined,
    before,
    after,
    best: best && { step: best.step, loss: best.evaluation!.loss },
  };
}

/** As train() takes it: every choice that the options leave open is made by the numbers of the examples. */
function tuningRecipe(options: TuneOptions): RunRecipe {
  const { way, sets, epochs = EPOCHS, learningRate = LEARNING_RATE[way] } = options;
  const { contextLength } = readModelConfig(options.model);
  const longest = [...sets.train, ...sets.validation].reduce((most, { ids }) => Math.max(most, ids.length - 1), 1);
  const sequenceLength = Math.min(contextLength, Math.max(ROW, 64 * Math.ceil(longest / 64)));
  const rows = rowsOf(sets.train, sequenceLength);
  const globalBatch = options.batch ?? Math.max(1, Math.min(BATCH, Math.round((BATCH * rows) / sets.train.length)));
  const steps = Math.max(1, Math.ceil((epochs * rows) / globalBatch));
  const tenth = Math.max(1, Math.ceil(steps / 10));
  const { precision, device, seed } = options;
  return {
    model: options.model,
    data: [{ corpus: options.data }],
    ...(way === 'lora' && { lora: options.lora ?? {} }),
    packing: 'documents',
    attention: 'document',
    sequenceLength,
    globalBatch,
    microBatch: microBatchOf(globalBatch, sequenceLength),
    steps,
    optimizer: {
      learningRate,
      minLearningRate: 0,
      decay: 'linear',
      warmupSteps: Math.ceil(WARMUP * steps),
      betas: [0.9, 0.999],
      weightDecay: 0,
    },
    ...(precision !== undefined && { precision }),
    ...(device !== undefined && { device }),
    seed,
    ...(sets.validation.length > 0 && { evaluation: { every: tenth } }),
    checkpoint: { every: tenth, keep: 2 },
  };
}

/** The largest divisor of the batch whose rows are few enough tokens. */
function microBatchOf(batch: number, sequenceLength: number): number {
  let size = Math.min(batch, Math.max(1, Math.floor(MICRO_BATCH_TOKENS / sequenceLength)));
  while (batch % size !== 0) size--;
  return size;
}

/** Of the model that the run begins with. Measured once, and kept with the run. */
async function lossBefore(
  directory: string,
  plan: RunPlan,
  rows: { evaluate: ExampleRows['evaluate'] },
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const file = path.join(directory, BEFORE);
  const from = plan.from!;
  if (existsSync(file)) {
    const read = readJsonFile(file);
    const value = 'problem' in read ? {} : (read.value as { sha256?: unknown; loss?: unknown });
    if (value.sha256 === from.sha256 && typeof value.loss === 'number') return value.loss;
  }
  using model = LanguageModel.load(from.directory, { device: plan.device, dtype: plan.precision });
  const loss = (await rows.evaluate(model, signal))?.loss;
  if (loss !== undefined) writeWhole(file, `${JSON.stringify({ sha256: from.sha256, loss })}\n`);
  return loss;
}

/** What is of the run alone and of no use to others. */
const OF_THE_RUN = new Set(['optimizer.safetensors', 'state.json']);

/** A copy of the last checkpoint as others take it. */
function takeOut(checkpoint: string, { way, directory, model, chatTemplate }: TuneOptions): string {
  const output = path.join(directory, way === 'lora' ? 'adapter' : 'model');
  const aside = `${output}.partial`;
  try {
    rmSync(aside, { recursive: true, force: true });
    for (const name of readdirSync(checkpoint))
      if (!OF_THE_RUN.has(name)) cpSync(path.join(checkpoint, name), path.join(aside, name));
    const file = path.join(aside, 'chat_template.jinja');
    if (chatTemplate !== undefined && !existsSync(file)) writeWhole(file, chatTemplate);
    rmSync(output, { recursive: true, force: true });
    renameSync(aside, output);
  } catch (error) {
    throw new TrainingError(
      'TRAINING_WRITE_FAILED',
      {
        en: `cannot write ${output}: the checkpoint ${checkpoint} of ${model} holds the same; make room and go on with --resume`,
        zh: `无法写入 ${output}：检查点 ${checkpoint} 的内容相同；请腾出空间后用 --resume 继续`,
      },
      { cause: error },
    );
  }
  return output;
}
