/** The output matrix: what comes after the last norm. Losses never hold the logits. */

import { linear, linearCrossEntropy, linearTokenLosses, scope, type Tensor } from '@tunan/torch';

export interface OutputHead {
  /** Logits of the next token: hidden (…, C) → (…, V) float32. */
  logits(hidden: Tensor): Tensor;
  /** Mean negative log-likelihood in nats: hidden (N, C), targets (N) int64 → a scalar. */
  loss(hidden: Tensor, targets: Tensor): Tensor;
  /** That of every row: (N) float64. No gradients. */
  tokenLosses(hidden: Tensor, targets: Tensor): Tensor;
  /** The logit of one word a row, as exact as the losses: hidden (N, C), words (N) int64 → (N) float64. No gradients. */
  wordLogits(hidden: Tensor, words: Tensor): Tensor;
}

/** @param weight (V, C) */
export function denseHead(weight: Tensor): OutputHead {
  return {
    logits: (hidden) => scope(() => linear(hidden, weight).to('float32')),
    loss: (hidden, targets) => linearCrossEntropy(hidden, weight, targets),
    tokenLosses: (hidden, targets) => linearTokenLosses(hidden, weight, targets),
    wordLogits: (hidden, words) =>
      scope(() => {
        const rows = weight.indexSelect(0, words).to(hidden.dtype).to('float64'); // (N, C)
        return hidden.to('float64').mul(rows).sum(1);
      }),
  };
}
