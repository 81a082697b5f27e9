/**
 * Blocks that others' files have and none from here: Q4_1 and Q5_1, Q2_K and Q3_K, IQ4_NL and IQ4_XS of ggml (ggml-common.h; what they
 * stand for is that of ggml-quants.c and of the package `gguf`, to the last bit). Arithmetic is that of C's float: every result is rounded
 * to float32.
 */
import { halfOf } from './half.ts';

const GROUP = 32;
const HALF = GROUP / 2;
const K_BLOCK = 256;
const { fround } = Math;

/** What the 16 levels of IQ4 stand for: closer to one another near zero, where most weights are. */
const IQ4_LEVELS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** Step, least value, nibbles. */
export function dequantizeQ4_1(bytes: Uint8Array): Float32Array {
  return eachBlock(bytes, 20, GROUP, (at, put) => {
    const [step, least] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
    for (let i = 0; i < GROUP; i++) put(i, fround(step * nibble(bytes, at + 4, i)) + least);
  });
}

/** Step, least value, the fifth bits of all elements, nibbles. */
export function dequantizeQ5_1(bytes: Uint8Array): Float32Array {
  return eachBlock(bytes, 24, GROUP, (at, put) => {
    const [step, least] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
    for (let i = 0; i < GROUP; i++) {
      const fifth = (bytes[at + 4 + (i >> 3)]! >> (i & 7)) & 1;
      put(i, fround(step * (nibble(bytes, at + 8, i) | (fifth << 4))) + least);
    }
  });
}

/** 16 groups of 16: scale and offset in the halves of a byte, levels of two bits, the steps of both last. */
export function dequantizeQ2_K(bytes: Uint8Array): Float32Array {
  return eachBlock(bytes, 84, K_BLOCK, (at, put) => {
    const [scaleStep, offsetStep] = [halfAt(bytes, at + 80), halfAt(bytes, at + 82)];
    for (let i = 0; i < K_BLOCK; i++) {
      const both = bytes[at + (i >> 4)]!;
      const scale = fround(scaleStep * (both & 15));
      put(i, fround(scale * twoBits(bytes, at + 16, i)) - fround(offsetStep * (both >> 4)));
    }
  });
}

/** 16 groups of 16: the third bits of all levels, their lower two, scales of six bits, the step. A third bit that is not set takes 4 away. */
export function dequantizeQ3_K(bytes: Uint8Array): Float32Array {
  return eachBlock(bytes, 110, K_BLOCK, (at, put) => {
    const step = halfAt(bytes, at + 108);
    for (let i = 0; i < K_BLOCK; i++) {
      const third = (bytes[at + (i & 31)]! >> (i >> 5)) & 1;
      put(i, fround(step * q3Scale(bytes, at + 96, i >> 4)) * (twoBits(bytes, at + 32, i) - (third === 0 ? 4 : 0)));
    }
  });
}

/** Step, nibbles. */
export function dequantizeIQ4_NL(bytes: Uint8Array): Float32Array {
  return eachBlock(bytes, 18, GROUP, (at, put) => {
    const step = halfAt(bytes, at);
    for (let i = 0; i < GROUP; i++) put(i, step * IQ4_LEVELS[nibble(bytes, at + 2, i)]!);
  });
}

/** Eight groups of 32: the step, the upper two bits of all scales, their lower four, nibbles group by group. */
export function dequantizeIQ4_XS(bytes: Uint8Array): Float32Array {
  return eachBlock(bytes, 136, K_BLOCK, (at, put) => {
    const step = halfAt(bytes, at);
    const upper = bytes[at + 2]! | (bytes[at + 3]! << 8);
    for (let i = 0; i < K_BLOCK; i++) {
      const group = i >> 5;
      const lower = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
      const scale = fround(step * ((lower | (((upper >> (2 * group)) & 3) << 4)) - 32));
      put(i, scale * IQ4_LEVELS[nibble(bytes, at + 8 + group * HALF, i & 31)]!);
    }
  });
}

/** Of 32 elements: the first half in the lower halves of 16 bytes, the second in the upper. */
function nibble(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i & 15)]! >> (4 * (i >> 4))) & 15;
}

/** Of 256 elements: each half in 32 bytes, its quarters of 32 elements over one another. */
function twoBits(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + ((i >> 7) << 5) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
}

/** From -32 to 31: the lower four bits in the halves of eight bytes, the upper two over one another in four. */
function q3Scale(bytes: Uint8Array, at: number, group: number): number {
  const lower = (bytes[at + (group & 7)]! >> (4 * (group >> 3))) & 15;
  const upper = (bytes[at + 8 + (group & 3)]! >> (2 * (group >> 2))) & 3;
  return (lower | (upper << 4)) - 32;
}

function halfAt(bytes: Uint8Array, at: number): number {
  return halfOf(bytes[at]! | (bytes[at + 1]! << 8));
}

function eachBlock(
  bytes: Uint8Array,
  blockBytes: number,
  length: number,
  read: (at: number, put: (i: number, value: number) => void) => void,
): Float32Array {
  const out = new Float32Array((bytes.length / blockBytes) * length);
  for (let first = 0, at = 0; first < out.length; first += length, at += blockBytes) {
    read(at, (i, value) => {
      out[first + i] = value;
    });
  }
  return out;
}
