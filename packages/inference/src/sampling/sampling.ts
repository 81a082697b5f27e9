/**
 * Draws a token from a vector of logits: temperature, min-p, top-k, typical, top-p, then one uniform number. The order is
 * that of vLLM, with typical sampling between top-k and top-p as in llama.cpp; each filter sees what those before it left,
 * taken as a distribution of its own.
 *
 * Contract: pure; the same logits, options and uniform number give the same token. Among equal logits the lower id is
 * kept first, and the inverse of the cumulative distribution is taken in the order of ids. Time is O(V): the sets of
 * top-k, typical and top-p are found by partial selection (Hoare's quickselect, by count or by mass), never by a sort; V may
 * be 53 248 here and this runs once for every token of every sequence.
 * Does not know penalties (penalties.ts) and does not make randomness (random.ts).
 */

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

/** Weights (V) of the tokens and copies that selection permutes; reuse one between draws. */
export class DrawScratch {
  readonly weights: Float64Array;
  readonly permuted: Float64Array;
  readonly masses: Float64Array;

  constructor(vocabularySize: number) {
    this.weights = new Float64Array(vocabularySize);
    this.permuted = new Float64Array(vocabularySize);
    this.masses = new Float64Array(vocabularySize);
  }
}

/** The id of the greatest logit, the lowest among equals. */
export function argmax(logits: Float32Array): number {
  let best = -1;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > greatest) {
      greatest = logit;
      best = id;
    } else if (Number.isNaN(logit)) {
      throw new Error(`the model gave NaN as the logit of token ${id}`);
    }
  }
  if (best < 0 || greatest === Number.POSITIVE_INFINITY) {
    throw new Error(best < 0 ? 'no token can be drawn: every logit is -Infinity' : 'the model gave an infinite logit');
  }
  return best;
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
  const weights = scratch.weights.subarray(0, logits.length);
  const greatest = logits[likeliest]!;
  for (let id = 0; id < logits.length; id++) weights[id] = Math.exp((logits[id]! - greatest) / options.temperature);
  // The likeliest has the weight 1.
  if (options.minP > 0) {
    for (let id = 0; id < weights.length; id++) if (weights[id]! < options.minP) weights[id] = 0;
  }
  if (options.topK >= 1 && options.topK < logits.length) {
    keepLargest(weights, scratch.permuted, (total) => Math.min(options.topK, total.count), 'count');
  }
  if (options.typicalP > 0 && options.typicalP < 1) keepTypical(weights, scratch, options.typicalP);
  if (options.topP > 0 && options.topP < 1)
    keepLargest(weights, scratch.permuted, (total) => options.topP * total.mass, 'mass');
  return inverseCumulative(weights, uniform);
}

/** The first id at which the running sum of weights passes `uniform` of the total. Puts the sums in the place of the weights. */
function inverseCumulative(weights: Float64Array, uniform: number): number {
  let total = 0;
  let last = -1;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id]! > 0) last = id;
    total += weights[id]!;
    weights[id] = total;
  }
  const target = uniform * total;
  let low = 0;
  let high = weights.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (weights[middle]! > target) high = middle;
    else low = middle + 1;
  }
  // Rounding can put the target at the total itself.
  return Math.min(low, last);
}

/** Sets all weights to 0 but those of the tokens nearest to the entropy that together reach the share. */
function keepTypical(weights: Float64Array, { permuted: scores, masses }: DrawScratch, share: number): void {
  let total = 0;
  let weighted = 0;
  for (const weight of weights) {
    if (weight === 0) continue;
    total += weight;
    weighted += weight * Math.log(weight);
  }
  // Of p = w / total: H = ln total - sum(w ln w) / total, and |-ln p - H| = |ln w - sum(w ln w) / total|.
  const centre = weighted / total;
  const distance = (weight: number) => Math.abs(Math.log(weight) - centre);
  let count = 0;
  for (const weight of weights) {
    if (weight === 0) continue;
    scores[count] = distance(weight);
    masses[count++] = weight;
  }
  const { threshold, mass } = nearestCut(scores, masses, count, share * total);
  let room = mass;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (weight === 0) continue;
    const score = distance(weight);
    if (score < threshold) continue;
    if (score === threshold && room > 0) room -= weight;
    else weights[id] = 0;
  }
}

