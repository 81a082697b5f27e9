/** A histogram as Prometheus reads it. */
import { described } from './exposition.ts';

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds upper ones, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    const place = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = place < 0 ? this.#bounds.length : place;
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#sum += value;
  }

  lines(name: string, help: string): string[] {
    let count = 0;
    const buckets = this.#counts.map((own, place) => {
      count += own;
      return `${name}_bucket{le="${this.#bounds[place] ?? '+Inf'}"} ${count}`;
    });
    return described(name, 'histogram', help, [...buckets, `${name}_sum ${this.#sum}`, `${name}_count ${count}`]);
  }
}
