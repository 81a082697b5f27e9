/**
 * Layers whose weights are rounded to eight bits, one scale an output, for generation: a step of one sequence is bound by reading the
 * weights, and these are a quarter of float32's. The arithmetic stays that of the model. They are for running a model, not for
 * training it: nothing here takes gradients.
 */

import { type Int8Matrix, keep, linearInt8, noGrad, quantizeColumns, scope, type Tensor } from '@tunan/torch';
import type { LayerMakers, Linear, LinearParts } from './linear.ts';
import { denseHead, type OutputHead } from './output-head.ts';

export interface Int8Layers extends LayerMakers, Disposable {}

/** Makers for one model. They round each weight once, and own what they make until they are disposed. */
export function int8Layers(): Int8Layers {
  const owned: Tensor[] = [];
  const quantized = (weight: Tensor, layout: LinearParts['layout']): Int8Matrix => {
    const matrix = keep(noGrad(() => scope(() => quantizeColumns(weight, layout))));
    owned.push(matrix.weight, matrix.scale);
    return matrix;
  };
  return {
    makeLinear: (_role, { weight, layout, bias }) => int8Linear(quantized(weight, layout), bias),
    makeHead: (weight) => int8Head(quantized(weight, 'out-in')),
    [Symbol.dispose]: () => {
      for (const tensor of owned.splice(0)) tensor.dispose();
    },
  };
}

function int8Linear(matrix: Int8Matrix, bias: Tensor | undefined): Linear {
  return {
    apply: (input) => linearInt8(input, matrix, bias),
    gelu: (input) => linearInt8(input, matrix, bias, { gelu: true }),
    addTo: (residual, input) => linearInt8(input, matrix, bias, { residual }),
    plain: { ...matrix, bias },
  };
}

/** Losses are those of the rounded weights too: what is measured is what answers. */
function int8Head(matrix: Int8Matrix): OutputHead {
  /** (V, C) in float32, for the time of a pass over many rows. */
  const dense = () => denseHead(matrix.weight.to('float32').mul(matrix.scale).transpose(0, 1).contiguous());
  return {
    logits: (hidden) => scope(() => linearInt8(hidden, matrix).to('float32')),
    loss: (hidden, targets) => scope(() => dense().loss(hidden, targets)),
    tokenLosses: (hidden, targets) => scope(() => dense().tokenLosses(hidden, targets)),
    wordLogits: (hidden, words) =>
      scope(() => {
        const columns = matrix.weight.indexSelect(1, words).to('float64').transpose(0, 1); // (N, C)
        return hidden.to('float64').mul(columns).sum(1).mul(matrix.scale.indexSelect(0, words).to('float64'));
      }),
  };
}
