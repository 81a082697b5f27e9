/**
 * Keys and values of the positions of one sequence that a model has already seen, so that they are not computed again: a list of blocks
 * of a pool. It grows block by block, and another sequence may go on from any of its positions (`fork`) without computing those before.
 *
 * It does not decide what to evict.
 */

import { CACHE_POSITIONS } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import { type Block, type CachedModel, KeyValuePool } from './key-value-pool.ts';

export class KeyValueCache implements Disposable {
  readonly pool: KeyValuePool;
  /** The most positions it may hold. */
  readonly capacity: number;
  readonly #blocks: Block[];
  #length: number;
  #disposed = false;

  /**
   * An empty one.
   * @param pool where its blocks come from; given a model, a pool of its own, which its forks share
   * @param capacity the model's whole context when absent
   */
  constructor(pool: KeyValuePool | CachedModel, capacity?: number) {
    this.pool = pool instanceof KeyValuePool ? pool : new KeyValuePool(pool);
    const { contextLength } = this.pool.model.sizes;
    this.capacity = Math.min(capacity ?? contextLength, contextLength);
    this.#blocks = [];
    this.#length = 0;
  }

  /** What a cache of `capacity` positions takes, where it shares none. */
  static bytes(model: Omit<CachedModel, 'device'>, capacity: number): number {
    return KeyValuePool.bytes(model, capacity);
  }

  /** Positions filled in every layer. */
  get length(): number {
    return this.#length;
  }

  /** In the order of the positions; those of `reserve` included. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** What the pool would get back of it: the blocks that no other cache holds. */
  get ownBytes(): number {
    return this.#blocks.filter(({ holders }) => holders === 1).length * this.pool.blockBytes;
  }

  /**
   * Another sequence that begins with the first `length` positions of this one. Whole blocks are shared, of the last one a copy is made
   * where it is not full. The two know nothing of each other: either may grow, or be disposed first.
   * @param capacity of the other one; this one's when absent
   * @throws ModelError MODEL_CACHE_FULL
   */
  fork(length = this.#length, capacity = this.capacity): KeyValueCache {
    if (!Number.isInteger(length) || length < 0 || length > this.#length)
      throw new Error(`a cache of ${this.#length} positions has no first ${length}`);
    const other = new KeyValueCache(this.pool, capacity);
    if (length > other.capacity) throw tooLong(0, length, other.capacity);
    const whole = Math.floor(length / CACHE_POSITIONS);
    const last = length % CACHE_POSITIONS === 0 ? undefined : this.pool.copyOf(this.#blocks[whole]!);
    for (const block of this.#blocks.slice(0, whole)) {
      block.holders++;
      other.#blocks.push(block);
    }
    if (last !== undefined) other.#blocks.push(last);
    other.#length = length;
    return other;
  }

  /**
   * Takes the blocks for `count` more positions, which are then written and counted by `advance`.
   * @throws ModelError MODEL_INPUT_TOO_LONG, MODEL_CACHE_FULL
   */
  reserve(count: number): void {
    if (this.#disposed) throw new Error('the cache was disposed');
    if (this.#length + count > this.capacity) throw tooLong(this.#length, count, this.capacity);
    const needed = Math.ceil((this.#length + count) / CACHE_POSITIONS);
    while (this.#blocks.length < needed) this.#blocks.push(this.pool.take());
  }

  /** So many positions are now filled in all layers. */
  advance(count: number): void {
    this.reserve(count);
    this.#length += count;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const block of this.#blocks) this.pool.giveBack(block);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function tooLong(length: number, count: number, capacity: number): ModelError {
  const message = `${length} + ${count} tokens do not fit into a context of ${capacity}: shorten the prompt`;
  return new ModelError('MODEL_INPUT_TOO_LONG', message);
}
