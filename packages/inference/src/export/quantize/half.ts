/** Numbers of 16 bits (IEEE 754 binary16), rounded to the nearest and there to the even. */

const half = new Float16Array(1);
const bits = new Uint16Array(half.buffer);

export function halfBits(value: number): number {
  half[0] = value;
  return bits[0]!;
}

export function halfOf(stored: number): number {
  bits[0] = stored;
  return half[0]!;
}
