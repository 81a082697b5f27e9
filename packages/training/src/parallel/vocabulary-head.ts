/**
 * The output matrix divided by words: each process has the logits of its own, and cross-entropy takes a maximum and one sum over the group
 * instead of the logits (Shoeybi et al. 2019, 3). The hidden states come whole, and their gradients are summed where they came from
 * (LayerMakers.gatherHidden).
 */

import type { OutputHead } from '@tunan/model';
import { linear, noGrad, type ProcessGroup, reduceFromGroup, scope, stack, type Tensor, zeros } from '@tunan/torch';
import type { UnitRange } from './tensor-partition.ts';

/** Places of words among those that are here; 0 for words that are not. ids (…) int64. */
export function localWords(ids: Tensor, { first, end }: UnitRange): { index: Tensor; isHere: Tensor } {
  const isHere = ids.ge(first).mul(ids.lt(end));
  return { index: ids.sub(first).mul(isHere), isHere };
}

/** Words of which this process has the rows. */
export interface OwnWords extends UnitRange {
  /** V: all there are. */
  readonly all: number;
}

/** @param weight (words that are here, C) */
export function vocabularyHead(weight: Tensor, group: ProcessGroup, words: OwnWords): OutputHead {
  const ownLogits = (hidden: Tensor) => linear(hidden, weight).to('float32');

  /** Of every row, (N); the same on every process. */
  const losses = (hidden: Tensor, targets: Tensor): Tensor => {
    const logits = ownLogits(hidden); // (N, V / T)
    const { index, isHere } = localWords(targets, words);
    const scored = logits.gather(1, index.unsqueeze(1)).squeeze(1).mul(isHere);
    const own = logits.logSumExp(1);
    const largest = own.detach().clone();
    group.allReduce(largest, 'max');
    const sums = reduceFromGroup(stack([own.sub(largest).exp(), scored]), group); // (2, N)
    return sums.select(0, 0).log().add(largest).sub(sums.select(0, 1));
  };

  return {
    logits: (hidden) =>
      noGrad(() =>
        scope(() => {
          const own = ownLogits(hidden);
          const { device } = own;
          const all = zeros([...own.shape.slice(0, -1), words.all], { device });
          all.narrow(-1, words.first, own.shape.at(-1)!).copy_(own);
          group.allReduce(all, 'sum');
          return all;
        }),
      ),
    loss: (hidden, targets) =>
      scope(() => {
        const isCounted = targets.ge(0);
        return losses(hidden, targets).mul(isCounted).sum().div(isCounted.to('float32').sum());
      }),
    tokenLosses: (hidden, targets) => noGrad(() => scope(() => losses(hidden, targets).to('float64'))),
    wordLogits: (hidden, wanted) =>
      noGrad(() =>
        scope(() => {
          const { index, isHere } = localWords(wanted, words);
          const rows = weight.indexSelect(0, index).to(hidden.dtype).to('float64'); // (N, C)
          return reduceFromGroup(hidden.to('float64').mul(rows).sum(1).mul(isHere), group);
        }),
      ),
  };
}
