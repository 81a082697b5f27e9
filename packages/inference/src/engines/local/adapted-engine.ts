/** An engine of this machine as those see it who ask for one of its adapters. What it is made of, and its end, are the engine's. */
import type { Engine, EngineKind, Occupancy, PrefixCacheFigures, TokenBound } from '../../engine.ts';
import type { Generation } from '../../generation.ts';
import type { GenerationRequest } from '../../request.ts';

/** What the engine does for sequences under an adapter. */
interface AdaptableEngine extends Pick<Engine, 'kind'> {
  readonly device: string;
  readonly contextLength: number;
  occupancyOf(adapter: string): Occupancy;
  prefixCacheOf(adapter: string): PrefixCacheFigures;
  chatEncoder(adapter: string): Engine['encodeChat'];
  embedder(adapter: string): Engine['embed'];
  submit(request: GenerationRequest, signal: AbortSignal | undefined, adapter: string): Generation;
  measure(request: GenerationRequest): TokenBound;
}

export class AdaptedEngine implements Engine {
  readonly kind: EngineKind;
  readonly device: string;
  readonly contextLength: number;
  readonly #base: AdaptableEngine;
  readonly #adapter: string;

  /** @param adapter name of one of the engine's */
  constructor(base: AdaptableEngine, adapter: string) {
    this.kind = base.kind;
    this.device = base.device;
    this.contextLength = base.contextLength;
    this.#base = base;
    this.#adapter = adapter;
  }

  get occupancy(): Occupancy {
    return this.#base.occupancyOf(this.#adapter);
  }

  get prefixCache(): PrefixCacheFigures {
    return this.#base.prefixCacheOf(this.#adapter);
  }

  get encodeChat(): Engine['encodeChat'] {
    return this.#base.chatEncoder(this.#adapter);
  }

  get embed(): Engine['embed'] {
    return this.#base.embedder(this.#adapter);
  }

  submit(request: GenerationRequest, signal?: AbortSignal): Generation {
    return this.#base.submit(request, signal, this.#adapter);
  }

  measure(request: GenerationRequest): TokenBound {
    return this.#base.measure(request);
  }

  /** The engine goes with its model, not with one of those who ask it. */
  close(): void {}

  [Symbol.dispose](): void {}
}
