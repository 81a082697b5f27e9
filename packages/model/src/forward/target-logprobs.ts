/** Log-probabilities of single words: one softmax a row, whatever the number of words that are asked of it. */

import { scope, type Tensor, tensor } from '@tunan/torch';
import type { OutputHead } from '../layers/output-head.ts';

/** A word and the row of the hidden states that predicts it. */
export interface RowTarget {
  readonly row: number;
  readonly token: number;
}

/** Products of rows with words of the output matrix done at once. */
const PAIR_CHUNK = 4_096;

/**
 * @param hidden (U, C), every row with a target
 * @param targets of each tree; one list after the other they are ordered by row
 * @returns for each list its log-probabilities in nats
 */
export function targetLogprobs(head: OutputHead, hidden: Tensor, targets: readonly RowTarget[][]): Float64Array[] {
  const all = targets.flat();
  // The first target of each row goes through the softmax, the others follow from it.
  const isFirst = (i: number) => i === 0 || all[i - 1]!.row !== all[i]!.row;
  const isAlone = (i: number) => isFirst(i) && all[i + 1]?.row !== all[i]!.row;
  const firsts = all.filter((_, i) => isFirst(i)).map(({ token }) => token);
  const losses = head.tokenLosses(hidden, indexOf(firsts, hidden)).toArray();
  const logits = pairLogits(
    head,
    hidden,
    all.filter((_, i) => !isAlone(i)),
  );
  const logprobs = new Float64Array(all.length);
  let next = 0;
  let firstLogit = 0;
  all.forEach(({ row }, i) => {
    logprobs[i] = -Number(losses[row]!);
    if (isAlone(i)) return;
    const logit = logits[next++]!;
    if (isFirst(i)) firstLogit = logit;
    logprobs[i]! += logit - firstLogit;
  });
  let start = 0;
  return targets.map(({ length }) => {
    start += length;
    return logprobs.slice(start - length, start);
  });
}

/** In float64, so that differences of them are as good as the softmax. */
function pairLogits(head: OutputHead, hidden: Tensor, pairs: readonly RowTarget[]): Float64Array {
  const logits = new Float64Array(pairs.length);
  for (let start = 0; start < pairs.length; start += PAIR_CHUNK) {
    const chunk = pairs.slice(start, start + PAIR_CHUNK);
    const found = scope(() => {
      const rows = hidden.indexSelect(
        0,
        indexOf(
          chunk.map(({ row }) => row),
          hidden,
        ),
      ); // (chunk, C)
      return head
        .wordLogits(
          rows,
          indexOf(
            chunk.map(({ token }) => token),
            hidden,
          ),
        )
        .toArray();
    });
    logits.set(found as Float64Array, start);
  }
  return logits;
}

function indexOf(list: readonly number[], { device }: Tensor): Tensor {
  return tensor(BigInt64Array.from(list, BigInt), { device });
}
