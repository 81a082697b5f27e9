/**
 * Keys and values of the positions a model has already seen, for generation without recomputing them.
 *
 * The buffers are made once for the whole context and written in place, so that a step of generation allocates nothing that
 * grows. One cache belongs to one batch; all its rows are equally long. It does not decide what to evict.
 */

import { type Device, keep, noGrad, type Tensor, zeros } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import type { YuanConfig } from '../families/gpt2/config.ts';
import type { Precision } from '../layers/linear.ts';

interface LayerCache {
  readonly keys: Tensor; // (B, H, capacity, D)
  readonly values: Tensor; // (B, H, capacity, D)
}

export class KeyValueCache {
  readonly batch: number;
  readonly capacity: number;
  readonly #layers: readonly LayerCache[];
  #length = 0;

  /**
   * @param options.capacity positions to hold, the model's whole context when absent
   * @param options.dtype that of the model's attention: its precision
   */
  constructor(
    config: YuanConfig,
    batch: number,
    options: { device?: Device; dtype?: Precision; capacity?: number } = {},
  ) {
    this.batch = batch;
    this.capacity = Math.min(options.capacity ?? config.contextLength, config.contextLength);
    const shape = [batch, config.heads, this.capacity, config.width / config.heads];
    const place = { dtype: options.dtype ?? 'float32', device: options.device ?? 'cpu' } as const;
    this.#layers = Array.from({ length: config.layers }, () => ({
      keys: keep(zeros(shape, place)),
      values: keep(zeros(shape, place)),
    }));
  }

  /** Positions filled in every layer. */
  get length(): number {
    return this.#length;
  }

  /** Forgets everything; the memory stays. */
  reset(): void {
    this.#length = 0;
  }

  /** Forgets the positions from `length` on. */
  truncate(length: number): void {
    if (!(length >= 0 && length <= this.#length)) throw new Error(`truncate to ${length} of ${this.#length} positions`);
    this.#length = length;
  }

  /** Throws when `count` more positions do not fit. */
  checkRoom(count: number): void {
    if (this.#length + count <= this.capacity) return;
    const message = `${this.#length} + ${count} tokens do not fit into a context of ${this.capacity}: shorten the prompt`;
    throw new ModelError('MODEL_INPUT_TOO_LONG', message);
  }

  /**
   * Writes the new keys and values (B, H, T, D) of one layer behind the filled positions and gives views of all keys and
   * values so far, the new ones included: (B, H, length + T, D). The length grows only by `advance`, after all layers.
   */
  append(layer: number, keys: Tensor, values: Tensor): { keys: Tensor; values: Tensor } {
    const cache = this.#layers[layer];
    const added = keys.shape[2];
    if (cache === undefined || added === undefined) throw new Error(`no layer ${layer} in this cache`);
    this.checkRoom(added);
    noGrad(() => {
      cache.keys.narrow(2, this.#length, added).copy_(keys);
      cache.values.narrow(2, this.#length, added).copy_(values);
    });
    const filled = this.#length + added;
    return { keys: cache.keys.narrow(2, 0, filled), values: cache.values.narrow(2, 0, filled) };
  }

  advance(count: number): void {
    this.checkRoom(count);
    this.#length += count;
  }

  dispose(): void {
    for (const { keys, values } of this.#layers) {
      keys.dispose();
      values.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
