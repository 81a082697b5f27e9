/**
 * Reads documents in a thread of its own, one at a time, so that one which takes too long or too much memory is stopped and listed, and
 * the others are read. The thread is started at the first document and again after it was stopped.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DocumentAnswer, DocumentRequest } from './document-worker.ts';

/** Of the thread's own heap, and of the buffers beside it. */
const HEAP_MEGABYTES = 1_024;
const BUFFER_BYTES = 1_536 * 2 ** 20;
const LOOK_MILLISECONDS = 1_000;

export class DocumentReader {
  #worker: Worker | undefined;

  /** What the document holds, or why it does not; `seconds` on the clock are given to it. */
  async read(request: DocumentRequest, seconds: number): Promise<DocumentAnswer> {
    this.#worker ??= start();
    const worker = this.#worker;
    worker.ref();
    try {
      const { promise, resolve, reject } = Promise.withResolvers<DocumentAnswer>();
      const broken = (error: Error) => {
        this.#worker = undefined;
        if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
          resolve({ unreadable: 'document-out-of-memory' });
        else reject(error);
      };
      const stop = (unreadable: 'document-too-slow' | 'document-out-of-memory') => {
        this.#worker = undefined;
        worker.off('error', broken).on('error', () => undefined); // what a thread says while it is stopped is no news
        void worker.terminate();
        resolve({ unreadable });
      };
      worker.once('message', resolve).once('error', broken);
      const timer = setTimeout(() => stop('document-too-slow'), seconds * 1_000);
      const looking = setInterval(() => {
        void worker.getHeapStatistics().then(
          ({ external_memory: bytes }) =>
            bytes > BUFFER_BYTES && this.#worker === worker && stop('document-out-of-memory'),
          () => undefined, // the thread ended first
        );
      }, LOOK_MILLISECONDS);
      worker.postMessage(request);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        clearInterval(looking);
        worker.off('message', resolve).off('error', broken);
      }
    } finally {
      worker.unref();
    }
  }
}

function start(): Worker {
  const url = new URL(`./document-worker${extname(import.meta.url)}`, import.meta.url);
  return new Worker(url, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES } });
}
