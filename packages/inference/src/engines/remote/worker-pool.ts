/**
 * Several workers that run the same model: which of them takes the next request, who waits, and who is looked after.
 *
 * A request goes to the worker with the fewest sequences of those that are up and not resting; of equals, to the one that has waited
 * longest. Where none is, all are tried: bookkeeping alone never refuses a request. A worker takes no more sequences than its limit; beyond
 * it requests wait in the order in which they came, so that a large one is not passed by small ones for ever. Each worker is checked
 * at intervals that differ by chance, so that servers in front of one worker do not all ask at the same moment. Knows no request: it counts.
 */
import type { EndpointError } from '@tunan/protocol/client';
import { InferenceError, waitedTooLong } from '../../errors.ts';
import type { Worker, WorkerStatus } from './worker.ts';

export interface WorkerPoolOptions {
  /** Sequences that one worker is given at a time. */
  readonly sequencesPerWorker: number;
  /** Sequences that may wait. */
  readonly waitingSize: number;
  /** How long a request may wait; without bound when absent. */
  readonly waitSeconds?: number | undefined;
  /** Between two checks of a worker, on the average. */
  readonly checkSeconds: number;
  /** Told when a worker goes down, comes back or begins to drain. */
  readonly onWorker?: ((worker: WorkerStatus) => void) | undefined;
}

interface Waiting {
  readonly sequences: number;
  readonly fits: (worker: Worker) => boolean;
  readonly resolve: (worker: Worker | undefined) => void;
}

const JITTER = 0.2;
const RETRY_AFTER_SECONDS = 1;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #told = new Map<Worker, string>();
  readonly #timers = new Map<Worker, NodeJS.Timeout>();
  readonly #drained = new Map<Worker, PromiseWithResolvers<void>>();
  readonly #stop = new AbortController();
  #waiting: Waiting[] = [];
  #turn = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get workers(): readonly Worker[] {
    return [...this.#workers];
  }

  get running(): number {
    return this.workers.reduce((sum, { running }) => sum + running, 0);
  }

  /** Sequences. */
  get waiting(): number {
    return this.#waiting.reduce((sum, { sequences }) => sum + sequences, 0);
  }

  /** The worker is looked after from now on. */
  add(worker: Worker): void {
    this.#workers.add(worker);
    this.#told.set(worker, 'up');
    this.#tell(worker);
    this.#scheduleCheck(worker);
    this.#pump();
  }

  /**
   * A worker for so many sequences; `giveBack` is owed for it.
   * @param fits whether a worker may have the request
   * @param isAgain it has waited its turn already
   * @returns undefined where no worker is left that fits
   * @throws InferenceError INFERENCE_QUEUE_FULL, INFERENCE_WAITED_TOO_LONG; the signal's reason
   */
  async take(
    sequences: number,
    fits: (worker: Worker) => boolean,
    isAgain: boolean,
    signal: AbortSignal,
  ): Promise<Worker | undefined> {
    signal.throwIfAborted();
    const place = isAgain || this.#waiting.length === 0 ? this.#choose(sequences, fits) : 'full';
    if (place !== 'full') return place && this.#give(place, sequences);
    if (!isAgain && this.waiting + sequences > this.#options.waitingSize) throw queueFull();
    const turn = Promise.withResolvers<Worker | undefined>();
    const waiting = { sequences, fits, resolve: turn.resolve };
    if (isAgain) this.#waiting.unshift(waiting);
    else this.#waiting.push(waiting);
    const giveUp = (why: unknown) => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      turn.reject(why);
      this.#pump();
    };
    const leave = () => giveUp(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    const { waitSeconds } = this.#options;
    const late = () => giveUp(waitedTooLong(waitSeconds!, RETRY_AFTER_SECONDS));
    const timer = waitSeconds === undefined ? undefined : setTimeout(late, 1000 * waitSeconds);
    try {
      return await turn.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  }

  /**
   * The request has left the worker.
   * @param outcome 'good', why the worker did not answer, or nothing where the caller gave it up
   * @param began whether a part of the answer had come
   */
  giveBack(worker: Worker, sequences: number, outcome: 'good' | EndpointError | undefined, began = false): void {
    worker.running -= sequences;
    if (outcome === 'good') worker.succeeded();
    else if (outcome !== undefined) worker.failed(outcome, began);
    this.#tell(worker);
    if (worker.running === 0) this.#drained.get(worker)?.resolve();
    this.#pump();
  }

  /** Takes a worker out: it gets no more requests, and what runs there runs to its end. @returns when it has */
  async drain(worker: Worker): Promise<void> {
    worker.startDraining();
    clearTimeout(this.#timers.get(worker));
    this.#tell(worker);
    this.#pump();
    const empty = this.#drained.get(worker) ?? Promise.withResolvers<void>();
    this.#drained.set(worker, empty);
    if (worker.running === 0) empty.resolve();
    await empty.promise;
    this.#drained.delete(worker);
    this.#timers.delete(worker);
    this.#told.delete(worker);
    this.#workers.delete(worker);
  }

  /** Ends the checks. Requests are for their owner to end. */
  close(): void {
    this.#stop.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #give(worker: Worker, sequences: number): Worker {
    worker.running += sequences;
    worker.lastTurn = ++this.#turn;
    return worker;
  }

  /** The best worker that has room, 'full' where all that could take the request are busy, undefined where there is none. */
  #choose(sequences: number, fits: (worker: Worker) => boolean): Worker | 'full' | undefined {
    const able = this.workers.filter((worker) => worker.state !== 'draining' && fits(worker));
    if (able.length === 0) return undefined;
    const now = Date.now();
    const ready = able.filter((worker) => worker.isReady(now));
    const most = this.#options.sequencesPerWorker;
    const withRoom = (ready.length > 0 ? ready : able).filter(
      ({ running }) => running === 0 || running + sequences <= most,
    );
    const [best] = withRoom.sort((a, b) => a.load - b.load || a.lastTurn - b.lastTurn);
    return best ?? 'full';
  }

  /** Whoever waits gets a place in the order in which they came. */
  #pump(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const place = this.#choose(first.sequences, first.fits);
      if (place === 'full') return;
      this.#waiting.shift();
      first.resolve(place && this.#give(place, first.sequences));
    }
  }

  #tell(worker: Worker): void {
    const { status } = worker;
    if (this.#told.get(worker) === status.state) return;
    this.#told.set(worker, status.state);
    this.#options.onWorker?.(status);
  }

  #scheduleCheck(worker: Worker): void {
    const milliseconds = 1000 * this.#options.checkSeconds * (1 - JITTER + 2 * JITTER * Math.random());
    // A server has its own reason to live; a program that has done its work is not kept by checks.
    this.#timers.set(worker, setTimeout(() => void this.#check(worker), milliseconds).unref());
  }

  async #check(worker: Worker): Promise<void> {
    await worker.check(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
    if (this.#stop.signal.aborted || worker.state === 'draining') return;
    this.#tell(worker);
    this.#pump();
    this.#scheduleCheck(worker);
  }
}

function queueFull(): InferenceError {
  const message = {
    en: 'too many requests wait for the servers that run this model: send it again in a while',
    zh: '等待运行此模型的服务的请求太多：请稍后再发',
  };
  return new InferenceError('INFERENCE_QUEUE_FULL', message, { retryAfter: RETRY_AFTER_SECONDS });
}
