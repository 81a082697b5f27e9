/**
 * Affine maps, stored as Hugging Face stores them for GPT-2 ("Conv1D"): weight (in, out), y = x W + b. The products are in
 * the dtype of x; the float32 weights are rounded for them.
 * The block is built from objects of this shape, so that a parallel version can be put in from outside.
 */

import { affine, type Tensor } from '@tunan/torch';

/** Arithmetic of the matrix products. Weights, residual stream, norms and losses are float32 in both. */
export type Precision = 'float32' | 'bfloat16';

export interface Linear {
  /** x W + b: (…, in) → (…, out). */
  apply(input: Tensor): Tensor;
  /** x W without the bias, for callers that fuse the bias into what comes next. */
  product(input: Tensor): Tensor;
  /** (out) */
  readonly bias: Tensor;
}

export function denseLinear(weight: Tensor, bias: Tensor): Linear {
  return { apply: (input) => affine(input, weight, bias), product: (input) => affine(input, weight), bias };
}
