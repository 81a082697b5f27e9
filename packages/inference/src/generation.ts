/**
 * The answer to one request while it is being made: an asynchronous sequence of chunks, and the side from which an engine writes it.
 *
 * Chunks are kept until they are read, so a slow reader never slows the batch; their number is bounded by maxTokens.
 * Leaving the loop early (break, return, throw) gives the request up and frees its places in the batch.
 */

/**
 * A token, reported when log-probabilities are asked for. What ends the text (`<eod>`) is reported too, though no text of
 * it is shown: every token that the usage counts has its report, but for those behind a stop string.
 */
export interface TokenReport {
  /** Undefined where another server computes, which tells texts alone. */
  readonly id: number | undefined;
  /** Its text; a token that is no whole character reads `bytes:\xe6\x98`. */
  readonly text: string;
  /** Where its text begins in the text of the sequence, in UTF-16 units. */
  readonly offset: number;
  /** Natural logarithm of its probability before penalties; undefined for the first token of an echoed prompt. */
  readonly logprob: number | undefined;
  /** 1 where it was the likeliest; undefined where log-probabilities come from another server, and for the first token. */
  readonly rank: number | undefined;
  readonly alternatives: readonly TokenAlternative[];
}

export interface TokenAlternative {
  readonly id: number | undefined;
  readonly text: string;
  readonly logprob: number;
}

export interface GenerationChunk {
  /** Index of the sequence in its request: prompt index x choices + choice. */
  readonly index: number;
  /** New text; whole characters only, never a part of a stop string. */
  readonly text: string;
  /** The tokens that end in this text; empty unless log-probabilities were asked for. */
  readonly tokens: readonly TokenReport[];
  /** The tokens of the prompt, once, where promptLogprobs asks for them. */
  readonly promptTokens?: readonly TokenReport[];
  /** On the last chunk of a sequence: 'stop' for <eod> or a stop string, 'length' for maxTokens or the context. */
  readonly finishReason: FinishReason | undefined;
}

/** 'content_filter' where who serves has ended the text, here or at the server that computes. */
export type FinishReason = 'stop' | 'length' | 'content_filter';

export interface TokenUsage {
  /** Tokens of all prompts, each counted once; undefined until the engine knows, and where it never does. */
  readonly promptTokens: number | undefined;
  /** Of these, the ones that were there already from other requests; undefined where another server does not tell. */
  readonly cachedTokens: number | undefined;
  /** Tokens the model produced in all sequences, <eod> and tokens of a cut stop string included. */
  readonly completionTokens: number;
}

/** What a reader sees. Can be iterated once. */
export interface Generation extends AsyncIterable<GenerationChunk> {
  /** When the engine has begun with the request; rejects with why it did not. Nobody has to wait for it: reading throws the same. */
  readonly accepted: Promise<void>;
  /** Undefined where another server drew it and does not tell. */
  readonly seed: number | bigint | undefined;
  /** So far; final when the last chunk has been read. */
  readonly usage: TokenUsage;
}

/** The same answer read through other chunks, which are made of its own. */
export function withChunks(generation: Generation, chunks: () => AsyncIterator<GenerationChunk>): Generation {
  return {
    accepted: generation.accepted,
    get seed() {
      return generation.seed;
    },
    get usage() {
      return generation.usage;
    },
    [Symbol.asyncIterator]: chunks,
  };
}

/** What an engine holds of an answer. */
export class GenerationWriter implements Generation {
  readonly #accepted = Promise.withResolvers<void>();
  readonly #cancel: () => void;
  #seed: number | bigint | undefined;
  #promptTokens: number | undefined;
  #cachedTokens: number | undefined;
  #completionTokens = 0;
  #chunks: GenerationChunk[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #onEnd: (() => void) | undefined;

  /** @param cancel called once when the reader leaves before the end */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
    // Who reads the chunks gets the error there, and need not look here.
    this.#accepted.promise.catch(() => undefined);
  }

  get accepted(): Promise<void> {
    return this.#accepted.promise;
  }

  get seed(): number | bigint | undefined {
    return this.#seed;
  }

  get usage(): TokenUsage {
    return {
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
      completionTokens: this.#completionTokens,
    };
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The request has been taken. */
  accept(): void {
    this.#accepted.resolve();
  }

  /** What is known by now; later figures replace earlier ones. */
  note(known: {
    readonly seed?: number | bigint;
    readonly promptTokens?: number;
    readonly cachedTokens?: number | undefined;
    readonly completionTokens?: number;
  }): void {
    this.#seed = known.seed ?? this.#seed;
    this.#promptTokens = known.promptTokens ?? this.#promptTokens;
    this.#cachedTokens = known.cachedTokens ?? this.#cachedTokens;
    this.#completionTokens = known.completionTokens ?? this.#completionTokens;
  }

  /** One more token was produced. */
  countToken(): void {
    this.#completionTokens++;
  }

  /** So many more tokens of prompts were there already. */
  countCached(tokens: number): void {
    this.#cachedTokens = (this.#cachedTokens ?? 0) + tokens;
  }

  push(chunk: GenerationChunk): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  /** What to do when the request leaves the engine. */
  onEnd(action: () => void): void {
    this.#onEnd = action;
  }

  /** All sequences have finished, or the request failed. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    if (error === undefined) this.#accepted.resolve();
    else this.#accepted.reject(error);
    this.#onEnd?.();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationChunk, void, void> {
    try {
      for (;;) {
        const ready = this.#chunks;
        this.#chunks = [];
        yield* ready;
        if (this.#chunks.length > 0) continue;
        if (this.#error !== undefined) throw this.#error;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      if (!this.#ended) this.#cancel();
    }
  }
}
