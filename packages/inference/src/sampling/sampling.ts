/**
 * Draws a token from a vector of logits: temperature, min-p, top-k, typical, top-p, then one uniform number. The order is
 * that of vLLM, with typical sampling between top-k and top-p as in llama.cpp; each filter sees what those before it left,
 * taken as a distribution of its own.
 *
 * Contract: pure; the same logits, options and uniform number give the same token. Among equal logits the lower id is
 * kept first, and the inverse of the cumulative distribution is taken in the order of ids. Time is O(V), without a sort: a
 * filter keeps what lies nearest to some value, finds by a histogram in which small range of distances its border lies, and
 * selects within that range alone. V may be 53 248 here and this runs once for every token of every sequence.
 * Does not know penalties (penalties.ts) and does not make randomness (random.ts).
 */

import { exponential } from './exponential.ts';

export interface DrawOptions {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keep the k likeliest tokens; 0 is off. */
  readonly topK: number;
  /** Keep the likeliest tokens that together have this share of the mass; 0 and 1 are off, as in Yuan's API. */
  readonly topP: number;
  /** Keep the tokens that are at least this many times as likely as the likeliest; 0 is off. */
  readonly minP: number;
  /**
   * Locally typical sampling (Meister et al., 2023): keep the tokens whose surprise, -ln p, is nearest to the entropy, until
   * they have this share of the mass; 0 and 1 are off.
   */
  readonly typicalP: number;
}

/** Ranges of distances, and how many of them a unit has; what is farther away lies in the last. */
const BUCKETS = 1024;
const BUCKETS_PER_UNIT = 16;

/** Room for the tokens that may still be drawn, in the order of ids; reuse it between draws. */
export class DrawScratch {
  readonly ids: Int32Array;
  /** (logit - greatest) / temperature. */
  readonly scaled: Float64Array;
  /** exp of it. */
  readonly weights: Float64Array;
  readonly distances: Float64Array;
  /** Of the range in which the border lies, distances and masses. */
  readonly nearBorder: Float64Array;
  readonly masses: Float64Array;
  readonly histogram = new Float64Array(BUCKETS);

  constructor(vocabularySize: number) {
    this.ids = new Int32Array(vocabularySize);
    this.scaled = new Float64Array(vocabularySize);
    this.weights = new Float64Array(vocabularySize);
    this.distances = new Float64Array(vocabularySize);
    this.nearBorder = new Float64Array(vocabularySize);
    this.masses = new Float64Array(vocabularySize);
  }
}

/** The id of the greatest logit, the lowest among equals. */
export function argmax(logits: Float32Array): number {
  let best = -1;
  let greatest = Number.NEGATIVE_INFINITY;
  const look = (from: number, to: number) => {
    for (let id = from; id < to; id++) {
      const logit = logits[id]!;
      if (Number.isNaN(logit)) throw new Error(`the model gave NaN as the logit of token ${id}`);
      if (logit <= greatest) continue;
      greatest = logit;
      best = id;
    }
  };
  // Eight at a time, and one by one only where some is greater, or NaN, of which no comparison holds: five times as fast.
  const whole = logits.length - (logits.length % 8);
  for (let id = 0; id < whole; id += 8) if (!noneAbove(logits, id, greatest)) look(id, id + 8);
  look(whole, logits.length);
  if (best < 0 || greatest === Number.POSITIVE_INFINITY) {
    throw new Error(best < 0 ? 'no token can be drawn: every logit is -Infinity' : 'the model gave an infinite logit');
  }
  return best;
}

/** Of the eight logits from `id` on. */
function noneAbove(logits: Float32Array, id: number, greatest: number): boolean {
  return (
    logits[id]! <= greatest &&
    logits[id + 1]! <= greatest &&
    logits[id + 2]! <= greatest &&
    logits[id + 3]! <= greatest &&
    logits[id + 4]! <= greatest &&
    logits[id + 5]! <= greatest &&
    logits[id + 6]! <= greatest &&
    logits[id + 7]! <= greatest
  );
}

