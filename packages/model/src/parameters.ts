/** Parameters as a family lists them: name, shape and starting value; and the fresh ones made from the list. */

import { type Device, keep, manualSeed, noGrad, ones, scope, type Tensor, zeros } from '@tunan/torch';

/** What decides which device holds what of a parameter. */
export interface PlacedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where the forward pass uses it: in front of the blocks, in the block of that number, behind the blocks, or at both ends. */
  readonly place: Place;
  /** How devices that share each product can divide it; absent where each needs the whole. */
  readonly division?: Division | undefined;
  /**
   * Whether all devices have the whole of it and each a part of its gradient, from what it has of something else: of the norm of each
   * head by itself from its own heads, of half an adapter from its own part of the other half.
   */
  readonly hasPartialGradient?: true | undefined;
}

export interface ParameterShape extends PlacedParameter {
  /** Constant, or drawn from a normal distribution around zero of this standard deviation. */
  readonly start: 'zeros' | 'ones' | { readonly deviation: number };
  /** Of the linear maps of the blocks; absent for embeddings, output matrix, norms and biases. */
  readonly matrix?: MatrixLayout | undefined;
}

export type Place = 'start' | number | 'end' | 'both';

/** What stands along one dimension of a parameter, one run behind the other. */
export interface Division {
  readonly dim: 0 | 1;
  readonly runs: readonly DividedRun[];
}

/** Units that go to one device or another, never in between: heads of queries with their keys and values, hidden values of the MLP, words. */
export interface DividedRun {
  readonly of: 'queries' | 'keys-values' | 'mlp' | 'vocabulary';
  readonly units: number;
  /** Rows or columns of a unit. */
  readonly width: number;
}

/** How a matrix stands in memory, for optimizers that look at more than its elements. */
export interface MatrixLayout {
  readonly layout: 'in-out' | 'out-in';
  /** Outputs of each map, where several stand side by side. One map when absent. */
  readonly parts?: readonly number[] | undefined;
}

/** Matrices and embeddings, which weight decay pulls on; biases and norms are left alone. */
export function isDecayed(parameter: Tensor): boolean {
  return parameter.shape.length >= 2;
}

/**
 * Fresh parameters that depend on (list, seed) alone: the numbers are drawn on the CPU whatever the device.
 * @param take what is held of each, the whole unless told; all are drawn in any case, so that a part is that of the whole model
 */
export function initialParameters(
  list: readonly ParameterShape[],
  seed: number,
  device: Device,
  take: (parameter: ParameterShape, whole: Tensor) => Tensor | undefined = (_, whole) => whole,
): ReadonlyMap<string, Tensor> {
  manualSeed(seed);
  const parameters = new Map<string, Tensor>();
  for (const one of list) {
    const parameter = noGrad(() => scope(() => take(one, startingValue([...one.shape], one.start))?.to({ device })));
    if (parameter === undefined) continue;
    parameter.requiresGrad = true;
    parameters.set(one.name, keep(parameter));
  }
  return parameters;
}

function startingValue(shape: number[], start: ParameterShape['start']): Tensor {
  if (start === 'ones') return ones(shape);
  return start === 'zeros' ? zeros(shape) : zeros(shape).normal_(0, start.deviation);
}
