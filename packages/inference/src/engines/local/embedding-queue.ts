/**
 * Embeddings one text after another, each between two steps of the batch, so that a long list holds nobody up for longer than its longest
 * text takes. Bounded as the queue of sequences is.
 */
import { setImmediate } from 'node:timers/promises';
import { aborted, closed, InferenceError } from '../../errors.ts';

const RETRY_AFTER_SECONDS = 1;

type Mean = (ids: readonly number[], adapter: string | undefined) => Float32Array | Promise<Float32Array>;

export class EmbeddingQueue {
  readonly #mean: Mean;
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param most texts that may wait, those of one request not counted */
  constructor(mean: Mean, most: number) {
    this.#mean = mean;
    this.#most = most;
  }

  /** @returns of length 1 each @throws InferenceError */
  async embed(
    prompts: readonly (readonly number[])[],
    adapter: string | undefined,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    if (this.#waiting >= this.#most) {
      const message = {
        en: `${this.#waiting} texts are waiting for their embeddings already: try again in a while`,
        zh: `已有 ${this.#waiting} 条文本在等待计算向量：请稍后再试`,
      };
      throw new InferenceError('INFERENCE_QUEUE_FULL', message, { retryAfter: RETRY_AFTER_SECONDS });
    }
    this.#waiting += prompts.length;
    const run = this.#last.then(() => this.#run(prompts, adapter, signal));
    this.#last = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      this.#waiting -= prompts.length;
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #run(
    prompts: readonly (readonly number[])[],
    adapter: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (const ids of prompts) {
      await setImmediate();
      if (this.#closed) throw closed();
      if (signal?.aborted) throw aborted(signal);
      vectors.push(normalized(await this.#mean(ids, adapter)));
    }
    return vectors;
  }
}

/** A vector of zeros, which no model gives, stays one. */
function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
