/**
 * Which sequences are in the batch, and how many tokens each is fed in the next step.
 *
 * Fair: requests take turns to put a sequence into the batch; within a request the order is that of its prompts; the
 * first in line is never overtaken because it is large. A long prompt is fed in pieces (step-shares.ts), so that it does not hold up
 * the others. Bounded: sequences in the batch, bytes of caches, waiting sequences and the time that they wait all have limits;
 * beyond the third a request is refused at once. Computes nothing: of the decoder it opens and closes the caches.
 */
import type { Occupancy } from '../../engine.ts';
import { InferenceError, waitedTooLong } from '../../errors.ts';
import type { GenerationWriter } from '../../generation.ts';
import type { Decoder, DecoderCache, Segment } from './decoder.ts';
import { LoadEstimate } from './load-estimate.ts';
import type { Sequence } from './sequence.ts';
import { stepShares } from './step-shares.ts';

export interface SchedulerLimits {
  /** Sequences in the batch. */
  readonly batchSize: number;
  /** Sequences that may wait. */
  readonly waitingSize: number;
  /** How long a request may wait before any of it comes into the batch. */
  readonly waitSeconds: number;
  /** Tokens fed in one step, of prompts and answers together; every sequence gets one, even where they are more. */
  readonly stepTokens: number;
}

interface Waiting {
  readonly generation: GenerationWriter;
  /** In order; the first is next. */
  readonly sequences: Sequence[];
  /** When it came, ms; undefined from when the first of its sequences is in the batch. */
  since: number | undefined;
}

interface Running<Cache> {
  readonly sequence: Sequence;
  readonly cache: Cache;
  /** When it came in, ms. */
  readonly since: number;
}

/** Tokens of the prompts of all sequences that have come into the batch, and those of them that were there already. */
interface OpenedTokens {
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

/** A sequence of the next step and what it is fed. */
export interface Turn<Cache extends DecoderCache> {
  readonly sequence: Sequence;
  readonly segment: Segment<Cache>;
}

export class Scheduler<Cache extends DecoderCache> {
  readonly #limits: SchedulerLimits;
  readonly #decoder: Decoder<Cache>;
  readonly #load: LoadEstimate;
  #waiting: Waiting[] = [];
  #running: Running<Cache>[] = [];
  /** Sequences not yet finished, for each request. */
  readonly #unfinished = new Map<GenerationWriter, number>();
  /** By adapter. */
  readonly #opened = new Map<string | undefined, OpenedTokens>();
  /** While the decoder computes: what to do when it has. */
  #afterStep: (() => void)[] | undefined;

  constructor(limits: SchedulerLimits, decoder: Decoder<Cache>) {
    this.#limits = limits;
    this.#decoder = decoder;
    this.#load = new LoadEstimate(limits.batchSize);
  }

