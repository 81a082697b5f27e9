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
import { targetsLoss, targetsOf } from './data/rows-loss.ts';
import type { TokenSource } from './data/token-source.ts';
import { TrainingError } from './errors.ts';
import { Mesh } from './parallel/mesh.ts';
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

/**
 * Mean nats a token over all evaluated tokens, and by source; undefined where the signal ended it. The batches of windows are divided among
 * the copies of the model.
 */
export async function evaluate(
  way: Way,
  sources: readonly TokenSource[],
  plan: RunPlan,
  signal?: AbortSignal,
  mesh = Mesh.alone(),
): Promise<Evaluation | undefined> {
  const { sequenceLength: T, seed, attention, prefix, microBatch } = plan;
  const found: { sum: number; count: number }[] = [];
  for (const [place, { validation, tokenizer }] of sources.entries()) {
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
    const own = { sum: 0, count: 0 };
    for (const batch of mesh.share(Math.ceil(windows / microBatch))) {
      await setImmediate(); // a signal is heard between two batches
      if (signal?.aborted) return undefined;
      const first = batch * microBatch;
      const rows = Array.from({ length: Math.min(microBatch, windows - first) }, (_, row) => rowAt(first + row));
      const counted = rows.reduce((total, row) => total + row.counted, 0);
      own.sum += counted * meanLoss(way, rows, plan.device);
      own.count += counted;
    }
    found.push(own);
  }
  const all = mesh.gatherCounted(found);
  const bySource = sources.map((_, place) => ({
    sum: all.reduce((total, copy) => total + copy[place]!.sum, 0),
    count: all.reduce((total, copy) => total + copy[place]!.count, 0),
  }));
  const count = bySource.reduce((total, source) => total + source.count, 0);
  return {
    loss: bySource.reduce((total, source) => total + source.sum, 0) / count,
    lossBySource: Object.fromEntries(
      bySource.map((source, place) => [sources[place]!.name, source.sum / source.count]),
    ),
    tokens: count,
  };
}

/** Mean nats over the predictions of the rows that count. */
export function meanLoss(way: Way, rows: readonly MaskedRow[], device: Device): number {
  const [mean] = way.see(
    () => batchOf(rows, device),
    (model, hidden) => [targetsLoss(model, hidden, targetsOf(rows, device)).item()],
  );
  return mean!;
}
