/**
 * The answer to one request while it is being made: an asynchronous sequence of chunks.
 *
 * Chunks are kept until they are read, so a slow reader never slows the batch; their number is bounded by maxTokens.
 * Leaving the loop early (break, return, throw) gives the request up and frees its places in the batch.
 */

/**
 * A token, reported when log-probabilities are asked for. What ends the text (`<eod>`) is reported too, though no text of
 * it is shown: every token that the usage counts has its report, but for those behind a stop string.
 */
export interface TokenReport {
  readonly id: number;
  /** Its text; a token that is no whole character reads `bytes:\xe6\x98`. */
  readonly text: string;
  /** Where its text begins in the text of the sequence, in UTF-16 units. */
  readonly offset: number;
  /** Natural logarithm of its probability before penalties; undefined for the first token of an echoed prompt. */
  readonly logprob: number | undefined;
  readonly alternatives: readonly { readonly id: number; readonly text: string; readonly logprob: number }[];
}

export interface GenerationChunk {
  /** Index of the sequence in its request: prompt index x choices + choice. */
  readonly index: number;
  /** New text; whole characters only, never a part of a stop string. */
  readonly text: string;
  /** The tokens that end in this text; empty unless log-probabilities were asked for. */
  readonly tokens: readonly TokenReport[];
  /** On the last chunk of a sequence: 'stop' for <eod> or a stop string, 'length' for maxTokens or the context. */
  readonly finishReason: 'stop' | 'length' | undefined;
}

export interface TokenUsage {
  /** Tokens of all prompts, each counted once. */
  readonly promptTokens: number;
  /** Tokens the model produced in all sequences, <eod> and tokens of a cut stop string included. */
  readonly completionTokens: number;
}

export class Generation implements AsyncIterable<GenerationChunk> {
  readonly seed: number;
  readonly #promptTokens: number;
  readonly #cancel: () => void;
  #completionTokens = 0;
  #chunks: GenerationChunk[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #onEnd: (() => void) | undefined;

  /** @param cancel called once when the reader leaves before the end */
  constructor(seed: number, promptTokens: number, cancel: () => void) {
    this.seed = seed;
    this.#promptTokens = promptTokens;
    this.#cancel = cancel;
  }

  /** So far; final when the last chunk has been read. */
  get usage(): TokenUsage {
    return { promptTokens: this.#promptTokens, completionTokens: this.#completionTokens };
  }

  /** For the engine: one more token was produced. */
  countToken(): void {
    this.#completionTokens++;
  }

  /** For the engine. */
  push(chunk: GenerationChunk): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  /** For the engine: what to do when the request leaves it. */
  onEnd(action: () => void): void {
    this.#onEnd = action;
  }

  /** For the engine: all sequences have finished, or the request failed. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    this.#onEnd?.();
    this.#wake?.();
  }

  /** Chunks in the order they were made. Can be read once. */
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
