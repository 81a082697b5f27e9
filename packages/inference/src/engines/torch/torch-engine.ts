/**
 * The embedded engine: many requests, one model, one batch that sequences join and leave at every step.
 *
 * A step feeds every running sequence its last token, or a piece of its prompt; all of them share the matrix products
 * (ragged-forward.ts). Between steps the event loop runs, so that a server in the same process stays responsive; a long
 * prompt is fed in pieces of at most `stepTokens`, so that it does not hold up the others.
 *
 * Fair: requests take turns to put a sequence into the batch; within a request the order is that of its prompts; the
 * first in line is never overtaken because it is large. Bounded: sequences in the batch, bytes of caches, and waiting
 * sequences all have limits; beyond the last a request is refused at once. Exact: an answer depends on its request and
 * seed alone, up to the last bits of float arithmetic, in which a matrix product of another height may differ.
 *
 * Does not know HTTP, accounts or several models.
 */
import { setImmediate } from 'node:timers/promises';
import { KeyValueCache, type ModelOptions, YuanLM } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import { InferenceError } from '../../errors.ts';
import { Generation } from '../../generation.ts';
import { checkRequest, type GenerationRequest } from '../../request.ts';
import { DrawScratch } from '../../sampling/sampling.ts';
import { LoadEstimate } from './load-estimate.ts';
import { RaggedForward } from './ragged-forward.ts';
import { Sequence } from './sequence.ts';
import { Vocabulary } from './vocabulary.ts';

export interface EngineOptions {
  /** Sequences in the batch; 16 when absent. */
  readonly batchSize?: number;
  /** Sequences that may wait; 256 when absent. */
  readonly waitingSize?: number;
  /** Bytes that the caches of all running sequences may take together; 2 GiB when absent. */
  readonly cacheBytes?: number;
  /** Tokens fed in one step, of prompts and answers together; 256 when absent. */
  readonly stepTokens?: number;
}

const DEFAULT_LIMITS = { batchSize: 16, waitingSize: 256, cacheBytes: 2 * 2 ** 30, stepTokens: 256 } as const;

interface Waiting {
  readonly generation: Generation;
  /** In order; the first is next. */
  readonly sequences: Sequence[];
}

interface Running {
  readonly sequence: Sequence;
  readonly cache: KeyValueCache;
  readonly bytes: number;
  /** When it came in, ms. */
  readonly since: number;
}

export class InferenceEngine implements Disposable {
  readonly contextLength: number;
  readonly #model: YuanLM;
  readonly #ownsModel: boolean;
  readonly #vocabulary: Vocabulary;
  readonly #forward: RaggedForward;
  readonly #scratch: DrawScratch;
  readonly #limits: { -readonly [name in keyof EngineOptions]-?: number };
  readonly #load: LoadEstimate;
  #waiting: Waiting[] = [];
  #running: Running[] = [];
  /** Sequences not yet finished, for each request. */
  readonly #unfinished = new Map<Generation, number>();
  #usedBytes = 0;
  #looping = false;
  #closed = false;

  /**
   * @param model stays the caller's: it is not disposed by close()
   * @throws InferenceError INFERENCE_TOKENIZER_MISMATCH
   */
  constructor(model: YuanLM, tokenizer: Tokenizer, options: EngineOptions = {}, ownsModel = false) {
    this.#model = model;
    this.#ownsModel = ownsModel;
    this.contextLength = model.config.contextLength;
    this.#vocabulary = new Vocabulary(tokenizer, model.config.vocabularySize);
    this.#forward = new RaggedForward(model);
    this.#scratch = new DrawScratch(this.#vocabulary.size);
    this.#limits = { ...DEFAULT_LIMITS, ...options };
    this.#limits.stepTokens = Math.max(this.#limits.stepTokens, this.#limits.batchSize); // everyone a token a step
    this.#load = new LoadEstimate(this.#limits.batchSize);
  }

