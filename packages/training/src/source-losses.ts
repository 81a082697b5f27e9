/** The losses of a micro batch, of each source by itself, and the gradient of what they are of the step's. */

import type { LanguageModel } from '@tunan/model';
import type { Tensor } from '@tunan/torch';
import { type RowTargets, targetsLoss } from './data/rows-loss.ts';

/** Of the rows of one source, which lie together. */
export interface SourceTargets extends RowTargets {
  /** What their mean loss is multiplied by in the mean loss of the step, a scalar. */
  readonly weight: Tensor;
}

/**
 * Adds the gradient of the micro batch's part of the step's mean loss to every parameter.
 * @param hidden (B, T, C) of the rows of all sources, in their order
 * @returns of each source the mean loss, a scalar in nats a token
 */
export function backwardOfSources(
  model: LanguageModel,
  hidden: Tensor,
  sources: readonly SourceTargets[],
): readonly Tensor[] {
  let start = 0;
  const means = sources.map((source) => {
    const mean = targetsLoss(model, hidden.narrow(0, start, source.rows), source);
    start += source.rows;
    return mean;
  });
  means
    .map((mean, index) => mean.mul(sources[index]!.weight))
    .reduce((sum, part) => sum.add(part))
    .backward();
  return means.map((mean) => mean.detach());
}
