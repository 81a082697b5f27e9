/**
 * Cuts a text that arrives in pieces before the first stop string, and never lets a part of one through.
 *
 * Contract: the result depends on the whole text alone, not on how it was cut into pieces: the occurrence that is
 * complete first ends the text; of two that are complete at the same place, the longer one (it began earlier). What
 * could still become a stop string is held back until it is known not to be one.
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  readonly #including: boolean;
  #held = '';
  #stopped = false;

  /** @param including the text is cut behind the stop string instead of before it */
  constructor(stops: readonly string[], including = false) {
    if (stops.some((stop) => stop.length === 0)) throw new Error('an empty stop string would stop everything');
    this.#stops = stops;
    this.#including = including;
  }

  /** Whether a stop string was found. Nothing is let through any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Adds a piece; returns what may be shown now. */
  push(piece: string): string {
    if (this.#stopped) return '';
    const text = this.#held + piece;
    const found = this.#firstStop(text);
    if (found !== undefined) {
      this.#stopped = true;
      this.#held = '';
      return text.slice(0, this.#including ? found.end : found.start);
    }
    const shown = text.length - this.#undecided(text);
    this.#held = text.slice(shown);
    return text.slice(0, shown);
  }

  /** The text has ended: returns what was held back. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  #firstStop(text: string): { start: number; end: number } | undefined {
    let first: { start: number; end: number } | undefined;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start < 0) continue;
      const end = start + stop.length;
      if (first === undefined || end < first.end || (end === first.end && start < first.start)) first = { start, end };
    }
    return first;
  }

  /** Length of the longest end of the text that some stop string begins with. */
  #undecided(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
