/**
 * Blocks of 32 elements that share one scale, as ggml lays them out: Q8_0, Q4_0 and Q5_0 (ggml-common.h; the roundings are those of
 * ggml-quants.c, to the last bit). Each element becomes a whole number of steps; the step stands first in the block, in half precision.
 * Arithmetic is that of C's float: every result is rounded to float32.
 */
import { halfBits, halfOf } from './half.ts';

const LENGTH = 32;
const HALF = LENGTH / 2;
const { fround } = Math;

export function quantizeQ8_0(values: Float32Array): Uint8Array<ArrayBuffer> {
  return eachBlock(values, 34, (block, view, at) => {
    let largest = 0;
    for (const value of block) largest = Math.max(largest, Math.abs(value));
    const step = fround(largest / 127);
    const inverse = step === 0 ? 0 : fround(1 / step);
    view.setUint16(at, halfBits(step), true);
    for (let i = 0; i < LENGTH; i++) view.setInt8(at + 2 + i, roundAway(fround(block[i]! * inverse)));
  });
}

export function dequantizeQ8_0(bytes: Uint8Array): Float32Array {
  return eachStored(bytes, 34, (view, at, out, first) => {
    const step = halfOf(view.getUint16(at, true));
    for (let i = 0; i < LENGTH; i++) out[first + i] = view.getInt8(at + 2 + i) * step;
  });
}

export function quantizeQ4_0(values: Float32Array): Uint8Array<ArrayBuffer> {
  return eachBlock(values, 18, (block, view, at) => {
    const step = fround(farthest(block) / -8);
    view.setUint16(at, halfBits(step), true);
    const levels = levelsOf(block, step, 16);
    for (let i = 0; i < HALF; i++) view.setUint8(at + 2 + i, levels[i]! | (levels[i + HALF]! << 4));
  });
}

export function dequantizeQ4_0(bytes: Uint8Array): Float32Array {
  return eachStored(bytes, 18, (view, at, out, first) => {
    const step = halfOf(view.getUint16(at, true));
    for (let i = 0; i < HALF; i++) {
      const pair = view.getUint8(at + 2 + i);
      out[first + i] = ((pair & 15) - 8) * step;
      out[first + HALF + i] = ((pair >> 4) - 8) * step;
    }
  });
}

/** The fifth bits of all elements stand together, behind the step. */
export function quantizeQ5_0(values: Float32Array): Uint8Array<ArrayBuffer> {
  return eachBlock(values, 22, (block, view, at) => {
    const step = fround(farthest(block) / -16);
    view.setUint16(at, halfBits(step), true);
    const levels = levelsOf(block, step, 32);
    let fifths = 0;
    for (let i = 0; i < LENGTH; i++) fifths |= (levels[i]! >> 4) << i;
    view.setInt32(at + 2, fifths, true);
    for (let i = 0; i < HALF; i++) view.setUint8(at + 6 + i, (levels[i]! & 15) | ((levels[i + HALF]! & 15) << 4));
  });
}

export function dequantizeQ5_0(bytes: Uint8Array): Float32Array {
  return eachStored(bytes, 22, (view, at, out, first) => {
    const step = halfOf(view.getUint16(at, true));
    const fifths = view.getUint32(at + 2, true);
    const level = (low: number, i: number) => (low | (((fifths >>> i) & 1) << 4)) - 16;
    for (let i = 0; i < HALF; i++) {
      const pair = view.getUint8(at + 6 + i);
      out[first + i] = level(pair & 15, i) * step;
      out[first + HALF + i] = level(pair >> 4, i + HALF) * step;
    }
  });
}

/** The element that is farthest from zero, with its sign; the first of equals. */
function farthest(block: Float32Array): number {
  let found = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(found)) found = value;
  return found;
}

/** Steps from the lowest of `count` levels, of which the middle one is zero. */
function levelsOf(block: Float32Array, step: number, count: number): Uint8Array {
  const inverse = step === 0 ? 0 : fround(1 / step);
  const middle = count / 2 + 0.5;
  return Uint8Array.from(block, (value) => Math.min(count - 1, Math.trunc(fround(fround(value * inverse) + middle))));
}

/** As C's roundf: halves away from zero. */
function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

function eachBlock(
  values: Float32Array,
  bytes: number,
  write: (block: Float32Array, view: DataView, at: number) => void,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((values.length / LENGTH) * bytes);
  const view = new DataView(out.buffer);
  for (let first = 0, at = 0; first < values.length; first += LENGTH, at += bytes)
    write(values.subarray(first, first + LENGTH), view, at);
  return out;
}

function eachStored(
  stored: Uint8Array,
  bytes: number,
  read: (view: DataView, at: number, out: Float32Array, first: number) => void,
): Float32Array {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const out = new Float32Array((stored.length / bytes) * LENGTH);
  for (let first = 0, at = 0; first < out.length; first += LENGTH, at += bytes) read(view, at, out, first);
  return out;
}
