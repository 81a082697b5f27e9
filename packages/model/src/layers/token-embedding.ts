/** What the blocks begin with: rows of the embedding, and of learned positions where there are such. */

import { embedding, type Tensor, tokenEmbedding } from '@tunan/torch';

export interface TokenEmbedding {
  /**
   * ids (B, T) of sequences → (B, T, C) float32.
   * @param positions (B, T), where they do not count from 0 to T - 1
   */
  sequences(ids: Tensor, positions?: Tensor): Tensor;
  /** ids and positions (N) → (N, C) float32. Without gradients. */
  rows(ids: Tensor, positions: Tensor): Tensor;
}

/** @param tokens (V, C) @param learned (P, C) */
export function denseEmbedding(tokens: Tensor, learned?: Tensor): TokenEmbedding {
  if (learned === undefined) {
    const rows = (ids: Tensor) => embedding(tokens, ids).to('float32');
    return { sequences: rows, rows };
  }
  const rows = (ids: Tensor, positions: Tensor) =>
    embedding(tokens, ids).to('float32').add(embedding(learned, positions).to('float32'));
  return {
    sequences: (ids, positions) =>
      positions === undefined ? tokenEmbedding(ids, tokens, learned) : rows(ids, positions),
    rows,
  };
}
