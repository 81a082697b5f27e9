/** The bytes of a tensor type as float32, exactly what they stand for. */
import { dequantizeQ4_K, dequantizeQ5_K } from '../quantize/offset-blocks.ts';
import { dequantizeQ6_K } from '../quantize/q6-k.ts';
import {
  dequantizeIQ4_NL,
  dequantizeIQ4_XS,
  dequantizeQ2_K,
  dequantizeQ3_K,
  dequantizeQ4_1,
  dequantizeQ5_1,
} from '../quantize/read-only-blocks.ts';
import { dequantizeQ4_0, dequantizeQ5_0, dequantizeQ8_0 } from '../quantize/round-blocks.ts';
import type { TensorTypeName } from './tensor-types.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const decoders: Record<TensorTypeName, (bytes: Bytes) => Float32Array> = {
  F32: ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4),
  F16: ({ buffer, byteOffset, byteLength }) => new Float32Array(new Float16Array(buffer, byteOffset, byteLength / 2)),
  BF16: ({ buffer, byteOffset, byteLength }) => fromBfloat(new Uint16Array(buffer, byteOffset, byteLength / 2)),
  Q8_0: dequantizeQ8_0,
  Q5_0: dequantizeQ5_0,
  Q4_0: dequantizeQ4_0,
  Q6_K: dequantizeQ6_K,
  Q5_K: dequantizeQ5_K,
  Q4_K: dequantizeQ4_K,
  Q5_1: dequantizeQ5_1,
  Q4_1: dequantizeQ4_1,
  Q3_K: dequantizeQ3_K,
  Q2_K: dequantizeQ2_K,
  IQ4_NL: dequantizeIQ4_NL,
  IQ4_XS: dequantizeIQ4_XS,
};

/** @param bytes of whole blocks */
export function decodeRows(type: TensorTypeName, bytes: Bytes): Float32Array {
  return decoders[type](bytes);
}

function fromBfloat(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
