/**
 * Affine maps, stored as Hugging Face stores them for GPT-2 ("Conv1D"): weight (in, out), y = x W + b. The products are in
 * the dtype of x; the float32 weights are rounded for them.
 * The block is built from objects of this shape, so that a parallel version can be put in from outside.
 */

import { affine, affineGelu, affineResidual, type Tensor } from '@tunan/torch';

/** Arithmetic of the matrix products. Weights, residual stream, norms and losses are float32 in both. */
export type Precision = 'float32' | 'bfloat16';

export interface Linear {
  /** x W + b: (…, in) → (…, out). */
  apply(input: Tensor): Tensor;
  /** gelu(x W + b), in one pass where the engine can. */
  gelu(input: Tensor): Tensor;
  /** residual + (x W + b), in the residual's dtype; likewise. */
  addTo(residual: Tensor, input: Tensor): Tensor;
}

export function denseLinear(weight: Tensor, bias: Tensor): Linear {
  return {
    apply: (input) => affine(input, weight, bias),
    gelu: (input) => affineGelu(input, weight, bias),
    addTo: (residual, input) => affineResidual(residual, input, weight, bias),
  };
}
