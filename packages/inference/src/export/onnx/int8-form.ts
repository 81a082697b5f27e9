/**
 * Products of 8 bits in standard operators: weights with a scale for each output, rounded when the file is written, and what they are multiplied
 * with, rounded as a whole when it runs (DynamicQuantizeLinear), so that a product is one of whole numbers (MatMulInteger). Every build of ONNX
 * Runtime has a fast kernel for that, the one for browsers too; docs/decisions/0034-onnx.md compares the other ways.
 */
import type { Graph } from './graph.ts';
import { codesOf, int8, valuesOf } from './quantization.ts';
import { scaleTensor } from './scale-tensor.ts';
import type { WeightForm } from './weight-form.ts';
import type { Matrix } from './weight-source.ts';

/**
 * The codes are stored without a sign, around this: processors without instructions for such products multiply numbers with and without sign
 * in 16 bits, which their sums can leave.
 */
const ZERO = 128;

export const int8Form: WeightForm = {
  multiply,
  // A table stands in the file as the output matrix, (C, V), which may be the same; so its columns are looked up.
  lookUp: (graph, ids, table) => {
    const columns = table.transposed;
    const codes = graph.apply('Gather', [codesTensor(graph, columns), ids], { attributes: { axis: 1 } }); // (C, B, T)
    const rows = graph.apply('Transpose', [codes], { attributes: { perm: [1, 2, 0] } });
    const whole = graph.apply('Sub', [graph.apply('Cast', [rows], { attributes: { to: 1 } }), graph.number(ZERO)]);
    const scales = graph.apply('Gather', [scalesOfOutputs(graph, columns), ids]);
    return graph.apply('Mul', [whole, graph.apply('Unsqueeze', [scales, graph.integers([-1])])]);
  },
  score: (graph, x, table) => multiply(graph, x, table.transposed),
  values: (matrix, outputs) => valuesOf(matrix, outputs, int8),
  roundsInputs: true,
};

function multiply(graph: Graph, x: string, matrix: Matrix): string {
  const [codes, scale, zero] = roundedInput(graph, x);
  const sums = graph.apply('MatMulInteger', [codes, codesTensor(graph, matrix), zero, graph.byte(ZERO)]);
  const scales = graph.apply('Mul', [scale, scalesOfOutputs(graph, matrix)]);
  return graph.apply('Mul', [graph.apply('Cast', [sums], { attributes: { to: 1 } }), scales]);
}

/** Once for all products with it. */
function roundedInput(graph: Graph, x: string): [codes: string, scale: string, zero: string] {
  const codes = graph.once(`rounded ${x}`, () => graph.applyForSeveral('DynamicQuantizeLinear', [x], 3)[0]!);
  const name = codes.replace(/:0$/, '');
  return [codes, `${name}:1`, `${name}:2`];
}

/** @param matrix (in, out) */
function codesTensor(graph: Graph, matrix: Matrix): string {
  const { name, shape } = matrix;
  function* pieces() {
    for (const codes of codesOf(matrix, 'columns', int8)) yield unsigned(codes);
  }
  return graph.once(name, () => graph.add({ name, type: 'uint8', shape, pieces }));
}

/** A loop: `from` with a function takes ten times as long. */
function unsigned(codes: Float32Array): Uint8Array {
  const bytes = new Uint8Array(codes.length);
  for (let i = 0; i < codes.length; i++) bytes[i] = codes[i]! + ZERO;
  return bytes;
}

function scalesOfOutputs(graph: Graph, matrix: Matrix): string {
  return scaleTensor(graph, matrix, 'columns', int8, [matrix.shape[1]!]);
}
