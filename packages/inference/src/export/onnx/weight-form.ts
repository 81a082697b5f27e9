/**
 * In which form weights stand in an ONNX file, and the nodes that compute with them. Vectors and learned positions are float32 in every
 * form: they are small.
 */
import { unfit } from '../errors.ts';
import type { Graph } from './graph.ts';
import type { Outputs } from './quantization.ts';
import type { Matrix } from './weight-source.ts';

export interface WeightForm {
  /** x (…, in) times a matrix (in, out) → (…, out). */
  multiply(graph: Graph, x: string, matrix: Matrix): string;
  /** The rows of a table (V, C) for ids (B, T) → (B, T, C). */
  lookUp(graph: Graph, ids: string, table: Matrix): string;
  /** x (N, C) times a table (V, C) the other way round, which may have been looked up before → (N, V). */
  score(graph: Graph, x: string, table: Matrix): string;
  /** What the weights of a matrix stand for, in pieces of rows. */
  values(matrix: Matrix, outputs: Outputs): Iterable<Float32Array>;
  /** Whether what is multiplied with a matrix is rounded to 8 bits too. */
  readonly roundsInputs?: boolean;
}

/** As they are. */
export const float32Form: WeightForm = {
  multiply: (graph, x, matrix) => graph.apply('MatMul', [x, float32Tensor(graph, matrix)]),
  lookUp: (graph, ids, table) => graph.apply('Gather', [float32Tensor(graph, table), ids]),
  score: (graph, x, table) => graph.apply('Gemm', [x, float32Tensor(graph, table)], { attributes: { transB: 1 } }),
  values: (matrix) => matrix.pieces(),
};

/** Half the bytes; a program widens them when it loads the file. */
export const float16Form: WeightForm = {
  multiply: (graph, x, matrix) => graph.apply('MatMul', [x, widened(graph, halfTensor(graph, matrix))]),
  lookUp: (graph, ids, table) => widened(graph, graph.apply('Gather', [halfTensor(graph, table), ids])),
  score: (graph, x, table) =>
    graph.apply('Gemm', [x, widened(graph, halfTensor(graph, table))], { attributes: { transB: 1 } }),
  *values(matrix) {
    for (const piece of matrix.pieces()) yield Float32Array.from(toHalf(piece, matrix.name));
  },
};

/** @returns the name of the tensor */
export function float32Tensor(graph: Graph, { name, shape, pieces }: Matrix): string {
  return graph.once(name, () => graph.add({ name, type: 'float32', shape, pieces }));
}

function halfTensor(graph: Graph, { name, shape, pieces }: Matrix): string {
  function* halves() {
    for (const piece of pieces()) yield toHalf(piece, name);
  }
  return graph.once(name, () => graph.add({ name, type: 'float16', shape, pieces: halves }));
}

function widened(graph: Graph, value: string): string {
  return graph.apply('Cast', [value], { attributes: { to: 1 } });
}

function toHalf(values: Float32Array, name: string): Float16Array {
  const halves = new Float16Array(values);
  const at = halves.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return halves;
  throw unfit(
    `${name}: the weight ${values[at]} is too large for f16, which ends at 65504: use --type f32`,
    `${name}：权重 ${values[at]} 超出 f16 的范围（最大 65504）：请用 --type f32`,
  );
}
