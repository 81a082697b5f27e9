/**
 * Weights of 8 bits in standard operators: int8 and a float32 scale for each output, through DequantizeLinear. The arithmetic is defined on the
 * float32 numbers that they stand for; ONNX Runtime fuses DequantizeLinear and MatMul into one product of 8 bits where it can.
 */
import type { Graph } from './graph.ts';
import { codesOf, int8, type Outputs, valuesOf } from './quantization.ts';
import { scaleTensor } from './scale-tensor.ts';
import type { WeightForm } from './weight-form.ts';
import type { Matrix } from './weight-source.ts';

export const int8Form: WeightForm = {
  multiply: (graph, x, matrix) => multiplied(graph, x, matrix, matrix.name),
  lookUp: (graph, ids, table) => {
    const codes = graph.apply('Gather', [codesTensor(graph, table, 'rows', table.name), ids]);
    const scales = graph.apply('Gather', [scaleTensor(graph, table, 'rows', int8, [table.shape[0]!]), ids]);
    const each = graph.apply('Unsqueeze', [scales, graph.integers([-1])]);
    return graph.apply('Mul', [graph.apply('Cast', [codes], { attributes: { to: 1 } }), each]);
  },
  // A table that is looked up too stands in the file again: ONNX Runtime fuses only what nothing else reads, and this is the largest product.
  score: (graph, x, table) => multiplied(graph, x, table.transposed, 'lm_head.weight'),
  values: (matrix, outputs) => valuesOf(matrix, outputs, int8),
};

/** @param matrix (in, out) @param name of it in the file */
function multiplied(graph: Graph, x: string, matrix: Matrix, name: string): string {
  const codes = codesTensor(graph, matrix, 'columns', name);
  const scales = scaleTensor(graph, { ...matrix, name }, 'columns', int8, [matrix.shape[1]!]);
  return graph.apply('MatMul', [x, graph.apply('DequantizeLinear', [codes, scales], { attributes: { axis: 1 } })]);
}

function codesTensor(graph: Graph, matrix: Matrix, outputs: Outputs, name: string): string {
  function* pieces() {
    for (const piece of codesOf(matrix, outputs, int8)) yield Int8Array.from(piece);
  }
  return graph.once(name, () => graph.add({ name, type: 'int8', shape: matrix.shape, pieces }));
}
