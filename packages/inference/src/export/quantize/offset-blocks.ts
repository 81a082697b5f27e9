/**
 * Q4_K and Q5_K of ggml: blocks of 256 elements in 8 groups of 32, each with a scale and an offset that are whole numbers of the block's
 * steps; an element is scale x level - offset (ggml-common.h; roundings and the search are those of ggml-quants.c without an importance
 * matrix, to the last bit). Arithmetic is that of C's float: every result is rounded to float32, sums run from the first element to the last.
 */
import { halfBits, halfOf } from './half.ts';
import { clamp, nearest } from './whole-numbers.ts';

const K_BLOCK = 256;
const GROUP = 32;
const GROUPS = K_BLOCK / GROUP;
/** Of scales and offsets, which have 6 bits. */
const MOST_STEPS = 63;
const { fround } = Math;
const TENTH = fround(0.1);

/** How the search for a group's scale runs: over `first`, `first` + 0.1, … beyond the most levels. */
interface Search {
  /** The largest level. */
  readonly most: number;
  readonly first: number;
  readonly steps: number;
}

const q4Search: Search = { most: 15, first: -1, steps: 20 };
const q5Search: Search = { most: 31, first: -0.5, steps: 15 };

const Q4_BYTES = 144;
const Q5_BYTES = 176;

export function quantizeQ4_K(values: Float32Array): Uint8Array<ArrayBuffer> {
  return quantizeOffset(values, q4Search, Q4_BYTES, (levels, out, at) => packNibbles(levels, out, at + 16));
}

/** The fifth bits stand before the nibbles: byte i has those of elements i, i + 32, … i + 224. */
export function quantizeQ5_K(values: Float32Array): Uint8Array<ArrayBuffer> {
  return quantizeOffset(values, q5Search, Q5_BYTES, (levels, out, at) => {
    for (let i = 0; i < K_BLOCK; i++) out[at + 16 + (i % GROUP)]! |= (levels[i]! >> 4) << (i >> 5);
    packNibbles(levels, out, at + 48);
  });
}

export function dequantizeQ4_K(bytes: Uint8Array): Float32Array {
  return dequantizeOffset(bytes, Q4_BYTES, (at, i) => nibble(bytes, at + 16, i));
}

export function dequantizeQ5_K(bytes: Uint8Array): Float32Array {
  return dequantizeOffset(bytes, Q5_BYTES, (at, i) => {
    const fifth = (bytes[at + 16 + (i % GROUP)]! >> (i >> 5)) & 1;
    return nibble(bytes, at + 48, i) | (fifth << 4);
  });
}

/** Two groups share 32 bytes: the first in the lower halves, the second in the upper. */
function packNibbles(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let pair = 0; pair < K_BLOCK; pair += 2 * GROUP) {
    for (let i = 0; i < GROUP; i++)
      out[at + pair / 2 + i] = (levels[pair + i]! & 15) | ((levels[pair + GROUP + i]! & 15) << 4);
  }
}

function nibble(bytes: Uint8Array, at: number, i: number): number {
  const group = i >> 5;
  return (bytes[at + (group >> 1) * GROUP + (i % GROUP)]! >> (4 * (group & 1))) & 15;
}

