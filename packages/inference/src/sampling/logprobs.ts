/** Log-probabilities of tokens under the unmodified distribution of the model: softmax over the whole vocabulary. */

export interface TokenLogprobs {
  /** Natural logarithm of the token's probability. */
  readonly logprob: number;
  /** 1 for the likeliest token of the vocabulary, equals sharing the lowest. */
  readonly rank: number;
  /** The likeliest tokens, best first, the lower id first among equals. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
}

/**
 * @param logits (V), before penalties and masks
 * @param id the token that was taken
 * @param topCount how many of the likeliest tokens to name
 * @param size ids from here on are padding, which is never named (but has its share of the mass)
 */
export function logprobsOf(logits: Float32Array, id: number, topCount: number, size: number): TokenLogprobs {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > greatest) greatest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - greatest);
  const logTotal = greatest + Math.log(sum);
  const top = likeliest(logits.subarray(0, size), topCount).map((other) => ({
    id: other,
    logprob: logits[other]! - logTotal,
  }));
  const logit = logits[id]!;
  let rank = 1;
  for (const other of logits) if (other > logit) rank++;
  return { logprob: logit - logTotal, rank, top };
}

/** Ids of the `count` greatest logits, best first; count is small, so that insertion into a short list is enough. */
function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let id = 0; id < logits.length && count > 0; id++) {
    const logit = logits[id]!;
    if (best.length === count && logit <= logits[best[count - 1]!]!) continue;
    let position = best.length;
    while (position > 0 && logits[best[position - 1]!]! < logit) position--;
    best.splice(position, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}