/**
 * Quickselect over scores[0, count), which it permutes along with their masses.
 * @returns the score at which the mass of the lower ones reaches the target, and what is left of the target for those that have it
 */
function nearestCut(
  scores: Float64Array,
  masses: Float64Array,
  count: number,
  target: number,
): { threshold: number; mass: number } {
  let low = 0;
  let high = count;
  let needed = target;
  const swap = (a: number, b: number) => {
    const [score, mass] = [scores[a]!, masses[a]!];
    scores[a] = scores[b]!;
    masses[a] = masses[b]!;
    scores[b] = score;
    masses[b] = mass;
  };
  for (;;) {
    const pivot = medianOfThree(scores[low]!, scores[(low + high) >>> 1]!, scores[high - 1]!);
    let lessEnd = low;
    let greaterStart = high;
    let below = 0;
    let equal = 0;
    for (let index = low; index < greaterStart; ) {
      const score = scores[index]!;
      if (score < pivot) {
        below += masses[index]!;
        swap(index++, lessEnd++);
      } else if (score > pivot) {
        swap(index, --greaterStart);
      } else {
        equal += masses[index++]!;
      }
    }
    if (lessEnd > low && below >= needed) high = lessEnd;
    else if (below + equal >= needed || greaterStart === high) return { threshold: pivot, mass: needed - below };
    else {
      needed -= below + equal;
      low = greaterStart;
    }
  }
}

/** Sets all weights to 0 but the smallest set of largest ones that reaches the target, by their number or their mass. */
function keepLargest(
  weights: Float64Array,
  permuted: Float64Array,
  targetOf: (total: { count: number; mass: number }) => number,
  measure: 'count' | 'mass',
): void {
  let count = 0;
  let mass = 0;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (weight === 0) continue;
    permuted[count++] = weight;
    mass += weight;
  }
  const cut = findCut(permuted, count, targetOf({ count, mass }), measure);
  let { ties } = cut;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    if (weight > cut.threshold) continue;
    if (weight === cut.threshold && ties > 0) ties--;
    else weights[id] = 0;
  }
}

/** Keep every weight above `threshold`, and the first `ties` of those equal to it. */
interface Cut {
  readonly threshold: number;
  readonly ties: number;
}

/** Quickselect over values[0, count), which it permutes; all values are positive. */
function findCut(values: Float64Array, count: number, target: number, measure: 'count' | 'mass'): Cut {
  let low = 0;
  let high = count;
  let needed = target;
  for (;;) {
    const pivot = medianOfThree(values[low]!, values[(low + high) >>> 1]!, values[high - 1]!);
    const [equalStart, equalEnd, massAbove] = partition(values, low, high, pivot);
    const above = measure === 'count' ? equalStart - low : massAbove;
    if (equalStart > low && above >= needed) {
      high = equalStart;
      continue;
    }
    const each = measure === 'count' ? 1 : pivot;
    const equal = equalEnd - equalStart;
    // Rounding can leave the last value short of the target by an ulp: then everything is kept.
    if (above + equal * each >= needed || equalEnd === high) {
      return { threshold: pivot, ties: Math.min(equal, Math.max(1, Math.ceil((needed - above) / each))) };
    }
    needed -= above + equal * each;
    low = equalEnd;
  }
}

/** Orders values[low, high) as greater than, equal to, less than the pivot; returns the borders and the mass above. */
function partition(values: Float64Array, low: number, high: number, pivot: number): [number, number, number] {
  let greaterEnd = low;
  let lessStart = high;
  let massAbove = 0;
  for (let index = low; index < lessStart; ) {
    const value = values[index]!;
    if (value > pivot) {
      massAbove += value;
      values[index++] = values[greaterEnd]!;
      values[greaterEnd++] = value;
    } else if (value < pivot) {
      values[index] = values[--lessStart]!;
      values[lessStart] = value;
    } else {
      index++;
    }
  }
  return [greaterEnd, lessStart, massAbove];
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