  /** Loads a model directory; close() frees it. @throws ModelError, TokenizerError naming the file at fault */
  static load(directory: string, options: EngineOptions & ModelOptions = {}): InferenceEngine {
    const { device, dtype, ...limits } = options;
    const place = { ...(device !== undefined && { device }), ...(dtype !== undefined && { dtype }) };
    const model = YuanLM.load(directory, place);
    try {
      return new InferenceEngine(model, Tokenizer.load(`${directory}/tokenizer.json`), limits, true);
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** Sequences in the batch and waiting for it. */
  get occupancy(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running.length, waiting: this.#countWaiting() };
  }

  /**
   * Takes a request; its chunks are read from the result. All checks are made here, before anything is computed.
   * @param signal gives the request up: its iteration then throws INFERENCE_ABORTED
   * @throws InferenceError
   */
  submit(request: GenerationRequest, signal?: AbortSignal): Generation {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const checked = checkRequest(request);
    for (const id of checked.logitBias.keys()) {
      this.#vocabulary.checkId(id, 'logitBias', { en: 'logit_bias', zh: 'logit_bias' });
    }
    const prompts = checked.prompts.map((prompt) =>
      this.#vocabulary.prompt(prompt, checked.beginDocument, this.contextLength),
    );
    const promptTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    const generation = new Generation(checked.seed, promptTokens, () => this.#drop(generation, aborted()));
    const { contextLength } = this;
    const parts = { request: checked, generation, vocabulary: this.#vocabulary, contextLength };
    const sequences = prompts.flatMap((prompt, place) =>
      Array.from({ length: checked.choices }, (_, choice) => {
        return new Sequence({ ...parts, prompt, index: place * checked.choices + choice });
      }),
    );
    const unfinished = sequences.filter(({ finished }) => !finished);
    this.#checkRoom(unfinished);
    this.#enqueue(generation, unfinished, signal);
    return generation;
  }

  /** Ends everything: requests still in it fail with INFERENCE_CLOSED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const generation of [...this.#unfinished.keys()]) this.#drop(generation, closed());
    if (this.#ownsModel) this.#model.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkRoom(sequences: readonly Sequence[]): void {
    const { waitingSize, cacheBytes } = this.#limits;
    if (sequences.length > waitingSize) {
      const [asked, most] = [sequences.length, waitingSize];
      throw new InferenceError(
        'INFERENCE_BAD_OPTION',
        {
          en: `prompts times choices are ${asked}; at most ${most} are taken at once: send several requests`,
          zh: `提示数乘以结果数为 ${asked}，一次至多 ${most}：请分成几个请求`,
        },
        { option: 'choices' },
      );
    }
    const waiting = this.#countWaiting();
    if (waiting + sequences.length > waitingSize) throw this.#queueFull(waiting, sequences.length);
    const largest = Math.max(0, ...sequences.map((sequence) => this.#cacheBytes(sequence)));
    if (largest > cacheBytes) {
      throw new InferenceError('INFERENCE_CACHE_TOO_SMALL', {
        en: `one sequence needs ${largest} bytes of cache, the engine has ${cacheBytes}: lower max_tokens or raise cacheBytes`,
        zh: `一条序列需要 ${largest} 字节缓存，引擎只有 ${cacheBytes}：请减小 max_tokens，或增大 cacheBytes`,
      });
    }
  }

  #queueFull(waiting: number, sequences: number): InferenceError {
    const { waitingSize } = this.#limits;
    const now = performance.now();
    const oldest = now - Math.min(now, ...this.#running.map(({ since }) => since));
    const retryAfter = this.#load.seconds(now, waiting + sequences - waitingSize, sequences, oldest);
    return new InferenceError(
      'INFERENCE_QUEUE_FULL',
      {
        en: `${waiting} sequences are waiting already and at most ${waitingSize} may: try again in about ${retryAfter} s`,
        zh: `已有 ${waiting} 条序列在等待，至多 ${waitingSize} 条：请约 ${retryAfter} 秒后再试`,
      },
      { retryAfter },
    );
  }

  #enqueue(generation: Generation, sequences: Sequence[], signal: AbortSignal | undefined): void {
    if (sequences.length === 0) {
      generation.end();
      return;
    }
    this.#unfinished.set(generation, sequences.length);
    this.#waiting.push({ generation, sequences });
    if (signal !== undefined) {
      const abort = () => this.#drop(generation, aborted(signal));
      signal.addEventListener('abort', abort, { once: true });
      generation.onEnd(() => signal.removeEventListener('abort', abort));
    }
    if (!this.#looping) void this.#loop();
  }

  /** Never rejects: what goes wrong in a step goes to the requests that were in it. */
  async #loop(): Promise<void> {
    this.#looping = true;
    // The first step waits a turn, so that requests that arrive together start together.
    await setImmediate();
    while (this.#unfinished.size > 0) {
      try {
        this.#admit();
        this.#step();
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
      await setImmediate();
    }
    this.#looping = false;
  }

  #admit(): void {
    while (this.#running.length < this.#limits.batchSize) {
      const first = this.#waiting[0];
      const sequence = first?.sequences[0];
      if (first === undefined || sequence === undefined) return;
      const bytes = this.#cacheBytes(sequence);
      if (this.#usedBytes + bytes > this.#limits.cacheBytes) return;
      this.#start(sequence, bytes);
      this.#waiting.shift();
      first.sequences.shift();
      if (first.sequences.length > 0) this.#waiting.push(first);
    }
  }

  #start(sequence: Sequence, bytes: number): void {
    const { config, device, dtype } = this.#model;
    const cache = new KeyValueCache(config, 1, { device, dtype, capacity: sequence.capacity });
    sequence.cache = cache;
    this.#usedBytes += bytes;
    this.#running.push({ sequence, cache, bytes, since: performance.now() });
  }

  #step(): void {
    const sequences = this.#running.map(({ sequence }) => sequence);
    let budget = this.#limits.stepTokens;
    const segments = sequences.map((sequence, place) => {
      // Everyone behind gets at least one token of the step.
      const segment = sequence.segment(budget - (sequences.length - place - 1));
      budget -= segment.ids.length;
      return segment;
    });
    if (segments.length === 0) return;
    const logits = this.#forward.run(segments);
    sequences.forEach((sequence, place) => {
      sequence.accept(segments[place]!, logits[place]!, this.#scratch);
      if (sequence.finished) this.#finish(sequence);
    });
  }

  #finish(sequence: Sequence): void {
    const running = this.#running.find((one) => one.sequence === sequence);
    if (running !== undefined) this.#load.record(performance.now() - running.since);
    this.#release((running) => running.sequence === sequence);
    const { generation } = sequence;
    const left = (this.#unfinished.get(generation) ?? 0) - 1;
    if (left > 0) {
      this.#unfinished.set(generation, left);
    } else {
      this.#unfinished.delete(generation);
      generation.end();
    }
  }

  /** A step failed: its requests fail with it. When nothing was running, the first in line could not be started. */
  #fail(reason: Error): void {
    const affected = new Set(this.#running.map(({ sequence }) => sequence.generation));
    const first = this.#waiting[0];
    if (affected.size === 0 && first !== undefined) affected.add(first.generation);
    for (const generation of affected) this.#drop(generation, reason);
  }

  /** Takes a request out of the engine wherever it is. */
  #drop(generation: Generation, reason: Error): void {
    if (!this.#unfinished.delete(generation)) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.generation !== generation);
    this.#release(({ sequence }) => sequence.generation === generation);
    generation.end(reason);
  }

  #release(leaves: (running: Running) => boolean): void {
    for (const running of this.#running.filter(leaves)) {
      running.cache.dispose();
      this.#usedBytes -= running.bytes;
    }
    this.#running = this.#running.filter((running) => !leaves(running));
  }

  #countWaiting(): number {
    return this.#waiting.reduce((sum, { sequences }) => sum + sequences.length, 0);
  }

  #cacheBytes(sequence: Sequence): number {
    const { layers, width } = this.#model.config;
    return 2 * layers * width * sequence.capacity * (this.#model.dtype === 'bfloat16' ? 2 : 4);
  }
}

function closed(): InferenceError {
  return new InferenceError('INFERENCE_CLOSED', {
    en: 'the engine has been closed: start the server again',
    zh: '推理引擎已关闭：请重新启动服务',
  });
}

/** An InferenceError as the signal's reason is passed on: whoever aborts may know better why. */
function aborted(signal?: AbortSignal): InferenceError {
  if (signal?.reason instanceof InferenceError) return signal.reason;
  return new InferenceError('INFERENCE_ABORTED', {
    en: 'the request was given up by its caller',
    zh: '请求已被调用者放弃',
  });
}