  /** Of the sequences of one adapter, or of those without. */
  occupancy(adapter: string | undefined): Occupancy {
    const count = (sequences: readonly Sequence[]) => sequences.filter((one) => one.adapter === adapter).length;
    const waiting = this.#waiting.reduce((sum, { sequences }) => sum + count(sequences), 0);
    return { running: count(this.#running.map(({ sequence }) => sequence)), waiting };
  }

  opened(adapter: string | undefined): OpenedTokens {
    return this.#opened.get(adapter) ?? { promptTokens: 0, cachedTokens: 0 };
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
    const largest = Math.max(0, ...sequences.map(({ capacity }) => capacity));
    const { capacityLimit } = this.#decoder;
    if (largest > capacityLimit) {
      throw new InferenceError('INFERENCE_CACHE_TOO_SMALL', {
        en: `prompt and answer need ${largest} positions, the engine's cache holds ${capacityLimit}: lower max_tokens or raise cacheBytes`,
        zh: `提示与回答需要 ${largest} 个位置，引擎的缓存只有 ${capacityLimit} 个：请减小 max_tokens，或增大 cacheBytes`,
      });
    }
  }

  /** Puts a request into the queue. @param sequences not yet finished, at least one */
  add(generation: GenerationWriter, sequences: Sequence[]): void {
    this.#unfinished.set(generation, sequences.length);
    this.#waiting.push({ generation, sequences, since: performance.now() });
  }

  /** Lets in whoever has room now, and shares out the tokens of a step. Caches stay open until `stepEnds`. */
  stepBegins(): Turn<Cache>[] {
    this.#admit();
    this.#giveUpLate();
    if (this.#running.length === 0) throw new Error('the decoder opens no cache though none is open');
    this.#afterStep = [];
    const needs = this.#running.map(({ sequence, cache }) => sequence.length - cache.length);
    const shares = stepShares(needs, this.#limits.stepTokens);
    return this.#running.map(({ sequence, cache }, place) => {
      return { sequence, segment: { cache, ...sequence.feed(cache.length, shares[place]!) } };
    });
  }

  stepEnds(): void {
    const actions = this.#afterStep ?? [];
    this.#afterStep = undefined;
    for (const action of actions) action();
  }

  /** Now, or when the decoder has computed what it is computing. */
  betweenSteps(action: () => void): void {
    if (this.#afterStep === undefined) action();
    else this.#afterStep.push(action);
  }

  /** Whether a sequence of the last step is still wanted; its request may have been given up meanwhile. */
  isRunning(sequence: Sequence): boolean {
    return this.#running.some((running) => running.sequence === sequence);
  }

  /** A sequence has its answer. */
  finish(sequence: Sequence): void {
    const running = this.#running.find((one) => one.sequence === sequence);
    if (running !== undefined) this.#load.record(performance.now() - running.since);
    this.#release((one) => one === running, true);
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
    // None is there where the failure was in taking the last ones out: without an end they would wait for ever.
    const failing = affected.size > 0 ? affected : [...this.#unfinished.keys()];
    for (const generation of failing) this.#drop(generation, reason, false);
  }

  /** Takes a request out wherever it is. */
  drop(generation: GenerationWriter, reason: Error): void {
    this.#drop(generation, reason, true);
  }

  #drop(generation: GenerationWriter, reason: Error, keep: boolean): void {
    if (!this.#unfinished.delete(generation)) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.generation !== generation);
    this.#release(({ sequence }) => sequence.generation === generation, keep);
    generation.end(reason);
  }

  dropAll(reason: () => Error): void {
    for (const generation of [...this.#unfinished.keys()]) this.drop(generation, reason());
  }

  /** Who is told to come later lets others pass; who finds no room does not, so that nobody waits for ever for being large. */
  #admit(): void {
    const passed: Waiting[] = [];
    while (this.#running.length < this.#limits.batchSize) {
      const first = this.#waiting[0];
      const sequence = first?.sequences[0];
      if (first === undefined || sequence === undefined) break;
      const { opening } = sequence;
      const isLearnt = this.#running.some((running) => sequence.waitsFor(running.sequence));
      const cache = isLearnt ? 'later' : this.#decoder.open(opening);
      if (cache === 'full') break;
      this.#waiting.shift();
      if (cache === 'later') {
        passed.push(first);
        continue;
      }
      this.#running.push({ sequence, cache, since: performance.now() });
      const { promptTokens, cachedTokens } = this.opened(sequence.adapter);
      this.#opened.set(sequence.adapter, {
        promptTokens: promptTokens + opening.ids.length,
        cachedTokens: cachedTokens + cache.length,
      });
      sequence.noteCached(cache.length);
      first.sequences.shift();
      first.since = undefined;
      first.generation.accept();
      if (first.sequences.length > 0) this.#waiting.push(first);
    }
    this.#waiting.unshift(...passed);
  }

  #giveUpLate(): void {
    const { waitSeconds } = this.#limits;
    const latest = performance.now() - waitSeconds * 1000;
    for (const { generation, since } of this.#waiting) {
      if (since === undefined || since >= latest) continue;
      const retryAfter = this.#retryAfter(this.#countWaiting(), 1);
      this.drop(generation, waitedTooLong(waitSeconds, retryAfter));
    }
  }

  /** @param keep whether what was computed may serve others */
  #release(leaves: (running: Running<Cache>) => boolean, keep: boolean): void {
    const left = this.#running.filter(leaves);
    this.#running = this.#running.filter((running) => !leaves(running));
    this.betweenSteps(() => {
      for (const { sequence, cache } of left) this.#decoder.close(cache, keep ? sequence.tokens(cache.length) : []);
    });
  }

  #queueFull(waiting: number, sequences: number): InferenceError {
    const { waitingSize } = this.#limits;
    const retryAfter = this.#retryAfter(waiting + sequences - waitingSize, sequences);
    return new InferenceError(
      'INFERENCE_QUEUE_FULL',
      {
        en: `${waiting} sequences are waiting already and at most ${waitingSize} may: try again in about ${retryAfter} s`,
        zh: `已有 ${waiting} 条序列在等待，至多 ${waitingSize} 条：请约 ${retryAfter} 秒后再试`,
      },
      { retryAfter },
    );
  }

  /** Seconds until so many will have left the queue, for who has `sequences`. */
  #retryAfter(missing: number, sequences: number): number {
    const now = performance.now();
    const oldest = now - Math.min(now, ...this.#running.map(({ since }) => since));
    return this.#load.seconds(now, missing, sequences, oldest);
  }

  #countWaiting(): number {
    return this.#waiting.reduce((sum, { sequences }) => sum + sequences.length, 0);
  }
}
