/**
 * Which sequences are in the batch, and how many tokens each is fed in the next step.
 *
 * Fair: requests take turns to put a sequence into the batch; within a request the order is that of its prompts; the
 * first in line is never overtaken because it is large. A long prompt is fed in pieces of at most `stepTokens`, so that it does
 * not hold up the others. Bounded: sequences in the batch, bytes of caches, and waiting sequences all have limits; beyond the
 * last a request is refused at once. Computes nothing and knows no model.
 */
import type { KeyValueCache, Segment } from '@tunan/model';
import type { Occupancy } from '../../engine.ts';
import { InferenceError } from '../../errors.ts';
import type { GenerationWriter } from '../../generation.ts';
import type { CachePool } from './cache-pool.ts';
import { LoadEstimate } from './load-estimate.ts';
import type { Sequence } from './sequence.ts';

export interface SchedulerLimits {
  /** Sequences in the batch. */
  readonly batchSize: number;
  /** Sequences that may wait. */
  readonly waitingSize: number;
  /** Tokens fed in one step, of prompts and answers together; every sequence gets one, even where they are more. */
  readonly stepTokens: number;
}

interface Waiting {
  readonly generation: GenerationWriter;
  /** In order; the first is next. */
  readonly sequences: Sequence[];
}

interface Running {
  readonly sequence: Sequence;
  readonly cache: KeyValueCache;
  /** When it came in, ms. */
  readonly since: number;
}

/** A sequence of the next step and what it is fed. */
export interface Turn {
  readonly sequence: Sequence;
  readonly segment: Segment;
}

export class Scheduler {
  readonly #limits: SchedulerLimits;
  readonly #caches: CachePool;
  readonly #load: LoadEstimate;
  #waiting: Waiting[] = [];
  #running: Running[] = [];
  /** Sequences not yet finished, for each request. */
  readonly #unfinished = new Map<GenerationWriter, number>();

  constructor(limits: SchedulerLimits, caches: CachePool) {
    this.#limits = limits;
    this.#caches = caches;
    this.#load = new LoadEstimate(limits.batchSize);
  }

  get occupancy(): Occupancy {
    return { running: this.#running.length, waiting: this.#countWaiting() };
  }

  get isIdle(): boolean {
    return this.#unfinished.size === 0;
  }

  /** @throws InferenceError when the sequences of a request cannot be taken */
  checkRoom(sequences: readonly Sequence[]): void {
    const { waitingSize } = this.#limits;
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
    const largest = Math.max(0, ...sequences.map(({ capacity }) => this.#caches.bytes(capacity)));
    if (largest > this.#caches.limit) {
      throw new InferenceError('INFERENCE_CACHE_TOO_SMALL', {
        en: `one sequence needs ${largest} bytes of cache, the engine has ${this.#caches.limit}: lower max_tokens or raise cacheBytes`,
        zh: `一条序列需要 ${largest} 字节缓存，引擎只有 ${this.#caches.limit}：请减小 max_tokens，或增大 cacheBytes`,
      });
    }
  }

  /** Puts a request into the queue. @param sequences not yet finished, at least one */
  add(generation: GenerationWriter, sequences: Sequence[]): void {
    this.#unfinished.set(generation, sequences.length);
    this.#waiting.push({ generation, sequences });
  }

  /** Lets in whoever has room now, and shares out the tokens of a step. */
  next(): Turn[] {
    this.#admit();
    let budget = Math.max(this.#limits.stepTokens, this.#limits.batchSize);
    return this.#running.map(({ sequence }, place) => {
      // Everyone behind gets at least one token of the step, and so does who stands behind a prompt that takes more than all.
      const segment = sequence.segment(Math.max(1, budget - (this.#running.length - place - 1)));
      budget -= segment.ids.length;
      return { sequence, segment };
    });
  }

  /** A sequence has its answer. */
  finish(sequence: Sequence): void {
    const running = this.#running.find((one) => one.sequence === sequence);
    if (running !== undefined) this.#load.record(performance.now() - running.since);
    this.#release((one) => one === running);
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
  fail(reason: Error): void {
    const affected = new Set(this.#running.map(({ sequence }) => sequence.generation));
    const first = this.#waiting[0];
    if (affected.size === 0 && first !== undefined) affected.add(first.generation);
    for (const generation of affected) this.drop(generation, reason);
  }

  /** Takes a request out wherever it is. */
  drop(generation: GenerationWriter, reason: Error): void {
    if (!this.#unfinished.delete(generation)) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.generation !== generation);
    this.#release(({ sequence }) => sequence.generation === generation);
    generation.end(reason);
  }

  dropAll(reason: () => Error): void {
    for (const generation of [...this.#unfinished.keys()]) this.drop(generation, reason());
  }

  #admit(): void {
    while (this.#running.length < this.#limits.batchSize) {
      const first = this.#waiting[0];
      const sequence = first?.sequences[0];
      if (first === undefined || sequence === undefined || !this.#caches.hasRoom(sequence.capacity)) return;
      const cache = this.#caches.take(sequence.capacity);
      sequence.cache = cache;
      this.#running.push({ sequence, cache, since: performance.now() });
      this.#waiting.shift();
      first.sequences.shift();
      if (first.sequences.length > 0) this.#waiting.push(first);
    }
  }

  #release(leaves: (running: Running) => boolean): void {
    for (const { cache } of this.#running.filter(leaves)) this.#caches.giveBack(cache);
    this.#running = this.#running.filter((running) => !leaves(running));
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

  #countWaiting(): number {
    return this.#waiting.reduce((sum, { sequences }) => sum + sequences.length, 0);
  }
}
