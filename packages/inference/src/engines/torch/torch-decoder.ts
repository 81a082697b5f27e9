/**
 * The decoder of libtorch: one packed forward pass over all segments, caches within the bytes that they may take together.
 */
import { KeyValueCache, type LanguageModel, PackedForward, type PromptAttention } from '@tunan/model';
import type { Decoder, Opening, Outcome, Segment } from '../local/decoder.ts';

export interface TorchDecoderOptions {
  /** Bytes that all caches may take together; 2 GiB when absent. */
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
  readonly #cacheBytes: number;
  readonly #ownsModel: boolean;
  #usedBytes = 0;

  /** @param ownsModel whether the model goes with this */
  constructor(model: LanguageModel, options: TorchDecoderOptions, ownsModel: boolean) {
    const { cacheBytes = 2 * 2 ** 30, promptAttention } = options;
    this.device = model.device;
    this.contextLength = model.config.contextLength;
    this.vocabularySize = model.config.vocabularySize;
    this.promptAttention = promptAttention ?? model.promptAttention;
    this.capacityLimit = Math.floor(cacheBytes / KeyValueCache.bytes(model, 1));
    this.#model = model;
    this.#forward = new PackedForward(model);
    this.#cacheBytes = cacheBytes;
    this.#ownsModel = ownsModel;
  }

  open({ capacity }: Opening): KeyValueCache | 'full' {
    const bytes = KeyValueCache.bytes(this.#model, capacity);
    if (this.#usedBytes + bytes > this.#cacheBytes) return 'full';
    const cache = new KeyValueCache(this.#model, capacity);
    this.#usedBytes += bytes;
    return cache;
  }

  extend(segments: readonly Segment<KeyValueCache>[]): Outcome[] {
    return this.#forward.extend(segments).map((logits) => ({ logits }));
  }

  close(cache: KeyValueCache): void {
    this.#usedBytes -= KeyValueCache.bytes(this.#model, cache.capacity);
    cache.dispose();
  }

  [Symbol.dispose](): void {
    if (this.#ownsModel) this.#model.dispose();
  }
}
