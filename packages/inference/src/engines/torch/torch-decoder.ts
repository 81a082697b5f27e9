/**
 * The decoder of libtorch: one packed forward pass over all segments, of whatever adapters, behind caches that share their beginnings.
 */
import {
  type BankedAdapter,
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
  readonly #adapters: ReadonlyMap<string, BankedAdapter>;

  /**
   * @param ownsModel whether the model and its bank go with this
   * @param adapters of the model's bank, by name
   */
  constructor(
    model: LanguageModel,
    options: TorchDecoderOptions,
    ownsModel: boolean,
    adapters: ReadonlyMap<string, BankedAdapter>,
  ) {
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
    this.#adapters = adapters;
  }

  get keptBytes(): number {
    return this.#caches.keptBytes;
  }

  open(opening: Opening): KeyValueCache | 'full' | 'later' {
    return this.#caches.open(opening);
  }

  extend(segments: readonly Segment<KeyValueCache>[]): Outcome[] {
    const order = segments.map((_, place) => place);
    const rank = ({ adapter }: Segment<KeyValueCache>) => adapter ?? '';
    // Rows of one adapter side by side are one product.
    if (segments.some(({ adapter }) => adapter !== undefined))
      order.sort((one, other) => compare(rank(segments[one]!), rank(segments[other]!)) || one - other);
    const logits = this.#forward.extend(
      order.map((place) => ({ ...segments[place]!, adapter: this.#adapter(segments[place]!.adapter) })),
    );
    const outcomes: Outcome[] = [];
    for (const [at, place] of order.entries()) outcomes[place] = { logits: logits[at]! };
    return outcomes;
  }

  meanHidden(ids: readonly number[], adapter: string | undefined): Float32Array {
    const bothWays = this.promptAttention === 'prefix';
    return this.#forward.meanHidden(ids, { bothWays, adapter: this.#adapter(adapter) });
  }

  #adapter(name: string | undefined): BankedAdapter | undefined {
    if (name === undefined) return undefined;
    const adapter = this.#adapters.get(name);
    if (adapter === undefined) throw new Error(`there is no adapter ${name}`);
    return adapter;
  }

  close(cache: KeyValueCache, ids: readonly number[]): void {
    this.#caches.close(cache, ids);
  }

  [Symbol.dispose](): void {
    this.#caches.dispose();
    if (!this.#ownsModel) return;
    this.#model.adapters?.[Symbol.dispose]();
    this.#model.dispose();
  }
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
