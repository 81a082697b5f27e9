/** The weights of a model directory as float32, in pieces, the way round that is asked for. A graph is built without reading them. */
import type { StoredWeights } from '@tunan/model';
import { noGrad, scope, type Tensor } from '@tunan/torch';
import { unfit } from '../errors.ts';

/** Elements that are held at a time. */
const PIECE = 1 << 21;

/** A vector is a matrix of one row. */
export interface Matrix {
  readonly name: string;
  /** (rows, columns), or that of the vector. */
  readonly shape: readonly number[];
  /** All rows in order, several at a time, side by side. @throws ExportError EXPORT_UNFIT for a weight that is no number */
  pieces(): Iterable<Float32Array>;
  readonly transposed: Matrix;
}

export function matrixOf(weights: StoredWeights, name: string): Matrix {
  return storedMatrix(weights, name, false);
}

function storedMatrix(weights: StoredWeights, name: string, transposed: boolean): Matrix {
  const stored = weights.shape(name);
  const shape = transposed ? stored.toReversed() : stored;
  const [rows, columns] = shape.length === 1 ? [1, shape[0]!] : (shape as [number, number]);
  const step = Math.max(1, Math.floor(PIECE / columns));
  return {
    name,
    shape,
    *pieces() {
      for (let first = 0; first < rows; first += step) {
        const count = Math.min(step, rows - first);
        const part = readRows(weights, name, (all) => {
          if (shape.length === 1) return all;
          return transposed ? all.narrow(1, first, count).transpose(0, 1) : all.narrow(0, first, count);
        });
        checkFinite(part, name);
        yield part;
      }
    },
    get transposed(): Matrix {
      return storedMatrix(weights, name, !transposed);
    },
  };
}

function readRows(weights: StoredWeights, name: string, take: (all: Tensor) => Tensor): Float32Array {
  return noGrad(() => scope(() => take(weights.get(name)).to('float32').contiguous().toArray() as Float32Array));
}

function checkFinite(values: Float32Array, name: string): void {
  let at = 0;
  while (at < values.length && Number.isFinite(values[at])) at++;
  if (at === values.length) return;
  throw unfit(
    `${name}: a weight is ${values[at]}; the model is damaged: train it again, or from an earlier checkpoint`,
    `${name}：有权重为 ${values[at]}；模型已损坏：请重新训练，或从更早的检查点开始`,
  );
}
