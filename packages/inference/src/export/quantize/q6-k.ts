/**
 * Q6_K of ggml: blocks of 256 elements in 16 groups of 16, each with a scale that is a whole number of the block's step; an element is
 * scale x level, the levels from -32 to 31 (ggml-common.h; roundings and the search are those of ggml-quants.c without an importance
 * matrix, to the last bit). Arithmetic is that of C's float: every result is rounded to float32, sums run from first to last.
 */
import { halfBits, halfOf } from './half.ts';
import { clamp, nearest } from './whole-numbers.ts';

const BLOCK = 256;
const GROUP = 16;
const GROUPS = BLOCK / GROUP;
const BYTES = 210;
/** Levels on either side of zero. */
const SIDE = 32;
/** Where in a block stand the upper two bits, the scales and the step; the lower four bits come first. */
const [UPPER, SCALES, STEP] = [128, 192, 208];
/** Below this a group is taken as nothing. */
const SMALLEST = Math.fround(1e-15);
const { fround } = Math;

export function quantizeQ6_K(values: Float32Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((values.length / BLOCK) * BYTES);
  const view = new DataView(out.buffer);
  const levels = new Int8Array(BLOCK);
  const scales = new Float32Array(GROUPS);
  for (let first = 0, at = 0; first < values.length; first += BLOCK, at += BYTES) {
    const block = values.subarray(first, first + BLOCK);
    for (let group = 0; group < GROUPS; group++) {
      const [start, end] = [group * GROUP, (group + 1) * GROUP];
      scales[group] = fitScale(block.subarray(start, end), levels.subarray(start, end));
    }
    const largest = farthest(scales);
    if (Math.abs(largest) < SMALLEST) continue; // all zeros, as the block is already
    const inverse = fround(-128 / largest);
    view.setUint16(at + STEP, halfBits(fround(1 / inverse)), true);
    const step = halfOf(view.getUint16(at + STEP, true));
    for (let group = 0; group < GROUPS; group++) {
      const count = Math.min(127, nearest(fround(inverse * scales[group]!)));
      view.setInt8(at + SCALES + group, count);
      const scale = fround(step * view.getInt8(at + SCALES + group));
      // A group without a scale keeps the levels of the search: they are multiplied by nothing.
      if (scale === 0) continue;
      for (let i = group * GROUP; i < (group + 1) * GROUP; i++)
        levels[i] = clamp(nearest(fround(block[i]! / scale)), -SIDE, SIDE - 1);
    }
    pack(levels, out, at);
  }
  return out;
}

export function dequantizeQ6_K(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array((bytes.length / BYTES) * BLOCK);
  for (let first = 0, at = 0; first < out.length; first += BLOCK, at += BYTES) {
    const step = halfOf(view.getUint16(at + STEP, true));
    for (let i = 0; i < BLOCK; i++) {
      const low = (bytes[at + lowAt(i)]! >> lowShift(i)) & 15;
      const high = (bytes[at + highAt(i)]! >> highShift(i)) & 3;
      const scale = fround(step * view.getInt8(at + SCALES + (i >> 4)));
      out[first + i] = scale * ((low | (high << 4)) - SIDE);
    }
  }
  return out;
}

// Each half of a block has 64 bytes of lower and 32 of upper bits; its quarters of 32 elements lie over one another.
const lowAt = (i: number): number => ((i >> 7) << 6) | (i & 63);
const lowShift = (i: number): number => 4 * ((i >> 6) & 1);
const highAt = (i: number): number => UPPER + (((i >> 7) << 5) | (i & 31));
const highShift = (i: number): number => 2 * ((i >> 5) & 3);

function pack(levels: Int8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < BLOCK; i++) {
    const level = levels[i]! + SIDE;
    out[at + lowAt(i)]! |= (level & 15) << lowShift(i);
    out[at + highAt(i)]! |= (level >> 4) << highShift(i);
  }
}

/**
 * The scale for which scale x level is nearest to the elements, weighted by their squares; sets the levels. Tried are 19 scales around
 * the one that takes the farthest element to -32.
 */
function fitScale(x: Float32Array, levels: Int8Array): number {
  const largest = farthest(x);
  if (Math.abs(largest) < SMALLEST) {
    levels.fill(-SIDE);
    return 0;
  }
  let [scale, best] = [0, 0];
  // The middle one first: of equals it stays.
  for (const tried of [0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const inverse =
      tried === 0 ? fround(-SIDE / largest) : fround(-fround(SIDE + fround(fround(0.1) * tried)) / largest);
    let products = 0;
    let squares = 0;
    for (let i = 0; i < GROUP; i++) {
      const level = levelOf(x[i]!, inverse);
      const weight = fround(x[i]! * x[i]!);
      products = fround(products + fround(fround(weight * x[i]!) * level));
      squares = fround(squares + fround(fround(weight * level) * level));
    }
    const better = tried === 0 || (squares > 0 && fround(products * products) > fround(best * squares));
    if (!better) continue;
    for (let i = 0; i < GROUP; i++) levels[i] = levelOf(x[i]!, inverse);
    scale = squares === 0 ? 0 : fround(products / squares);
    best = fround(scale * products);
  }
  return scale;
}

function levelOf(value: number, inverse: number): number {
  return clamp(nearest(fround(inverse * value)), -SIDE, SIDE - 1);
}

/** The element that is farthest from zero, with its sign; the first of equals. */
function farthest(values: Float32Array): number {
  let found = 0;
  for (const value of values) if (Math.abs(value) > Math.abs(found)) found = value;
  return found;
}
