/** The passes of one step: what the samples of this copy of the model give, losses and gradients, and what all copies gave. */
import { full, keep, type Tensor } from '@tunan/torch';
import { batchOf } from './data/batch.ts';
import { foldKey } from './data/permutation.ts';
import { targetsOf } from './data/rows-loss.ts';
import { countedShare, groupBySource } from './data/step-rows.ts';
import type { Passage } from './parallel/passage.ts';
import { drawsMasks } from './recipe/plan.ts';
import { backwardOfSources, type SourceTargets } from './source-losses.ts';
import type { Trainer } from './trainer.ts';
import type { TrainingRows } from './training-rows.ts';

interface SourceLoss {
  /** Over the source's samples in the step: the sum of their mean losses, nats a token, each by the share of it that counts. */
  sum: number;
  /** Samples, each by the share of its predictions that count. */
  count: number;
}

/** Of one micro batch. */
interface SourcePart {
  readonly source: number;
  readonly count: number;
  /** nats a token; a tensor still where a device may be at work on it */
  readonly mean: Tensor | number;
}

/** What the samples of a step gave: those of one copy of the model, or of all. */
interface StepLosses {
  readonly losses: readonly SourceLoss[];
  readonly measures: Readonly<Record<string, number>>;
}

/** Adds the gradient of the step's mean loss, times the loss scale, to every parameter, from the micro batches that are this copy's. */
export function forwardBackward(
  trainer: Trainer,
  data: TrainingRows,
  batch: number,
): StepLosses & { readonly dataMilliseconds: number } {
  const { plan, model, mesh, exchange } = trainer;
  const measures: Record<string, number> = {};
  const { sequenceLength: T, microBatch } = plan;
  const losses = data.names.map(() => ({ sum: 0, count: 0 }));
  const began = performance.now();
  const own = mesh.share(batch / microBatch).map((index) => {
    const first = trainer.samples + index * microBatch;
    return { first, rows: data.rows(first, microBatch) };
  });
  // How many predictions of the step count must be known before the first is made.
  const total = mesh.sum(own.reduce((sum, { rows }) => sum + rows.reduce((part, row) => part + row.counted, 0), 0)) / T;
  const dataMilliseconds = performance.now() - began;
  const scale = trainer.lossScale?.scale ?? 1;
  const microBatches = own.map(({ first, rows }) => {
    const groups = groupBySource(rows);
    const all = groups.flatMap((group) => group.rows);
    return {
      seed: drawsMasks(plan) ? foldKey(plan.seed, first) : undefined,
      all,
      parts: groups.map(({ source, rows: ofSource }) => ({
        source,
        rows: ofSource,
        count: countedShare(ofSource, T),
      })),
    };
  });
  const sourcesOf = ({ parts }: (typeof microBatches)[number]): SourceTargets[] =>
    parts.map(({ rows, count }) => ({
      ...targetsOf(rows, plan.device),
      weight: full([], (scale * count) / total, { device: plan.device }),
    }));
  const partsOf = ({ parts }: (typeof microBatches)[number], means: readonly Tensor[]): SourcePart[] =>
    parts.map(({ source, count }, index) => ({ source, count, mean: keep(means[index]!) }));

  const passages = microBatches.map((microBatch): Passage<readonly SourcePart[]> => {
    const { seed, all } = microBatch;
    const ofTargets = (hidden: Tensor): readonly SourcePart[] =>
      partsOf(microBatch, backwardOfSources(model, hidden, sourcesOf(microBatch)));
    const ofObjective = (hidden: Tensor): readonly SourcePart[] => {
      const { gradient, loss, measures: told } = data.objective!(model, hidden, all);
      const count = countedShare(all, T);
      gradient.mul((scale * count) / total).backward();
      for (const [name, value] of Object.entries(told))
        measures[name] = (measures[name] ?? 0) + (value * count) / total;
      return [{ source: 0, count, mean: loss }];
    };
    return {
      seed,
      open: () => batchOf(all, plan.device),
      backward: data.objective === undefined ? ofTargets : ofObjective,
    };
  });
  const found =
    trainer.graphs === undefined
      ? trainer.way.take(exchange.announce(passages))
      : trainer.graphs
          .take(
            microBatches.map((microBatch) => ({
              seed: microBatch.seed,
              open: () => ({ ...batchOf(microBatch.all, plan.device), sources: sourcesOf(microBatch) }),
            })),
          )
          .map((means, index) => partsOf(microBatches[index]!, means));
  // Read behind the last pass: a device would be waited for after every micro batch.
  for (const { source, count, mean } of found.flat()) {
    losses[source]!.sum += count * (typeof mean === 'number' ? mean : read(mean));
    losses[source]!.count += count;
  }
  return { losses, measures, dataMilliseconds };
}

function read(kept: Tensor): number {
  const value = kept.item();
  kept.dispose();
  return value;
}

/** The losses of all copies of the model. */
export function joined({ mesh }: Trainer, { losses, measures }: StepLosses): StepLosses {
  const [first, ...others] = mesh.gatherCounted({ losses, measures }) as [StepLosses, ...StepLosses[]];
  const out = { losses: first.losses.map((loss) => ({ ...loss })), measures: { ...first.measures } };
  for (const other of others) {
    other.losses.forEach(({ sum, count }, source) => {
      out.losses[source]!.sum += sum;
      out.losses[source]!.count += count;
    });
    for (const [name, value] of Object.entries(other.measures)) out.measures[name] = (out.measures[name] ?? 0) + value;
  }
  return out;
}
