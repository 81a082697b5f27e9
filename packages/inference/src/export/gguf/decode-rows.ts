/** The bytes of a tensor type as float32; exact, but for nothing that rounding took when they were written. */
import type { TensorTypeName } from './tensor-types.ts';

/** @param bytes of whole blocks */
export function decodeRows(type: TensorTypeName, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (type) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16':
      return new Float32Array(new Float16Array(buffer, byteOffset, byteLength / 2));
    case 'BF16':
      return fromBfloat(new Uint16Array(buffer, byteOffset, byteLength / 2));
  }
}

function fromBfloat(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