/**
 * Draws one token.
 * @param logits (V); -Infinity for tokens that must not be drawn
 * @param uniform in [0, 1)
 * @throws Error when a logit is NaN or +Infinity, or all are -Infinity: the model is broken
 */
export function drawToken(
  logits: Float32Array,
  options: DrawOptions,
  uniform: number,
  scratch: DrawScratch = new DrawScratch(logits.length),
): number {
  const likeliest = argmax(logits);
  if (options.temperature === 0 || options.topK === 1) return likeliest;
  const { topK, topP, minP, typicalP } = options;
  const isOpen = topK < 1 && minP === 0 && (typicalP === 0 || typicalP === 1) && (topP === 0 || topP === 1);
  if (isOpen) return drawOpen(logits, logits[likeliest]!, options.temperature, uniform, scratch.weights);
  let count = scale(logits, logits[likeliest]!, options.temperature, scratch);
  // Before the weights are made, of which fewer are needed then: min-p drops from the same end.
  if (topK >= 1 && topK < count) count = keepNearest(scratch, count, 0, topK, 'count');
  count = weigh(scratch, count, minP);
  if (typicalP > 0 && typicalP < 1) {
    const { entropy, mass } = totals(scratch, count);
    count = keepNearest(scratch, count, -entropy, typicalP * mass, 'mass');
  }
  if (topP > 0 && topP < 1) count = keepNearest(scratch, count, 0, topP * totals(scratch, count).mass, 'mass');
  return scratch.ids[inverseCumulative(scratch.weights, count, uniform)]!;
}

/** The draw without filters: one pass. */
function drawOpen(
  logits: Float32Array,
  greatest: number,
  temperature: number,
  uniform: number,
  sums: Float64Array,
): number {
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    total += exponential((logits[id]! - greatest) / temperature);
    sums[id] = total;
  }
  const id = firstAbove(sums, logits.length, uniform * total);
  // Rounding can put the target at the total itself: then the last that has a share.
  return id < logits.length ? id : firstAbove(sums, logits.length, sums[logits.length - 1]! * (1 - 2 ** -52));
}

/** Takes up the tokens that are not forbidden; returns their number. */
function scale(logits: Float32Array, greatest: number, temperature: number, { ids, scaled }: DrawScratch): number {
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    const value = (logits[id]! - greatest) / temperature;
    if (value === Number.NEGATIVE_INFINITY) continue;
    ids[count] = id;
    scaled[count++] = value;
  }
  return count;
}

/** Makes the weights, of which the likeliest has 1, and drops those below `least` or too small for a number. */
function weigh({ ids, scaled, weights }: DrawScratch, count: number, least: number): number {
  let kept = 0;
  for (let place = 0; place < count; place++) {
    const value = scaled[place]!;
    const weight = exponential(value);
    if (weight < least || weight === 0) continue;
    ids[kept] = ids[place]!;
    scaled[kept] = value;
    weights[kept++] = weight;
  }
  return kept;
}

/**
 * The sum of the weights, and their entropy less its logarithm: of p = w / mass, H = ln mass - sum(w ln w) / mass, so that
 * |-ln p - H| = |-ln w - entropy|.
 */
function totals({ scaled, weights }: DrawScratch, count: number): { mass: number; entropy: number } {
  let mass = 0;
  let weighted = 0;
  for (let place = 0; place < count; place++) {
    mass += weights[place]!;
    weighted += weights[place]! * scaled[place]!;
  }
  return { mass, entropy: -weighted / mass };
}

/** The first place at which the running sum of weights passes `uniform` of the total. Puts the sums in the place of the weights. */
function inverseCumulative(weights: Float64Array, count: number, uniform: number): number {
  let total = 0;
  for (let place = 0; place < count; place++) {
    total += weights[place]!;
    weights[place] = total;
  }
  // Rounding can put the target at the total itself.
  return Math.min(firstAbove(weights, count, uniform * total), count - 1);
}

