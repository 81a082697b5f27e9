/**
 * Weights as QONNX has them, the dialect that compilers for FPGAs read (qonnx, FINN, hls4ml): float32 tensors that go through a node which
 * says how few bits they need. Whole numbers go through Quant, with the scale of each output. Powers of two go through FloatQuant, a float
 * without mantissa; their scales stand behind the product as a shift for each output, so that the weights themselves have 4 bits.
 * What they are is also said of the values, since qonnx's clean-up computes FloatQuant in advance.
 */
import type { Graph } from './graph.ts';
import { codesOf, EXPONENT_BITS, int8, type Outputs, powersOfTwo, valuesOf } from './quantization.ts';
import { scaleTensor } from './scale-tensor.ts';
import type { WeightForm } from './weight-form.ts';
import type { Matrix } from './weight-source.ts';

export const QONNX_DOMAIN = 'qonnx.custom_op.general';

/** Of the exponents: with it the largest is 0. */
const BIAS = 2 ** EXPONENT_BITS - 1;

export const qonnxInt8Form: WeightForm = {
  multiply: (graph, x, matrix) => graph.apply('MatMul', [x, quantInt8(graph, matrix, 'columns')]),
  lookUp: (graph, ids, table) => graph.apply('Gather', [quantInt8(graph, table, 'rows'), ids]),
  score: (graph, x, table) => graph.apply('Gemm', [x, quantInt8(graph, table, 'rows')], { attributes: { transB: 1 } }),
  values: (matrix, outputs) => valuesOf(matrix, outputs, int8),
};

export const qonnxPow2Form: WeightForm = {
  multiply: (graph, x, matrix) => {
    const product = graph.apply('MatMul', [x, quantPow2(graph, matrix, 'columns')]);
    return graph.apply('Mul', [product, shifts(graph, matrix, 'columns')]);
  },
  lookUp: (graph, ids, table) => {
    const rows = graph.apply('Gather', [quantPow2(graph, table, 'rows'), ids]);
    const scales = graph.apply('Gather', [shifts(graph, table, 'rows'), ids]);
    return graph.apply('Mul', [rows, graph.apply('Unsqueeze', [scales, graph.integers([-1])])]);
  },
  score: (graph, x, table) => {
    const product = graph.apply('Gemm', [x, quantPow2(graph, table, 'rows')], { attributes: { transB: 1 } });
    return graph.apply('Mul', [product, shifts(graph, table, 'rows')]);
  },
  values: (matrix, outputs) => valuesOf(matrix, outputs, powersOfTwo),
};

function quantInt8(graph: Graph, matrix: Matrix, outputs: Outputs): string {
  const { name, shape } = matrix;
  const along = outputs === 'rows' ? [shape[0]!, 1] : [1, shape[1]!];
  const pieces = () => valuesOf(matrix, outputs, int8);
  return graph.once(`Quant ${name}`, () => {
    const values = graph.add({ name, type: 'float32', shape, pieces });
    const scales = scaleTensor(graph, matrix, outputs, int8, along);
    const quantized = graph.apply('Quant', [values, scales, graph.number(0), graph.number(8)], {
      domain: QONNX_DOMAIN,
      attributes: { signed: 1, narrow: 1, rounding_mode: 'ROUND' },
    });
    graph.numberKinds.set(quantized, 'SCALEDINT<8>');
    return quantized;
  });
}

function quantPow2(graph: Graph, matrix: Matrix, outputs: Outputs): string {
  const { name, shape } = matrix;
  const pieces = () => codesOf(matrix, outputs, powersOfTwo);
  return graph.once(`FloatQuant ${name}`, () => {
    const codes = graph.add({ name, type: 'float32', shape, pieces });
    // Scale, bits of exponent and of mantissa, bias, largest.
    const fields = [1, EXPONENT_BITS, 0, BIAS, 1].map((value) => graph.number(value));
    const quantized = graph.apply('FloatQuant', [codes, ...fields], {
      domain: QONNX_DOMAIN,
      attributes: { rounding_mode: 'ROUND', has_inf: 0, has_nan: 0, has_subnormal: 0, saturation: 1 },
    });
    graph.numberKinds.set(quantized, `FLOAT<${EXPONENT_BITS},0,${BIAS}>`);
    return quantized;
  });
}

function shifts(graph: Graph, matrix: Matrix, outputs: Outputs): string {
  return scaleTensor(graph, matrix, outputs, powersOfTwo, [matrix.shape[outputs === 'rows' ? 0 : 1]!]);
}
