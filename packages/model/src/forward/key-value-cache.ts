/**
 * Keys and values of the positions of one sequence that a model has already seen, so that they are not computed again.
 *
 * The buffers are made once and written in place: a step of generation allocates nothing that grows. A full one can also stand in
 * front of many sequences that begin alike. It does not decide what to evict.
 */

import { type Device, keep, noGrad, scope, type Tensor, zeros } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import type { Sizes } from '../family.ts';
import type { Precision } from '../layers/linear.ts';

/** The model that a cache is for: what is kept of a position depends on its heads and its precision. */
export interface CachedModel {
  readonly sizes: Pick<Sizes, 'layers' | 'kvHeads' | 'headDim' | 'contextLength'>;
  readonly dtype: Precision;
  readonly device: Device;
}

/** Of all positions, the new ones included: (1, Hkv, S, D). */
export interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

export class KeyValueCache {
  readonly capacity: number;
  readonly #model: CachedModel;
  /** Buffers (1, Hkv, capacity, D). */
  readonly #layers: readonly KeysAndValues[];
  #length = 0;

  /** @param capacity positions to hold, the model's whole context when absent */
  constructor(model: CachedModel, capacity = model.sizes.contextLength) {
    const { sizes, dtype, device } = model;
    this.#model = model;
    this.capacity = Math.min(capacity, sizes.contextLength);
    const shape = [1, sizes.kvHeads, this.capacity, sizes.headDim];
    this.#layers = Array.from({ length: sizes.layers }, () => ({
      keys: keep(zeros(shape, { dtype, device })),
      values: keep(zeros(shape, { dtype, device })),
    }));
  }

  /** What a cache of `capacity` positions takes. */
  static bytes({ sizes, dtype }: Omit<CachedModel, 'device'>, capacity: number): number {
    return 2 * sizes.layers * sizes.kvHeads * sizes.headDim * capacity * (dtype === 'bfloat16' ? 2 : 4);
  }

  /** Positions filled in every layer. */
  get length(): number {
    return this.#length;
  }

  /**
   * Writes keys and values (1, Hkv, T, D) of one layer behind the filled positions and gives views of all. The length grows only by
   * `advance`, after all layers. Without gradients.
   */
  append(layer: number, keys: Tensor, values: Tensor): KeysAndValues {
    const buffers = this.#buffers(layer);
    const count = keys.shape[2]!;
    this.#checkRoom(count);
    buffers.keys.narrow(2, this.#length, count).copy_(keys);
    buffers.values.narrow(2, this.#length, count).copy_(values);
    return firstPositions(buffers, this.#length + count);
  }

  /** Views of the filled positions. */
  read(layer: number): KeysAndValues {
    return firstPositions(this.#buffers(layer), this.#length);
  }

  /**
   * A cache of its own that begins with the first `length` positions of this one.
   * @param capacity positions to hold, `length` at least
   */
  fork(length: number, capacity = this.capacity): KeyValueCache {
    if (length > this.#length) throw new Error(`${length} positions of a cache that holds ${this.#length}`);
    const fork = new KeyValueCache(this.#model, Math.max(length, capacity));
    scope(() =>
      noGrad(() => {
        fork.#layers.forEach(({ keys, values }, layer) => {
          const own = firstPositions(this.#buffers(layer), length);
          keys.narrow(2, 0, length).copy_(own.keys);
          values.narrow(2, 0, length).copy_(own.values);
        });
      }),
    );
    fork.#length = length;
    return fork;
  }

  advance(count: number): void {
    this.#checkRoom(count);
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

  #buffers(layer: number): KeysAndValues {
    const buffers = this.#layers[layer];
    if (buffers === undefined) throw new Error(`no layer ${layer} in this cache`);
    return buffers;
  }

  #checkRoom(count: number): void {
    if (this.#length + count <= this.capacity) return;
    const message = `${this.#length} + ${count} tokens do not fit into a context of ${this.capacity}: shorten the prompt`;
    throw new ModelError('MODEL_INPUT_TOO_LONG', message);
  }
}

function firstPositions({ keys, values }: KeysAndValues, count: number): KeysAndValues {
  return { keys: keys.narrow(2, 0, count), values: values.narrow(2, 0, count) };
}
