/**
 * When there will be room for a request that is turned away: from how long sequences stay in the batch, how many stand in
 * front, and how many more have been told to come back before.
 *
 * The last makes callers who are turned away together come back one after the other and not all at once. An estimate and
 * no reservation: who comes back late, or never, holds nobody up.
 */

/** A new stay counts for so much of the average. */
const NEWEST = 0.2;
/** Clients wait no longer than a minute for what a server says, and then do as they like. */
const LONGEST_SECONDS = 59;

export class LoadEstimate {
  readonly #batchSize: number;
  /** Of one sequence, milliseconds; undefined until one has finished. */
  #stay: number | undefined;
  #told: { readonly until: number; readonly sequences: number }[] = [];

  constructor(batchSize: number) {
    this.#batchSize = batchSize;
  }

  /** A sequence has left the batch after so many milliseconds. */
  record(stay: number): void {
    this.#stay = this.#stay === undefined ? stay : (1 - NEWEST) * this.#stay + NEWEST * stay;
  }

  /**
   * Whole seconds until `missing` more sequences will have left the queue, for a caller who has `sequences`.
   * @param oldest how long the oldest sequence has been in the batch, milliseconds: a stay is no shorter
   */
  seconds(now: number, missing: number, sequences: number, oldest: number): number {
    this.#told = this.#told.filter(({ until }) => until > now);
    const before = this.#told.reduce((sum, told) => sum + told.sequences, 0);
    const stay = Math.max(this.#stay ?? 0, oldest);
    const wait = ((missing + before) / this.#batchSize) * stay;
    const seconds = Math.min(LONGEST_SECONDS, Math.max(1, Math.ceil(wait / 1000)));
    this.#told.push({ until: now + seconds * 1000, sequences });
    return seconds;
  }
}
