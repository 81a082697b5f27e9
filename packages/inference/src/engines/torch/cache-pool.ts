/**
 * The caches of all running sequences, within the bytes that they may take together.
 *
 * Here is the place for keys and values that outlive their sequence: prefixes that requests share would be kept in these bytes, and
 * be let go when a sequence needs them.
 */
import { KeyValueCache, type LanguageModel } from '@tunan/model';

export class CachePool {
  readonly limit: number;
  readonly #model: LanguageModel;
  #usedBytes = 0;

  constructor(model: LanguageModel, limit: number) {
    this.#model = model;
    this.limit = limit;
  }

  /** What a cache for so many positions takes. */
  bytes(capacity: number): number {
    return KeyValueCache.bytes(this.#model, capacity);
  }

  hasRoom(capacity: number): boolean {
    return this.#usedBytes + this.bytes(capacity) <= this.limit;
  }

  /** The bytes count as used until `giveBack`. */
  take(capacity: number): KeyValueCache {
    const cache = new KeyValueCache(this.#model, capacity);
    this.#usedBytes += this.bytes(capacity);
    return cache;
  }

  giveBack(cache: KeyValueCache): void {
    this.#usedBytes -= this.bytes(cache.capacity);
    cache.dispose();
  }
}