/** The first place whose sum is above the target; `count` where there is none. */
function firstAbove(sums: Float64Array, count: number, target: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Keeps the smallest set of tokens whose scaled logits are nearest to `centre` that reaches the target, by their number or their
 * mass; of equals those with the lower ids. Returns their number.
 */
function keepNearest(
  scratch: DrawScratch,
  count: number,
  centre: number,
  target: number,
  measure: 'count' | 'mass',
): number {
  const { ids, scaled, weights, distances, nearBorder, masses, histogram } = scratch;
  const byMass = measure === 'mass';
  histogram.fill(0);
  for (let place = 0; place < count; place++) {
    const distance = Math.abs(scaled[place]! - centre);
    distances[place] = distance;
    histogram[bucketOf(distance)]! += byMass ? weights[place]! : 1;
  }
  let border = 0;
  let needed = target;
  while (border < BUCKETS - 1 && histogram[border]! < needed) needed -= histogram[border++]!;
  // What lies behind the border's range goes first; a bucket is a range of a power of two, so that these bounds are exact.
  const nearest = border / BUCKETS_PER_UNIT;
  const behind = border === BUCKETS - 1 ? Number.POSITIVE_INFINITY : (border + 1) / BUCKETS_PER_UNIT;
  let near = 0;
  let left = 0;
  for (let place = 0; place < count; place++) {
    const distance = distances[place]!;
    if (distance >= behind) continue;
    if (distance >= nearest) {
      nearBorder[near] = distance;
      masses[near++] = byMass ? weights[place]! : 1;
    }
    ids[left] = ids[place]!;
    scaled[left] = scaled[place]!;
    weights[left] = weights[place]!;
    distances[left++] = distance;
  }
  // Rounding can leave all of them short of the target by an ulp: then everything is kept.
  if (near === 0) return left;
  const cut = nearestCut(nearBorder, masses, near, needed);
  let { room } = cut;
  let kept = 0;
  for (let place = 0; place < left; place++) {
    const distance = distances[place]!;
    if (distance > cut.distance) continue;
    if (distance === cut.distance) {
      if (room <= 0) continue;
      room -= byMass ? weights[place]! : 1;
    }
    ids[kept] = ids[place]!;
    scaled[kept] = scaled[place]!;
    weights[kept++] = weights[place]!;
  }
  return kept;
}

const FARTHEST = (BUCKETS - 1) / BUCKETS_PER_UNIT;

const bucketOf = (distance: number): number => (distance < FARTHEST ? (distance * BUCKETS_PER_UNIT) | 0 : BUCKETS - 1);

/** Keep everything nearer than `distance`, and of what lies there the first until `room` is filled. */
interface Cut {
  readonly distance: number;
  readonly room: number;
}

/** Quickselect (Hoare) over distances[0, count), which it permutes along with their masses. */
function nearestCut(distances: Float64Array, masses: Float64Array, count: number, target: number): Cut {
  let low = 0;
  let high = count;
  let needed = target;
  for (;;) {
    const pivot = medianOfThree(distances[low]!, distances[(low + high) >>> 1]!, distances[high - 1]!);
    let lessEnd = low;
    let greaterStart = high;
    let below = 0;
    let equal = 0;
    for (let index = low; index < greaterStart; ) {
      const distance = distances[index]!;
      const mass = masses[index]!;
      if (distance < pivot) {
        below += mass;
        exchange(distances, masses, index++, lessEnd++);
      } else if (distance > pivot) {
        exchange(distances, masses, index, --greaterStart);
      } else {
        equal += mass;
        index++;
      }
    }
    if (lessEnd > low && below >= needed) {
      high = lessEnd;
      continue;
    }
    if (below + equal >= needed || greaterStart === high) return { distance: pivot, room: needed - below };
    needed -= below + equal;
    low = greaterStart;
  }
}

function exchange(distances: Float64Array, masses: Float64Array, a: number, b: number): void {
  const distance = distances[a]!;
  const mass = masses[a]!;
  distances[a] = distances[b]!;
  masses[a] = masses[b]!;
  distances[b] = distance;
  masses[b] = mass;
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
