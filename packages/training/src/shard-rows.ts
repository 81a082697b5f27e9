/** The rows of token shards, as a plan lays them out. */

import { DataOrder } from './data/data-order.ts';
import { stepRows } from './data/step-rows.ts';
import type { TokenSource } from './data/token-source.ts';
import { evaluate, requireValidation } from './evaluate.ts';
import type { RunPlan } from './recipe/plan.ts';
import type { TrainingRows } from './training-rows.ts';

/** @throws TrainingError TRAINING_MISSING_DATA, TRAINING_DATA_EXHAUSTED where they are too few for the plan */
export function shardRows(sources: readonly TokenSource[], plan: RunPlan): TrainingRows {
  const order = new DataOrder(sources, plan);
  order.requireSamples(plan.samples);
  if (plan.evaluation !== undefined) requireValidation(sources, plan.sequenceLength);
  return {
    names: sources.map(({ name }) => name),
    prints: sources.map(({ directory, train, trainSha256 }) => ({
      place: directory,
      documents: train.documentCount,
      tokens: train.tokenCount,
      sha256: trainSha256,
    })),
    counts: order.rowCounts,
    rows: (first, count) => stepRows(order, sources, plan, first, count),
    evaluate: (way, signal, mesh) => evaluate(way, sources, plan, signal, mesh),
  };
}
