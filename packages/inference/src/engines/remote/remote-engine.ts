/**
 * The engine elsewhere: a model that other OpenAI-compatible servers run, one or several, such as vLLM, SGLang, llama.cpp's or our own.
 *
 * Every request goes to one of them as one streamed answer, and its parts come out as they come in. Until the first of them has come,
 * another worker is tried where one cannot be reached, fails or is busy; afterwards never, because the reader has a part of an answer that
 * another worker would begin anew. Giving a request up, and closing, ends the connection, by which that server learns of it.
 */
import { type Endpoint, EndpointError, servedChatPartSchema, servedPartSchema } from '@tunan/protocol/client';
import type { EmbeddedTexts, EmbeddingInput, Engine, Occupancy } from '../../engine.ts';
import { aborted, closed, InferenceError } from '../../errors.ts';
import { type Generation, GenerationWriter } from '../../generation.ts';
import { type CheckedRequest, checkRequest, type GenerationRequest } from '../../request.ts';
import { AnswerReader, completionPart, sequencesOf } from './answer-reader.ts';
import { askEmbeddings } from './remote-embeddings.ts';
import { checkBody, requestBody, takes } from './request-body.ts';
import { openTransport, type Transport } from './transport.ts';
import { requestError } from './upstream-error.ts';
import { Worker, type WorkerStatus } from './worker.ts';
import { WorkerPool } from './worker-pool.ts';

export interface RemoteEngineOptions {
  /** Of every worker, or of each by its address. */
  readonly apiKey?: string | ((url: string) => string | undefined) | undefined;
  /** Longest time until a connection stands; 5 when absent. */
  readonly connectSeconds?: number | undefined;
  /** Longest time until the first token; timeoutSeconds when absent. */
  readonly firstTokenSeconds?: number | undefined;
  /** Longest silence between two tokens; 120 when absent. */
  readonly timeoutSeconds?: number | undefined;
  /** Longest time of a whole answer; without bound when absent. */
  readonly totalSeconds?: number | undefined;
  /** Sequences that one worker is given at a time; 256 when absent. */
  readonly sequencesPerWorker?: number | undefined;
  /** Sequences that may wait; 256 when absent. */
  readonly waitingSize?: number | undefined;
  /** How long a request may wait for a worker; without bound when absent. */
  readonly waitSeconds?: number | undefined;
  /** Between two checks of a worker's health; 10 when absent. */
  readonly checkSeconds?: number | undefined;
  /** Told when a worker goes down, comes back or begins to drain. */
  readonly onWorker?: ((worker: WorkerStatus) => void) | undefined;
}

/** Workers that are tried for one request. More would let a request that kills its worker kill them all. */
const ATTEMPTS = 3;

/** An engine that asks servers; most callers want `openEngine`. */
export class RemoteEngine implements Engine {
  readonly kind = 'remote';
  readonly device = undefined;
  readonly prefixCache = undefined;
  readonly takesMessages = true;
  readonly #options: RemoteEngineOptions;
  readonly #transport: Transport;
  readonly #pool: WorkerPool;
  readonly #open = new Map<AbortController, number>();
  #closed = false;

  private constructor(options: RemoteEngineOptions) {
    const { sequencesPerWorker = 256, waitingSize = 256, checkSeconds = 10, connectSeconds = 5 } = options;
    const { waitSeconds, onWorker } = options;
    this.#options = options;
    this.#transport = openTransport(connectSeconds);
    this.#pool = new WorkerPool({ sequencesPerWorker, waitingSize, waitSeconds, checkSeconds, onWorker });
  }

  /**
   * Opens an engine as soon as every worker has answered or failed to; one that answers is enough, the others are asked again.
   * @param urls up to and with the version, such as `http://127.0.0.1:8000/v1`; of several models there, `#` and the id of one
   * @throws InferenceError INFERENCE_UPSTREAM_… of the first worker where none answers, and of one that answers and does not run the model
   */
  static async connect(
    urls: string | readonly string[],
    options: RemoteEngineOptions = {},
    signal?: AbortSignal,
  ): Promise<RemoteEngine> {
    const engine = new RemoteEngine(options);
    try {
      await engine.#connect([urls].flat(), signal);
    } catch (error) {
      engine.close();
      throw error;
    }
    return engine;
  }

