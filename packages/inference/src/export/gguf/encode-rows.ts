/** Rows of float32 as the bytes of a tensor type, rounded to the nearest and there to the even, and back. */
import { unfit } from '../errors.ts';
import type { TensorTypeName } from './tensor-types.ts';

/**
 * @param values whole rows, side by side
 * @param name of the tensor, for errors
 * @throws ExportError EXPORT_UNFIT for a number that the type cannot hold
 */
export function encodeRows(type: TensorTypeName, values: Float32Array, name: string): Uint8Array {
  checkFinite(values, name);
  switch (type) {
    case 'F32':
      return bytesOf(values);
    case 'F16':
      return bytesOf(toHalf(values, name));
    case 'BF16':
      return bytesOf(toBfloat(values));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function checkFinite(values: Float32Array, name: string): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw unfit(
      `${name}: a weight is ${values[i]}; the model is damaged: train it again, or from an earlier checkpoint`,
      `${name}：有权重为 ${values[i]}；模型已损坏：请重新训练，或从更早的检查点开始`,
    );
  }
}

function toHalf(values: Float32Array, name: string): Float16Array {
  const halves = new Float16Array(values);
  const at = halves.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return halves;
  throw unfit(
    `${name}: the weight ${values[at]} is too large for f16, which ends at 65504: use --type bf16 or f32`,
    `${name}：权重 ${values[at]} 超出 f16 的范围（最大 65504）：请用 --type bf16 或 f32`,
  );
}

function toBfloat(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const rounded = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) rounded[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) >>> 16;
  return rounded;
}
