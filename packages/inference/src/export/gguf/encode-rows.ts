/** Rows of float32 as the bytes of a tensor type; 16 bits are rounded to the nearest and there to the even. */
import { type ExportError, unfit } from '../errors.ts';
import { quantizeQ4_K, quantizeQ5_K } from '../quantize/offset-blocks.ts';
import { quantizeQ6_K } from '../quantize/q6-k.ts';
import { quantizeQ4_0, quantizeQ5_0, quantizeQ8_0 } from '../quantize/round-blocks.ts';
import type { WrittenTypeName } from './tensor-types.ts';

const encoders: Record<WrittenTypeName, (values: Float32Array, name: string) => ArrayBufferView> = {
  F32: (values) => values,
  F16: toHalf,
  BF16: toBfloat,
  Q8_0: quantizeQ8_0,
  Q5_0: quantizeQ5_0,
  Q4_0: quantizeQ4_0,
  Q6_K: quantizeQ6_K,
  Q5_K: quantizeQ5_K,
  Q4_K: quantizeQ4_K,
};

/**
 * @param values whole rows, side by side
 * @param name of the tensor, for errors
 * @throws ExportError EXPORT_UNFIT for a number that the type cannot hold
 */
export function encodeRows(type: WrittenTypeName, values: Float32Array, name: string): Uint8Array {
  checkFinite(values, name, type);
  return bytesOf(encoders[type](values, name));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Of half precision, which f16 is, and the steps of quantised blocks. */
const LARGEST_HALF = 65_504;

function checkFinite(values: Float32Array, name: string, type: WrittenTypeName): void {
  const quantized = type.startsWith('Q');
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      throw unfit(
        `${name}: a weight is ${value}; the model is damaged: train it again, or from an earlier checkpoint`,
        `${name}：有权重为 ${value}；模型已损坏：请重新训练，或从更早的检查点开始`,
      );
    }
    if (quantized && Math.abs(value) > LARGEST_HALF) throw tooLarge(name, value, type);
  }
}

function tooLarge(name: string, value: number, type: WrittenTypeName): ExportError {
  return unfit(
    `${name}: the weight ${value} is too large for ${type}: use --type bf16 or f32`,
    `${name}：权重 ${value} 对 ${type} 来说太大：请用 --type bf16 或 f32`,
  );
}

function toHalf(values: Float32Array, name: string): Float16Array {
  const halves = new Float16Array(values);
  const at = halves.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return halves;
  throw tooLarge(name, values[at]!, 'F16');
}

function toBfloat(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const rounded = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) rounded[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) >>> 16;
  return rounded;
}
