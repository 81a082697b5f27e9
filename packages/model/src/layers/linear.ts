/**
 * Affine maps, y = x W + b, in the layout in which the files of a family store them: GPT-2's ("Conv1D") are (in, out), all others'
 * (out, in). The products are in the dtype of x; the float32 weights are rounded for them.
 *
 * A model is built from objects of this shape, each made by its role: a low-rank adapter or a part of a matrix on another process is put
 * in by a maker of one's own (ModelOptions.makers), which keeps what it adds: the model owns only its own parameters.
 */

import {
  affine,
  affineGelu,
  affineResidual,
  geluTanh,
  linear,
  linearResidual,
  type PlainMap,
  type Tensor,
} from '@tunan/torch';
import type { OutputHead } from './output-head.ts';
import type { TokenEmbedding } from './token-embedding.ts';

/** Arithmetic of the matrix products. Weights, residual stream, norms and losses are float32 in all. */
export type Precision = 'float32' | 'bfloat16' | 'float16';

export interface Linear {
  /** x W + b: (…, in) → (…, out). */
  apply(input: Tensor): Tensor;
  /** gelu(x W + b), in one pass where the engine can. */
  gelu(input: Tensor): Tensor;
  /** residual + (x W + b), in the residual's dtype; likewise. */
  addTo(residual: Tensor, input: Tensor): Tensor;
  /** What it computes, where that is x W + b and nothing more in a pass without adapters: whole blocks then run in one call. */
  readonly plain?: PlainMap;
}

/**
 * Where a map stands in a block. 'query-key-value' makes all three side by side; a family has that one or each by itself. What
 * 'mlp-gate' gives decides how much of 'mlp-up' goes on to 'mlp-down'.
 */
export type LinearRole =
  | 'query-key-value'
  | 'query'
  | 'key'
  | 'value'
  | 'attention-output'
  | 'mlp-gate'
  | 'mlp-up'
  | 'mlp-down';

export interface LinearParts {
  /** Of the parameters on disk, without .weight and .bias. */
  readonly name: string;
  /** (in, out), or (out, in) as the layout says. */
  readonly weight: Tensor;
  readonly layout: 'in-out' | 'out-in';
  readonly bias?: Tensor | undefined; // (out)
}

/** How the layers of a model are made; the plain ones where a maker is absent. */
export interface LayerMakers {
  /** Told before each pass whether it is one of training, by makers whose layers draw random numbers then. */
  readonly beginPass?: ((training: boolean) => void) | undefined;
  readonly makeLinear?: (role: LinearRole, parts: LinearParts) => Linear;
  /** @param weight (V, C) */
  readonly makeHead?: (weight: Tensor) => OutputHead;
  /** @param tokens (V, C) @param positions (P, C), where they are learned */
  readonly makeEmbedding?: (tokens: Tensor, positions?: Tensor) => TokenEmbedding;
  /** Between the last norm and the head, where blocks see a part of the rows and the head all of them. */
  readonly gatherHidden?: (normed: Tensor) => Tensor;
}

/** The plain one: it computes what its parts say. */
export function denseLinear({ weight, layout, bias }: LinearParts): Linear {
  if (layout === 'out-in')
    return {
      apply: (input) => linear(input, weight, bias),
      gelu: (input) => geluTanh(linear(input, weight, bias)),
      addTo: (residual, input) => linearResidual(residual, input, weight, bias),
      plain: { weight, bias },
    };
  // A part of a map whose bias is added elsewhere.
  if (bias === undefined) {
    const apply = (input: Tensor) => affine(input, weight);
    return {
      apply,
      gelu: (input) => geluTanh(apply(input)),
      addTo: (residual, input) => affineResidual(residual, input, weight),
    };
  }
  return {
    apply: (input) => affine(input, weight, bias),
    gelu: (input) => affineGelu(input, weight, bias),
    addTo: (residual, input) => affineResidual(residual, input, weight, bias),
    plain: { weight, bias },
  };
}

/** What the maps of a block compute, where all are plain. */
export function plainMaps(maps: readonly Linear[]): PlainMap[] | undefined {
  const plain = maps.flatMap((map) => map.plain ?? []);
  return plain.length === maps.length ? plain : undefined;
}
