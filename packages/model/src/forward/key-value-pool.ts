/**
 * Memory for the keys and values of one model's sequences, in blocks of a fixed number of positions, all layers together (after Kwon et
 * al. 2023): a sequence grows without a copy, and several share what they begin with. Blocks are counted by who holds them and come
 * back when nobody does; memory is taken from the system as it is needed, within a bound, and given back when a piece of it is empty: a
 * pool whose caches are disposed holds none.
 *
 * The layout of a block is that of the kernel (attendCached of @tunan/torch). It does not know sequences, nor what to evict when the
 * bound is reached.
 */

import { CACHE_POSITIONS, cacheRowWidth, type Device, empty, keep, type Tensor } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import type { Sizes } from '../family.ts';
import type { Precision } from '../layers/linear.ts';

/** The model that keys and values are of: what is kept of a position depends on its heads and its precision. */
export interface CachedModel {
  readonly sizes: Pick<Sizes, 'layers' | 'kvHeads' | 'headDim' | 'contextLength'>;
  readonly dtype: Precision;
  readonly device: Device;
}

/** A piece of memory for several blocks. */
export interface Slab {
  /** (blocks, L, 2, Hkv, positions, W): keys turned, (W, positions) each; see attendCached. */
  readonly memory: Tensor;
  /** Places of no block. */
  readonly free: number[];
}

/** Room for CACHE_POSITIONS positions. Held by as many caches as `holders` says; written only while it is one. */
export interface Block {
  readonly slab: Slab;
  readonly place: number;
  holders: number;
}

/** Blocks of the largest slab: few slabs, for each step names them all, and none so large that it is never empty. */
const MOST_BLOCKS = 256;

export class KeyValuePool {
  readonly model: CachedModel;
  /** What blocks may take together. */
  readonly limitBytes: number;
  /** What one block takes. */
  readonly blockBytes: number;
  readonly #slabs = new Set<Slab>();
  #usedBlocks = 0;
  #heldBlocks = 0;

  /** @param options.bytes the bound; none when absent */
  constructor(model: CachedModel, options: { readonly bytes?: number } = {}) {
    this.model = model;
    this.limitBytes = options.bytes ?? Number.POSITIVE_INFINITY;
    this.blockBytes = KeyValuePool.bytes(model, 1);
  }

  /** What so many positions of one sequence take, in whole blocks. */
  static bytes({ sizes, dtype }: Omit<CachedModel, 'device'>, positions: number): number {
    const blocks = Math.ceil(positions / CACHE_POSITIONS);
    const elements = 2 * sizes.layers * sizes.kvHeads * CACHE_POSITIONS * cacheRowWidth(sizes.headDim);
    return blocks * elements * (dtype === 'bfloat16' ? 2 : 4);
  }

  /** The most positions of one sequence that so many bytes hold. */
  static positions(model: Omit<CachedModel, 'device'>, bytes: number): number {
    return Math.floor(bytes / KeyValuePool.bytes(model, 1)) * CACHE_POSITIONS;
  }

  bytes(positions: number): number {
    return KeyValuePool.bytes(this.model, positions);
  }

  /** Of the blocks that somebody holds, each counted once. */
  get usedBytes(): number {
    return this.#usedBlocks * this.blockBytes;
  }

  /** Of the blocks that may still be taken. */
  get freeBytes(): number {
    return this.limitBytes - this.usedBytes;
  }

  /**
   * A block of the caller's own; what it holds is undefined.
   * @throws ModelError MODEL_CACHE_FULL at the bound
   */
  take(): Block {
    const slab = this.#slabWithRoom();
    this.#usedBlocks++;
    return { slab, place: slab.free.pop()!, holders: 1 };
  }

  /** A block of the caller's own that holds the same. */
  copyOf({ slab, place }: Block): Block {
    const block = this.take();
    const memory = ({ memory }: Slab, at: number) => memory.select(0, at);
    using from = memory(slab, place);
    using to = memory(block.slab, block.place);
    to.copy_(from);
    return block;
  }

  /** One holder less. */
  giveBack(block: Block): void {
    block.holders--;
    if (block.holders > 0) return;
    const { slab, place } = block;
    this.#usedBlocks--;
    slab.free.push(place);
    if (slab.free.length === slab.memory.shape[0]!) this.#drop(slab);
  }

  #slabWithRoom(): Slab {
    for (const slab of this.#slabs) if (slab.free.length > 0) return slab;
    const left = Math.floor(this.limitBytes / this.blockBytes) - this.#heldBlocks;
    if (left < 1)
      throw new ModelError('MODEL_CACHE_FULL', {
        en: `the ${this.limitBytes} bytes for keys and values are taken: give more, or run fewer sequences at once`,
        zh: `用于键与值的 ${this.limitBytes} 字节已用完：请增大上限，或减少同时运行的序列`,
      });
    // As many blocks as there are: the memory doubles.
    const blocks = Math.min(Math.max(1, this.#heldBlocks), MOST_BLOCKS, left);
    const { sizes, dtype, device } = this.model;
    const shape = [blocks, sizes.layers, 2, sizes.kvHeads, CACHE_POSITIONS, cacheRowWidth(sizes.headDim)];
    const slab = {
      memory: keep(empty(shape, { dtype, device })),
      free: Array.from({ length: blocks }, (_, i) => blocks - 1 - i),
    };
    this.#slabs.add(slab);
    this.#heldBlocks += blocks;
    return slab;
  }

  #drop(slab: Slab): void {
    this.#slabs.delete(slab);
    this.#heldBlocks -= slab.memory.shape[0]!;
    slab.memory.dispose();
  }
}