function quantizeOffset(
  values: Float32Array,
  search: Search,
  bytes: number,
  pack: (levels: Uint8Array, out: Uint8Array, at: number) => void,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((values.length / K_BLOCK) * bytes);
  const view = new DataView(out.buffer);
  const levels = new Uint8Array(K_BLOCK);
  const [scales, offsets] = [new Float32Array(GROUPS), new Float32Array(GROUPS)];
  const fit = new AffineFit(search);
  for (let first = 0, at = 0; first < values.length; first += K_BLOCK, at += bytes) {
    const block = values.subarray(first, first + K_BLOCK);
    for (let group = 0; group < GROUPS; group++) {
      fit.find(block, group * GROUP, levels);
      scales[group] = fit.scale;
      offsets[group] = fit.offset;
    }
    const scaleSteps = stepsOf(scales);
    const offsetSteps = stepsOf(offsets);
    view.setUint16(at, halfBits(scaleSteps.step), true);
    view.setUint16(at + 2, halfBits(offsetSteps.step), true);
    packSixBits(scaleSteps.counts, offsetSteps.counts, out, at + 4);
    const [scaleStep, offsetStep] = [halfOf(view.getUint16(at, true)), halfOf(view.getUint16(at + 2, true))];
    for (let i = 0; i < K_BLOCK; i++) {
      const group = i >> 5;
      const scale = fround(scaleStep * scaleSteps.counts[group]!);
      // A group without a scale keeps the levels of the search: they are multiplied by nothing.
      if (scale === 0) continue;
      const offset = fround(offsetStep * offsetSteps.counts[group]!);
      levels[i] = clamp(nearest(fround(fround(block[i]! + offset) / scale)), 0, search.most);
    }
    pack(levels, out, at);
  }
  return out;
}

function dequantizeOffset(
  bytes: Uint8Array,
  blockBytes: number,
  level: (at: number, i: number) => number,
): Float32Array {
  const out = new Float32Array((bytes.length / blockBytes) * K_BLOCK);
  for (let first = 0, at = 0; first < out.length; first += K_BLOCK, at += blockBytes) {
    const [scaleStep, offsetStep] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
    for (let group = 0; group < GROUPS; group++) {
      const scale = fround(scaleStep * sixBits(bytes, at + 4, group, 0));
      const offset = fround(offsetStep * sixBits(bytes, at + 4, group, 1));
      for (let i = group * GROUP; i < (group + 1) * GROUP; i++) out[first + i] = fround(scale * level(at, i)) - offset;
    }
  }
  return out;
}

/** Whole numbers of a step, the largest of them 63. */
function stepsOf(values: Float32Array): { readonly step: number; readonly counts: Uint8Array } {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const inverse = largest > 0 ? fround(MOST_STEPS / largest) : 0;
  const counts = Uint8Array.from(values, (value) => Math.min(MOST_STEPS, nearest(fround(inverse * value)) & 255));
  return { step: fround(largest / MOST_STEPS), counts };
}

/**
 * Eight scales and eight offsets of 6 bits in 12 bytes: the first four of each stand in a byte of their own, whose two upper bits are
 * those of a later one; the lower four bits of the later ones share the last four bytes.
 */
function packSixBits(scales: Uint8Array, offsets: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < 4; i++) {
    const [laterScale, laterOffset] = [scales[i + 4]!, offsets[i + 4]!];
    out[at + i] = scales[i]! | ((laterScale >> 4) << 6);
    out[at + 4 + i] = offsets[i]! | ((laterOffset >> 4) << 6);
    out[at + 8 + i] = (laterScale & 15) | ((laterOffset & 15) << 4);
  }
}

/** The scale (0) or the offset (1) of a group. */
function sixBits(bytes: Uint8Array, at: number, group: number, which: 0 | 1): number {
  const own = at + 4 * which + (group % 4);
  if (group < 4) return bytes[own]! & 63;
  return ((bytes[at + 8 + (group % 4)]! >> (4 * which)) & 15) | ((bytes[own]! >> 6) << 4);
}

/** Finds scale and offset of a group so that scale x level - offset is near its elements, large ones counting more. */
class AffineFit {
  scale = 0;
  /** What is subtracted; never below zero. */
  offset = 0;
  readonly #search: Search;
  readonly #x = new Float32Array(GROUP);
  readonly #weights = new Float32Array(GROUP);
  readonly #tried = new Uint8Array(GROUP);
  // What #try found.
  #triedScale = 0;
  #triedOffset = 0;

  constructor(search: Search) {
    this.#search = search;
  }

