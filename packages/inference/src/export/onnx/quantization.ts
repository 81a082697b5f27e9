/**
 * Weights that are a code times the scale of their output: whole numbers of 8 bits, or powers of two. One scale for each row of a table and
 * each output of a product, so that it can be applied behind the sum. Rounded to the nearest, without calibration.
 */
import type { Matrix } from './weight-source.ts';

export interface Quantization {
  /** Of a row whose largest magnitude this is; not 0. */
  scaleOf(largest: number): number;
  /** The code nearest to a weight that was divided by its scale. */
  nearest(ratio: number): number;
}

/** −127 … 127: the same on both sides, so that no zero point is needed. */
export const int8: Quantization = {
  scaleOf: (largest) => Math.fround(largest / 127) || 1,
  nearest: (ratio) => Math.min(127, Math.max(-127, Math.round(ratio))),
};

/** Of the codes that are powers of two: so many bits of exponent, one of them for zero. */
export const EXPONENT_BITS = 3;
const SMALLEST = 2 ** (2 - 2 ** EXPONENT_BITS);

/**
 * 0 and ±2^k, k from −6 to 0, and scales that are powers of two as well: 4 bits a weight, and a product is a shift. The compressed inference
 * of the programme's TF2; weights below half the smallest power are 0.
 */
export const powersOfTwo: Quantization = {
  scaleOf: (largest) => (largest === 0 ? 1 : 2 ** nearestExponent(largest)),
  nearest: (ratio) => {
    const size = Math.abs(ratio);
    if (size < SMALLEST) return Math.round(size / SMALLEST) * SMALLEST * Math.sign(ratio);
    return Math.min(1, 2 ** nearestExponent(size)) * Math.sign(ratio);
  },
};

/** Of the power of two that lies nearest, not by its logarithm but by its value. */
function nearestExponent(size: number): number {
  const exponent = Math.floor(Math.log2(size));
  return size >= 1.5 * 2 ** exponent ? exponent + 1 : exponent;
}

/** Whether each row of a stored matrix has its scale, or each column: that of an output either way. */
export type Outputs = 'rows' | 'columns';

/** One scale for each output. */
export function scalesOf(matrix: Matrix, outputs: Outputs, { scaleOf }: Quantization): Float32Array {
  const rows = outputs === 'rows' ? matrix : matrix.transposed;
  const [count, columns] = rows.shape as [number, number];
  const scales = new Float32Array(count);
  let row = 0;
  for (const piece of rows.pieces()) {
    for (let at = 0; at < piece.length; at += columns) {
      let largest = 0;
      for (let i = at; i < at + columns; i++) largest = Math.max(largest, Math.abs(piece[i]!));
      scales[row++] = scaleOf(largest);
    }
  }
  return scales;
}

/** The codes of a matrix in pieces of rows. */
export function codesOf(matrix: Matrix, outputs: Outputs, quantization: Quantization): Iterable<Float32Array> {
  return changed(matrix, outputs, quantization, (weight, scale) => quantization.nearest(weight / scale));
}

/** What the codes stand for. */
export function valuesOf(matrix: Matrix, outputs: Outputs, quantization: Quantization): Iterable<Float32Array> {
  return changed(matrix, outputs, quantization, (weight, scale) => quantization.nearest(weight / scale) * scale);
}

function* changed(
  matrix: Matrix,
  outputs: Outputs,
  quantization: Quantization,
  change: (weight: number, scale: number) => number,
): Iterable<Float32Array> {
  const scales = scalesOf(matrix, outputs, quantization);
  const columns = matrix.shape[1]!;
  let row = 0;
  for (const piece of matrix.pieces()) {
    const values = new Float32Array(piece.length);
    for (let at = 0; at < piece.length; at += columns, row++) {
      for (let i = 0; i < columns; i++) values[at + i] = change(piece[at + i]!, scales[outputs === 'rows' ? row : i]!);
    }
    yield values;
  }
}
