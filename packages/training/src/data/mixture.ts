/**
 * Which source gives the n-th sample of a run, and which of its samples that is.
 *
 * The k-th sample of a source of weight w is due at time (k + ½) / w; samples are taken in order of time, the earlier
 * source first when times are equal. So after any number of samples every source has given its share to within about one
 * sample (no random drift), and a source that has no more samples just stops: from there on the others share its part in
 * proportion to their weights. The answer is a function of the weights, the limits and n alone, found by bisection over time;
 * nothing is walked from the start.
 */

export interface MixtureSource {
  /** Relative weight, above zero; the weights need not sum to one. */
  readonly weight: number;
  /** How many samples the source gives before it is exhausted; Infinity when it repeats for ever. */
  readonly samples: number;
}

export interface MixtureChoice {
  readonly source: number;
  /** Counted within the source from 0, over all its epochs. */
  readonly sample: number;
}

export class Mixture {
  /** All samples of all sources; Infinity when one of them repeats for ever. */
  readonly totalSamples: number;
  readonly #sources: readonly MixtureSource[];

  constructor(sources: readonly MixtureSource[]) {
    const heaviest = Math.max(...sources.map((source) => source.weight));
    this.#sources = sources.map(({ weight, samples }) => ({ weight: weight / heaviest, samples }));
    this.totalSamples = sources.reduce((sum, source) => sum + source.samples, 0);
  }

  /** The n-th choice, n from 0 and below `totalSamples`. */
  at(n: number): MixtureChoice {
    if (!(n >= 0 && n < this.totalSamples)) throw new Error(`sample ${n} of a mixture of ${this.totalSamples}`);
    const given = this.#givenJustBefore(n);
    for (let taken = given.reduce((sum, count) => sum + count, 0); ; taken++) {
      const source = this.#nextDue(given);
      const sample = given[source]!;
      if (taken === n) return { source, sample };
      given[source] = sample + 1;
    }
  }

  /** How many samples each source has given before the n-th, at a time when all together gave at most n, near to n. */
  #givenJustBefore(n: number): number[] {
    const total = (time: number) => this.#sources.reduce((sum, source) => sum + givenBy(source, time), 0);
    let early = 0;
    let late = 1;
    while (total(late) <= n) {
      early = late;
      late *= 2;
    }
    // Halving ends when at most one sample of the heaviest source lies between, or at the resolution of a double; the walk
    // in at() does the rest.
    while (late - early > 0.5) {
      const middle = (early + late) / 2;
      if (middle <= early || middle >= late) break;
      if (total(middle) <= n) early = middle;
      else late = middle;
    }
    return this.#sources.map((source) => givenBy(source, early));
  }

  #nextDue(given: readonly number[]): number {
    let best = -1;
    let bestTime = Number.POSITIVE_INFINITY;
    this.#sources.forEach((source, index) => {
      const count = given[index]!;
      const time = count < source.samples ? dueTime(source, count) : Number.POSITIVE_INFINITY;
      if (time < bestTime) {
        best = index;
        bestTime = time;
      }
    });
    if (best < 0) throw new Error('mixture walked past its end');
    return best;
  }
}

function dueTime(source: MixtureSource, sample: number): number {
  return (sample + 0.5) / source.weight;
}

/** The number of samples due at or before `time`: the closed form, put right where rounding disagrees with dueTime. */
function givenBy(source: MixtureSource, time: number): number {
  let count = Math.max(0, Math.floor(time * source.weight + 0.5));
  while (dueTime(source, count) <= time) count++;
  while (count > 0 && dueTime(source, count - 1) > time) count--;
  return Math.min(count, source.samples);
}