  /** As the servers call it; the first that answers is asked. */
  get model(): string {
    return this.#pool.workers.find(({ found }) => found !== undefined)?.found?.model ?? '';
  }

  /** The least of those that tell, so that any worker can take the request. */
  get contextLength(): number | undefined {
    const told = this.#pool.workers.flatMap(({ found }) => found?.contextLength ?? []);
    return told.length === 0 ? undefined : Math.min(...told);
  }

  get occupancy(): Occupancy {
    const all = [...this.#open.values()].reduce((sum, sequences) => sum + sequences, 0);
    const { waiting } = this.#pool;
    return { running: all - waiting, waiting };
  }

  get workers(): readonly WorkerStatus[] {
    return this.#pool.workers.map(({ status }) => status);
  }

  submit(request: GenerationRequest, signal?: AbortSignal): Generation {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const checked = checkRequest(request);
    checkBody(
      checked,
      this.#pool.workers.map(({ found }) => found?.owner),
    );
    const abort = new AbortController();
    const generation = new GenerationWriter(() => abort.abort(aborted()));
    if (request.seed !== undefined) generation.note({ seed: request.seed });
    const giveUp = () => abort.abort(aborted(signal));
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#open.set(abort, sequencesOf(checked));
    generation.onEnd(() => {
      signal?.removeEventListener('abort', giveUp);
      this.#open.delete(abort);
    });
    void this.#run(checked, request, generation, abort.signal);
    return generation;
  }

  /** Asked of one worker; whoever it fails may ask again. */
  async embed(inputs: readonly EmbeddingInput[], signal?: AbortSignal, traceparent?: string): Promise<EmbeddedTexts> {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const abort = new AbortController();
    const giveUp = () => abort.abort(aborted(signal));
    signal?.addEventListener('abort', giveUp, { once: true });
    this.#open.set(abort, inputs.length);
    try {
      const worker = await this.#pool.take(inputs.length, () => true, false, abort.signal);
      if (worker === undefined) throw none();
      let outcome: 'good' | EndpointError | undefined;
      try {
        const body = { model: worker.found?.model ?? this.model, input: inputs };
        const embedded = await askEmbeddings(worker.endpoint, body, abort.signal, headersOf(traceparent));
        outcome = 'good';
        return embedded;
      } catch (error) {
        if (error instanceof EndpointError) outcome = error;
        throw error;
      } finally {
        this.#pool.giveBack(worker, inputs.length, outcome);
      }
    } catch (error) {
      throw requestError(error);
    } finally {
      signal?.removeEventListener('abort', giveUp);
      this.#open.delete(abort);
    }
  }

  /** Takes one more worker. @throws InferenceError where it answers and does not run the model */
  async addWorker(url: string, signal?: AbortSignal): Promise<void> {
    await this.#connect([url], signal, true);
  }

  /**
   * Takes a worker out: it gets no more requests, and those that it has run to their end. @param url as it was given
   * @returns when they have
   */
  async drain(url: string): Promise<void> {
    const worker = this.#pool.workers.find((one) => one.url === url);
    if (worker !== undefined) await this.#pool.drain(worker);
  }

  close(): void {
    this.#closed = true;
    for (const abort of [...this.#open.keys()]) abort.abort(closed());
    this.#pool.close();
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #connect(urls: readonly string[], signal: AbortSignal | undefined, mayBeDown = false): Promise<void> {
    const { apiKey, timeoutSeconds, firstTokenSeconds: firstSeconds, totalSeconds } = this.#options;
    const { send } = this.#transport;
    const workers = [...new Set(urls)].map((url) => {
      const key = typeof apiKey === 'function' ? apiKey(url) : apiKey;
      return new Worker(url, { apiKey: key, timeoutSeconds, firstSeconds, totalSeconds, send });
    });
    const met = await Promise.allSettled(workers.map((worker) => worker.connect(signal)));
    const failures = met.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    const unfit = failures.find(
      (error) => error instanceof InferenceError && error.code === 'INFERENCE_UPSTREAM_UNFIT',
    );
    const noneAnswers = failures.length === workers.length && !mayBeDown;
    if (unfit !== undefined || noneAnswers) throw unfit ?? failures[0];
    for (const worker of workers) this.#pool.add(worker);
  }

  /** Never rejects: what goes wrong goes to the reader. */
  async #run(request: CheckedRequest, given: Given, generation: GenerationWriter, signal: AbortSignal): Promise<void> {
    const tried = new Set<Worker>();
    const fits = (worker: Worker) => !tried.has(worker) && takes(worker.found?.owner, request);
    const sequences = sequencesOf(request);
    let failure: unknown;
    while (tried.size < ATTEMPTS) {
      try {
        const worker = await this.#pool.take(sequences, fits, tried.size > 0, signal);
        if (worker === undefined) break;
        tried.add(worker);
        const tells = await this.#ask(worker, request, given, generation, signal);
        if (tells === 'answered') return;
        failure = tells.failure;
        if (!tells.mayBeTriedAgain) break;
      } catch (error) {
        failure = error;
        break;
      }
    }
    generation.end(requestError(failure ?? none()));
  }

  /** One attempt. */
  async #ask(
    worker: Worker,
    request: CheckedRequest,
    { seed, traceparent }: Given,
    generation: GenerationWriter,
    signal: AbortSignal,
  ): Promise<'answered' | { readonly failure: unknown; readonly mayBeTriedAgain: boolean }> {
    const { endpoint, found } = worker;
    const sequences = sequencesOf(request);
    const reader = new AnswerReader(endpoint, request, generation, found?.owner === 'tunan');
    try {
      const body = requestBody(request, seed, found?.model ?? this.model, found?.owner);
      const route = request.messages === undefined ? 'completions' : 'chat/completions';
      const events = await endpoint.open(route, body, signal, headersOf(traceparent));
      await pass(endpoint, events, request.messages !== undefined, reader, generation);
    } catch (failure) {
      const told = failure instanceof EndpointError ? failure : undefined;
      this.#pool.giveBack(worker, sequences, told, reader.begun);
      const mayBeTriedAgain = told !== undefined && !reader.begun && told.kind !== 'refused' && told.kind !== 'slow';
      return { failure, mayBeTriedAgain };
    }
    this.#pool.giveBack(worker, sequences, 'good');
    generation.end();
    return 'answered';
  }
}

/** What goes to a worker as it was given. */
type Given = Pick<GenerationRequest, 'seed' | 'traceparent'>;

const headersOf = (traceparent: string | undefined): Readonly<Record<string, string>> =>
  traceparent === undefined ? {} : { traceparent };

/** Reads an answer to its end. @throws EndpointError; the signal's reason */
async function pass(
  endpoint: Endpoint,
  events: AsyncIterable<string>,
  isChat: boolean,
  reader: AnswerReader,
  generation: GenerationWriter,
): Promise<void> {
  try {
    for await (const data of events) {
      const part = isChat
        ? completionPart(endpoint.read(data, servedChatPartSchema))
        : endpoint.read(data, servedPartSchema);
      if (part.error !== undefined) {
        const { message } = part.error;
        throw new EndpointError('failed', {
          en: `${endpoint.url} fails in the middle: ${message}`,
          zh: `${endpoint.url} 中途出错：${message}`,
        });
      }
      reader.take(part);
      // Before, whoever waits for an answer can still be told its failure in place of it.
      if (reader.begun) generation.accept();
    }
  } catch (error) {
    // Some servers, such as that of transformers, close the stream behind the last reason to end, without a `[DONE]`.
    if (!(reader.isWhole && error instanceof EndpointError && error.kind === 'down')) throw error;
  }
  reader.end();
}

/** Where all workers are being taken out. */
function none(): InferenceError {
  return new InferenceError('INFERENCE_UPSTREAM_DOWN', {
    en: 'no server that runs this model is in use: try again in a while',
    zh: '没有可用的服务运行此模型：请稍后再试',
  });
}
