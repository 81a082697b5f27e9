import type { Graph } from './graph.ts';
import { type Outputs, type Quantization, scalesOf } from './quantization.ts';
import type { Matrix } from './weight-source.ts';

/** The scales of a matrix as a tensor of the graph, which is named after it. @returns its name */
export function scaleTensor(
  graph: Graph,
  matrix: Matrix,
  outputs: Outputs,
  quantization: Quantization,
  shape: readonly number[],
): string {
  const name = `${matrix.name}_scale`;
  const pieces = () => [scalesOf(matrix, outputs, quantization)];
  return graph.once(name, () => graph.add({ name, type: 'float32', shape, pieces }));
}
