/**
 * Loss on the validation shards: the first windows of T + 1 tokens of each source, cut every T tokens in the order of the
 * shards, the same ones every time, under the attention and the objective of the run: of a prefix language model the loss of what stands
 * behind prefixes, which are the same every time. Bits per character belong to packages/evaluation.
 */

import { setImmediate } from 'node:timers/promises';
import type { Device } from '@tunan/torch';
import { batchOf } from './data/batch.ts';
import { windowsPerEpoch } from './data/epoch-order.ts';
import { foldKey } from './data/permutation.ts';
import { type MaskedRow, maskRow } from './data/row-masks.ts';
import { rowsLoss } from './data/rows-loss.ts';
import type { TokenSource } from './data/token-source.ts';
import { TrainingError } from './errors.ts';
import type { Way } from './parallel/passage.ts';
import type { RunPlan } from './recipe/plan.ts';
import type { Evaluation } from './run/run-log.ts';

/** Of what is drawn for a window. */
const MASKS_KEY = 0x76616c;

/** @throws TrainingError TRAINING_MISSING_DATA when a source has no validation shard, or none long enough */
export function requireValidation(sources: readonly TokenSource[], sequenceLength: number): void {
  for (const { directory, validation } of sources) {
    if (validation !== undefined && windowsPerEpoch(validation.tokenCount, sequenceLength) > 0) continue;
    throw new TrainingError('TRAINING_MISSING_DATA', {
      en: `${directory} has no validation shard of more than ${sequenceLength} tokens: leave evaluation out of the recipe, or shard the validation split`,
      zh: `${directory} 没有长于 ${sequenceLength} 个词元的验证分片：请去掉配方中的 evaluation，或为验证集生成分片`,
    });
  }
}

/** Mean nats a token over all evaluated tokens, and by source; undefined where the signal ended it. */
export async function evaluate(
  way: Way,
  sources: readonly TokenSource[],
  plan: RunPlan,
  signal?: AbortSignal,
): Promise<Evaluation | undefined> {
  const { sequenceLength: T, seed, attention, prefix } = plan;
  const lossBySource: Record<string, number> = {};
  let sum = 0;
  let count = 0;
  for (const [place, { name, validation, tokenizer }] of sources.entries()) {
    const available = windowsPerEpoch(validation?.tokenCount ?? 0, T);
    const windows = Math.min(plan.evaluation?.windows ?? 0, available);
    const options = { eod: tokenizer.eod, attention, prefix };
    const rowAt = (window: number) =>
      maskRow(
        Int32Array.from(validation!.read(window * T, T + 1)),
        T,
        foldKey(seed, place, MASKS_KEY, window),
        options,
      );
    let sourceSum = 0;
    let sourceCount = 0;
    for (let first = 0; first < windows; first += plan.microBatch) {
      await setImmediate(); // a signal is heard between two batches
      if (signal?.aborted) return undefined;
      const rows = Array.from({ length: Math.min(plan.microBatch, windows - first) }, (_, row) => rowAt(first + row));
      const counted = rows.reduce((total, row) => total + row.counted, 0);
      sourceSum += counted * meanLoss(way, rows, plan.device);
      sourceCount += counted;
    }
    lossBySource[name] = sourceSum / sourceCount;
    sum += sourceSum;
    count += sourceCount;
  }
  return { loss: sum / count, lossBySource, tokens: count };
}

/** Mean nats over the predictions of the rows that count. */
export function meanLoss(way: Way, rows: readonly MaskedRow[], device: Device): number {
  const [mean] = way.see(
    () => batchOf(rows, device),
    (model, hidden) => [rowsLoss(model, hidden, rows).item()],
  );
  return mean!;
}