  /** Sets scale and offset, and the levels of the group from `start`. */
  find(block: Float32Array, start: number, levels: Uint8Array): void {
    const x = this.#x;
    const weights = this.#weights;
    for (let i = 0; i < GROUP; i++) x[i] = block[start + i]!;
    weighByMagnitude(x, weights);
    let lowest = 0;
    let highest = x[0]!;
    let weight = 0;
    let weighted = 0;
    for (let i = 0; i < GROUP; i++) {
      const value = x[i]!;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
      weight = fround(weight + weights[i]!);
      weighted = fround(weighted + fround(weights[i]! * value));
    }
    this.scale = 0;
    this.offset = -lowest;
    levels.fill(0, start, start + GROUP);
    if (highest === lowest) return;
    const { most, first, steps } = this.#search;
    const inverse = fround(most / fround(highest - lowest));
    this.#setLevels(inverse, lowest);
    levels.set(this.#tried, start);
    this.scale = fround(1 / inverse);
    let least = this.#error(this.scale, lowest);
    for (let step = 0; step <= steps; step++) {
      const wanted = fround(fround(first + fround(TENTH * step)) + most);
      // The range follows the best offset so far, as in ggml.
      const minimum = -this.offset;
      if (!this.#try(fround(wanted / fround(highest - minimum)), minimum, weight, weighted)) continue;
      const error = this.#error(this.#triedScale, -this.#triedOffset);
      if (error >= least) continue;
      levels.set(this.#tried, start);
      least = error;
      this.scale = this.#triedScale;
      this.offset = this.#triedOffset;
    }
  }

  #setLevels(inverse: number, minimum: number): void {
    const { most } = this.#search;
    const [x, tried] = [this.#x, this.#tried];
    for (let i = 0; i < GROUP; i++) tried[i] = clamp(nearest(fround(inverse * fround(x[i]! - minimum))), 0, most);
  }

  #error(scale: number, minimum: number): number {
    const [x, weights, tried] = [this.#x, this.#weights, this.#tried];
    let sum = 0;
    for (let i = 0; i < GROUP; i++) {
      const off = fround(fround(fround(scale * tried[i]!) + minimum) - x[i]!);
      sum = fround(sum + fround(weights[i]! * fround(off * off)));
    }
    return sum;
  }

  /** Levels for this inverse scale, and the weighted least squares for them; false where these have no solution. */
  #try(inverse: number, minimum: number, weight: number, weighted: number): boolean {
    const { most } = this.#search;
    const [x, weights, tried] = [this.#x, this.#weights, this.#tried];
    let sum = 0;
    let squares = 0;
    let products = 0;
    for (let i = 0; i < GROUP; i++) {
      const value = x[i]!;
      const level = clamp(nearest(fround(inverse * fround(value - minimum))), 0, most);
      tried[i] = level;
      const part = fround(weights[i]! * level);
      sum = fround(sum + part);
      squares = fround(squares + fround(part * level));
      products = fround(products + fround(part * value));
    }
    const determinant = fround(fround(weight * squares) - fround(sum * sum));
    if (!(determinant > 0)) return false;
    const found = fround(fround(fround(squares * weighted) - fround(sum * products)) / determinant);
    this.#triedOffset = found > 0 ? 0 : -found;
    this.#triedScale =
      found > 0
        ? fround(products / squares)
        : fround(fround(fround(weight * products) - fround(weighted * sum)) / determinant);
    return true;
  }
}

/** The magnitude of each element, and of their mean square. */
function weighByMagnitude(x: Float32Array, weights: Float32Array): void {
  let squares = 0;
  for (let i = 0; i < GROUP; i++) squares = fround(squares + fround(x[i]! * x[i]!));
  const typical = fround(Math.sqrt(fround(squares / GROUP)));
  for (let i = 0; i < GROUP; i++) weights[i] = typical + Math.abs(x[i]!);
}

function halfAt(bytes: Uint8Array, at: number): number {
  return halfOf(bytes[at]! | (bytes[at + 1]! << 8));
}
