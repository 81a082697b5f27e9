/** The run that tunes a model on its examples: every choice that the options leave open is made by their numbers and by the model's size. */

import { readModelConfig } from '@tunan/model';
import type { RunRecipe } from '../recipe/schema.ts';
import { predictionsOf } from './encode-example.ts';
import { rowsOf } from './example-rows.ts';
import { learningRateFor } from './learning-rates.ts';
import { isPreference } from './preference-rows.ts';
import type { Trial, TuneOptions } from './tune-options.ts';

/** Of Muon, a tenth of what it takes for fresh weights. Not measured by size. */
const MATRIX_LEARNING_RATE = 0.002;
const EPOCHS = 3;
/** Of the run. */
const WARMUP = 0.03;
/** Examples a step, about; between the 16 of Dettmers et al. 2023 for adapters and the 128 of Wang et al. 2023. */
const BATCH = 32;
/** The peak of bench/tune.ts is 1.5 GiB with these, 2.2 with twice as many. */
const MICRO_BATCH_TOKENS = 1024;
/** Shorter examples share rows of this length. */
const ROW = 256;

/** As train() takes it: every choice that the options leave open is made by the numbers of the examples. */
export function tuningRecipe(options: TuneOptions, trial?: Pick<Trial, 'steps' | 'rank'>): RunRecipe {
  const { way, sets, epochs = EPOCHS } = options;
  const pairs = isPreference(sets.train.at(0)!);
  const { contextLength, width } = readModelConfig(options.model);
  const { learningRate = learningRateFor(way, width, pairs) } = options;
  let longest = 1;
  for (const set of [sets.train, sets.validation])
    for (const one of set) longest = Math.max(longest, predictionsOf(one));
  const sequenceLength = Math.min((pairs ? 2 : 1) * contextLength, Math.max(ROW, 64 * Math.ceil(longest / 64)));
  const rows = rowsOf(sets.train, sequenceLength);
  const globalBatch = options.batch ?? Math.max(1, Math.min(BATCH, Math.round((BATCH * rows) / sets.train.length)));
  const passed = (epochs * rows) / (1 - (options.replay?.share ?? 0));
  const steps = trial?.steps ?? Math.max(1, Math.ceil(passed / globalBatch));
  const tenth = Math.max(1, Math.ceil(steps / 10));
  const { precision, device, seed } = options;
  return {
    model: options.model,
    data: [{ corpus: options.data }],
    ...(way === 'lora' && { lora: { ...options.lora, ...(trial?.rank !== undefined && { rank: trial.rank }) } }),
    ...(pairs && { preference: options.preference ?? {} }),
    packing: 'documents',
    attention: 'document',
    sequenceLength,
    globalBatch,
    microBatch: microBatchOf(globalBatch, sequenceLength),
    steps,
    optimizer: {
      ...(options.optimizer === 'muon' && {
        kind: 'muon' as const,
        matrixLearningRate: options.matrixLearningRate ?? MATRIX_LEARNING_RATE,
      }),
      learningRate,
      minLearningRate: 0,
      decay: 'linear',
      warmupSteps: Math.ceil(WARMUP * steps),
      betas: [0.9, 0.999],
      weightDecay: 0,
    },
    ...(options.recomputation && { recomputation: true }),
    ...(precision !== undefined && { precision }),
    ...(device !== undefined && { device }),
    ...(options.parallel !== undefined && { parallel: options.parallel }),
    seed,
    ...(sets.validation.length > 0 && { evaluation: { every: tenth } }),
    // On the disk before the step is told of: the best one is taken from there.
    checkpoint: { every: tenth, keep: 2, background: false },
  };
}

/** The largest divisor of the batch whose rows are few enough tokens. */
function microBatchOf(batch: number, sequenceLength: number): number {
  let size = Math.min(batch, Math.max(1, Math.floor(MICRO_BATCH_TOKENS / sequenceLength)));
  while (batch % size !== 0) size--;
  return size;
}
