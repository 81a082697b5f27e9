/** The decoder of libtorch: one packed forward pass over all segments, behind caches that share their beginnings. */
import {
  type KeyValueCache,
  KeyValuePool,
  type LanguageModel,
  PackedForward,
  type PromptAttention,
} from '@tunan/model';
import type { Decoder, Opening, Outcome, Segment } from '../local/decoder.ts';
import { PrefixCache } from './prefix-cache.ts';

export interface TorchDecoderOptions {
  /** Bytes that the caches of running sequences and what is kept of others may take together; 2 GiB when absent. */
  readonly cacheBytes?: number | undefined;
  /** How prompts are read; as the model has learnt to where absent. 'prefix' feeds a prompt in one piece, however long. */
  readonly promptAttention?: PromptAttention | undefined;
}

export class TorchDecoder implements Decoder<KeyValueCache> {
  readonly kind = 'torch';
  readonly device: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly promptAttention: PromptAttention;
  readonly capacityLimit: number;
  readonly #model: LanguageModel;
  readonly #forward: PackedForward;
  readonly #caches: PrefixCache;
  readonly #ownsModel: boolean;

  /** @param ownsModel whether the model goes with this */
  constructor(model: LanguageModel, options: TorchDecoderOptions, ownsModel: boolean) {
    const { cacheBytes = 2 * 2 ** 30, promptAttention } = options;
    this.device = model.device;
    this.contextLength = model.config.contextLength;
    this.vocabularySize = model.config.vocabularySize;
    this.promptAttention = promptAttention ?? model.promptAttention;
    this.capacityLimit = KeyValuePool.positions(model, cacheBytes);
    this.#model = model;
    this.#forward = new PackedForward(model);
    this.#caches = new PrefixCache(new KeyValuePool(model, { bytes: cacheBytes }));
    this.#ownsModel = ownsModel;
  }

  get keptBytes(): number {
    return this.#caches.keptBytes;
  }

  open(opening: Opening): KeyValueCache | 'full' | 'later' {
    return this.#caches.open(opening);
  }

  extend(segments: readonly Segment<KeyValueCache>[]): Outcome[] {
    return this.#forward.extend(segments).map((logits) => ({ logits }));
  }

  meanHidden(ids: readonly number[]): Float32Array {
    return this.#forward.meanHidden(ids, this.promptAttention === 'prefix');
  }

  close(cache: KeyValueCache, ids: readonly number[]): void {
    this.#caches.close(cache, ids);
  }

  [Symbol.dispose](): void {
    this.#caches.dispose();
    if (this.#ownsModel) this.#model.dispose();
  }
}
