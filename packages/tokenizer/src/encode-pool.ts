/**
 * Encodes batches of texts in worker threads. The ids, and their order, are those of `Tokenizer.encode` for any number of
 * threads. Texts travel in chunks, at most two for each thread at a time, so that the threads never starve and no more
 * than that is held twice; ids come back in transferred buffers.
 *
 * The pool keeps the process alive only while it works. A thread that dies fails every pending batch.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { EncodeReply, EncodeRequest } from './encode-worker.ts';
import { TokenizerError } from './errors.ts';
import type { EncodeOptions, Tokenizer } from './tokenizer.ts';

export interface EncodePoolOptions {
  /** Worker threads; default one for each processor. */
  threads?: number;
}

/** UTF-16 code units of text in one message. */
const CHUNK_UNITS = 1 << 17;
const CHUNKS_PER_THREAD = 2;

interface Chunk {
  texts: string[];
  specials: boolean;
  resolve: (reply: EncodeReply) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  /** Chunks sent and not yet answered, oldest first; a thread answers in order. */
  sent: Chunk[];
}

export class EncodePool {
  readonly #threads: Thread[];
  readonly #waiting: Chunk[] = [];
  #failure: Error | undefined;

  constructor(tokenizer: Tokenizer, options: EncodePoolOptions = {}) {
    const threads = options.threads ?? availableParallelism();
    if (!Number.isInteger(threads) || threads < 1) {
      throw new TokenizerError('TOKENIZER_BAD_OPTION', {
        en: `threads must be an integer of at least 1, not ${threads}`,
        zh: `threads 须为不小于 1 的整数，而不是 ${threads}`,
      });
    }
    // The checkout runs the TypeScript source, the published package the JavaScript beside this file.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const program = new URL(`./encode-worker.${extension}`, import.meta.url);
    this.#threads = Array.from({ length: threads }, () => this.#start(program, tokenizer));
  }

  /** Ids of each text, in order. The arrays may share buffers. */
  async encodeBatch(texts: readonly string[], options: EncodeOptions = {}): Promise<Uint32Array[]> {
    const replies = cutIntoChunks(texts).map(
      (chunk) =>
        new Promise<EncodeReply>((resolve, reject) => {
          this.#waiting.push({ texts: chunk, specials: options.specials ?? true, resolve, reject });
        }),
    );
    if (this.#failure) this.#fail(this.#failure);
    this.#dispatch();
    const results: Uint32Array[] = [];
    for (const { ids, lengths } of await Promise.all(replies)) {
      let start = 0;
      for (const length of lengths) {
        results.push(ids.subarray(start, start + length));
        start += length;
      }
    }
    return results;
  }

  /** Ends the threads. Batches that are not done fail. */
  async close(): Promise<void> {
    const message = { en: 'the encoding pool was closed: make a new one', zh: '编码线程池已关闭：请新建一个' };
    this.#fail(new TokenizerError('TOKENIZER_POOL', message));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #start(program: URL, tokenizer: Tokenizer): Thread {
    const worker = new Worker(program, { workerData: tokenizer.file });
    const thread: Thread = { worker, sent: [] };
    worker.unref();
    worker.on('message', (reply: EncodeReply) => {
      thread.sent.shift()!.resolve(reply);
      if (thread.sent.length === 0) worker.unref();
      this.#dispatch();
    });
    const died = (cause: unknown): void => {
      if (this.#failure) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = { en: `an encoding thread ended: ${reason}`, zh: `一个编码线程结束了：${reason}` };
      this.#fail(new TokenizerError('TOKENIZER_POOL', message, { cause }));
    };
    worker.on('error', died);
    worker.on('messageerror', died);
    worker.on('exit', (code) => died(`exit code ${code}`));
    return thread;
  }

  #dispatch(): void {
    for (let round = 0; round < CHUNKS_PER_THREAD; round++) {
      for (const thread of this.#threads) {
        if (thread.sent.length > round) continue;
        const chunk = this.#waiting.shift();
        if (!chunk) return;
        thread.sent.push(chunk);
        thread.worker.ref();
        thread.worker.postMessage({ texts: chunk.texts, specials: chunk.specials } satisfies EncodeRequest);
      }
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const chunk of this.#waiting.splice(0)) chunk.reject(this.#failure);
    for (const thread of this.#threads) for (const chunk of thread.sent.splice(0)) chunk.reject(this.#failure);
  }
}

function cutIntoChunks(texts: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let chunk: string[] = [];
  let units = 0;
  for (const text of texts) {
    chunk.push(text);
    units += text.length;
    if (units < CHUNK_UNITS) continue;
    chunks.push(chunk);
    chunk = [];
    units = 0;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
