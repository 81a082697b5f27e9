/**
 * The decoder of llama.cpp: a context whose numbered sequences are the caches. All segments of a step go into one batch; the logits are
 * read where llama.cpp left them. A batch is computed in another thread, but a short one here: waking a thread and being woken by it
 * would take as long as a small model's step, and where all cores compute, nothing else could run meanwhile anyway.
 *
 * Every sequence has positions of its own, as many as the context is long: attention then costs what a sequence holds, and not what
 * all of them hold together. That memory is taken when the context is made.
 *
 * A context computes under one adapter at a time: of a step the segments of each adapter are batches of their own, so that every sequence
 * goes on in every step, whatever its adapter.
 */
import { availableParallelism } from 'node:os';
import { InferenceError } from '../../errors.ts';
import type { Decoder, Opening, Outcome, Segment } from '../local/decoder.ts';
import { type Batch, type Pointer, viewOf } from './abi.ts';
import { BatchColumns } from './batch-columns.ts';
import type { LlamaLibrary, Threads } from './library.ts';
import type { LlamaEmbedder } from './llama-embedder.ts';
import { placeFor, Slot } from './sequence-slots.ts';

export interface LlamaDecoderParts {
  readonly library: LlamaLibrary;
  /** Both are the decoder's from now on. */
  readonly model: Pointer;
  readonly context: Pointer;
  readonly device: string;
  /** Positions of each sequence. */
  readonly contextLength: number;
  /** The most positions that the model has learnt. */
  readonly trainedLength: number;
  /** Of keys and values, for one position. */
  readonly positionBytes: number;
  readonly vocabularySize: number;
  readonly sequences: number;
  readonly threads: number;
  /** Tokens and rows of logits of one batch, at most. */
  readonly batchTokens: number;
  readonly batchRows: number;
  /** Of the model, with which they go, by name. */
  readonly adapters: ReadonlyMap<string, Pointer>;
  /** Of the same model; the decoder's from now on. */
  readonly embedder: LlamaEmbedder;
}

/** A segment's tokens from `first` on that go into one batch. */
interface Piece {
  readonly place: number;
  readonly first: number;
  readonly ids: readonly number[];
  /** The logits of its last so many tokens are wanted. */
  readonly rows: number;
}

/** Pieces that are computed together, under one adapter. */
interface PieceBatch {
  readonly adapter: string | undefined;
  readonly pieces: readonly Piece[];
}

/** Milliseconds of a short batch, where cores are left for this thread meanwhile and where none are: the event loop stands still so long. */
const SHORT = { coresLeft: 2, noCoresLeft: 50 };

/** What is known of a batch's time grows by this with each that took longer. */
const FORGET = 1.1;

/** A batch on its way. */
interface Run {
  readonly pieces: readonly Piece[];
  readonly tokens: number;
  /** In performance.now()'s milliseconds. */
  readonly since: number;
}

export class LlamaDecoder implements Decoder<Slot> {
  readonly kind = 'llama.cpp';
  readonly device: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly promptAttention = 'causal';
  readonly capacityLimit: number;
  readonly #parts: LlamaDecoderParts;
  readonly #memory: Pointer | null;
  readonly #batch: Batch;
  readonly #columns: BatchColumns;
  readonly #threads: Threads | undefined;
  readonly #slots: readonly Slot[];
  /** Under which the context computes. */
  #adapter: string | undefined;
  readonly #short: number;
  #uses = 0;
  /** By the tokens of a batch, what it took of late: the least, for other programs make it longer. */
  readonly #milliseconds = new Map<number, number>();
  #logits: { readonly address: Pointer; readonly view: Float32Array } | undefined;

  constructor(parts: LlamaDecoderParts) {
    const { library, context, sequences, batchTokens } = parts;
    const { functions } = library;
    this.#parts = parts;
    this.device = parts.device;
    this.contextLength = parts.trainedLength;
    this.vocabularySize = parts.vocabularySize;
    this.capacityLimit = parts.contextLength;
    this.#memory = functions.llama_get_memory(context);
    this.#batch = functions.llama_batch_init(batchTokens, 0, 1);
    this.#columns = new BatchColumns(this.#batch, batchTokens);
    this.#slots = Array.from({ length: sequences }, (_, number) => new Slot(number));
    this.#threads = library.startThreads(parts.threads);
    this.#short = availableParallelism() > parts.threads ? SHORT.coresLeft : SHORT.noCoresLeft;
    if (this.#threads !== undefined) functions.llama_attach_threadpool(context, this.#threads.pool, null);
  }

  get keptBytes(): number {
    const kept = this.#slots.reduce((sum, { isOpen, length }) => sum + (isOpen ? 0 : length), 0);
    return kept * this.#parts.positionBytes;
  }

  open(opening: Opening): Slot | 'full' | 'later' {
    const place = placeFor(this.#slots, opening);
    if (typeof place === 'string') return place;
    const { slot, kept, copyFrom } = place;
    if (copyFrom !== undefined) this.#copy(copyFrom, slot);
    this.#cut(slot, kept);
    slot.prompt = opening.ids;
    slot.adapter = opening.adapter;
    slot.isOpen = true;
    slot.lastUse = ++this.#uses;
    return slot;
  }

  extend(segments: readonly Segment<Slot>[]): Outcome[] | Promise<Outcome[]> {
    const batches = this.#batchesOf(segments);
    const [only] = batches;
    if (only === undefined || batches.length > 1 || !this.#isShort(only)) return this.#extendApart(batches, segments);
    const { context, library } = this.#parts;
    try {
      const run = this.#begin(only, segments);
      this.#end(run, library.functions.llama_decode_here(context, this.#batch));
      return this.#outcomes(segments, this.#rowsOf(run));
    } catch (error) {
      throw this.#broken(segments, error);
    }
  }

  async #extendApart(batches: readonly PieceBatch[], segments: readonly Segment<Slot>[]): Promise<Outcome[]> {
    const { context, library } = this.#parts;
    const logits = new Map<number, Float32Array>();
    try {
      for (const batch of batches) {
        const run = this.#begin(batch, segments);
        this.#end(run, await library.functions.llama_decode(context, this.#batch));
        for (const [place, rows] of this.#rowsOf(run)) {
          // The next batch writes over what this one left.
          logits.set(place, batches.length === 1 ? rows : joined(logits.get(place) ?? EMPTY, rows));
        }
      }
    } catch (error) {
      throw this.#broken(segments, error);
    }
    return this.#outcomes(segments, logits);
  }

  /** Nobody knows what the caches hold. */
  #broken(segments: readonly Segment<Slot>[], error: unknown): unknown {
    for (const { cache } of segments) cache.isBroken = true;
    return error;
  }

  #outcomes(segments: readonly Segment<Slot>[], logits: ReadonlyMap<number, Float32Array>): Outcome[] {
    for (const { cache, ids } of segments) cache.tokens.push(...ids);
    return segments.map((_, place) => ({ logits: logits.get(place) ?? EMPTY }));
  }

  /** @throws InferenceError for a text that is longer than a sequence may be */
  async meanHidden(ids: readonly number[], adapter: string | undefined): Promise<Float32Array> {
    if (ids.length > this.capacityLimit) throw tooLong(ids.length, this.capacityLimit);
    const { embedder, adapters } = this.#parts;
    return await embedder.embed(ids, adapter === undefined ? undefined : adapters.get(adapter));
  }

  close(slot: Slot, ids: readonly number[]): void {
    slot.isOpen = false;
    slot.prompt = [];
    slot.lastUse = ids.length === 0 ? 0 : ++this.#uses;
    if (slot.isBroken || ids.length === 0) this.#cut(slot, 0);
  }

  [Symbol.dispose](): void {
    const { library, model, context, embedder } = this.#parts;
    const { functions } = library;
    this.#logits = undefined;
    if (this.#threads !== undefined) functions.llama_detach_threadpool(context);
    functions.llama_batch_free(this.#batch);
    functions.llama_free(context);
    this.#threads?.free();
    embedder.close(() => functions.llama_model_free(model));
  }

  /** One batch for each adapter, but where many rows of logits are wanted at once; the adapter in use first, for changing it costs time. */
  #batchesOf(segments: readonly Segment<Slot>[]): PieceBatch[] {
    const { batchTokens, batchRows } = this.#parts;
    const batches: PieceBatch[] = [];
    let pieces: Piece[] = [];
    let [tokens, rows] = [0, 0];
    let current = this.#adapter;
    const flush = () => {
      if (pieces.length > 0) batches.push({ adapter: current, pieces });
      pieces = [];
      [tokens, rows] = [0, 0];
    };
    const adapters = new Set([current, ...segments.map(({ adapter }) => adapter)]);
    const places = [...adapters].flatMap((adapter) =>
      segments.flatMap((segment, place) => (segment.adapter === adapter ? [place] : [])),
    );
    for (const place of places) {
      const { ids, logits, adapter } = segments[place]!;
      if (adapter !== current) flush();
      current = adapter;
      for (let first = 0; first < ids.length; ) {
        if (tokens === batchTokens || (logits !== 'none' && rows === batchRows)) flush();
        const room = Math.min(batchTokens - tokens, logits === 'all' ? batchRows - rows : Number.POSITIVE_INFINITY);
        const some = first === 0 && room >= ids.length ? ids : ids.slice(first, first + room);
        const isEnd = first + some.length === ids.length;
        const wanted = logits === 'all' ? some.length : logits === 'last' && isEnd ? 1 : 0;
        pieces.push({ place, first, ids: some, rows: wanted });
        first += some.length;
        tokens += some.length;
        rows += wanted;
      }
    }
    flush();
    return batches;
  }

  #use(name: string | undefined): void {
    if (name === this.#adapter) return;
    const { library, context, adapters } = this.#parts;
    const adapter = name === undefined ? undefined : adapters.get(name);
    if (name !== undefined && adapter === undefined) throw new Error(`there is no adapter ${name}`);
    const [list, scales] = adapter === undefined ? [null, null] : [BigUint64Array.of(adapter), Float32Array.of(1)];
    const status = library.functions.llama_set_adapters_lora(context, list, list?.length ?? 0, scales);
    if (status !== 0) throw new Error(`llama_set_adapters_lora answered ${status}`);
    this.#adapter = name;
  }

  #isShort({ pieces }: PieceBatch): boolean {
    const tokens = pieces.reduce((sum, { ids }) => sum + ids.length, 0);
    return (this.#milliseconds.get(tokens) ?? Number.POSITIVE_INFINITY) <= this.#short;
  }

  #begin({ adapter, pieces }: PieceBatch, segments: readonly Segment<Slot>[]): Run {
    this.#use(adapter);
    let tokens = 0;
    for (const { place, first, ids, rows } of pieces) {
      const { cache } = segments[place]!;
      this.#columns.fill(tokens, ids, cache.length + first, cache.number, rows);
      tokens += ids.length;
    }
    this.#batch.n_tokens = tokens;
    return { pieces, tokens, since: performance.now() };
  }

  #end({ tokens, since }: Run, status: number): void {
    const known = this.#milliseconds.get(tokens) ?? Number.POSITIVE_INFINITY;
    this.#milliseconds.set(tokens, Math.min(performance.now() - since, FORGET * known));
    if (status !== 0) throw new Error(`llama_decode of ${tokens} tokens answered ${status}`);
  }

  /** The logits that the last batch left, (rows, V) flat, by the place of their segment. */
  #rowsOf({ pieces }: Run): Map<number, Float32Array> {
    const counts = pieces.filter(({ rows }) => rows > 0);
    const all = this.#readLogits(counts.reduce((sum, { rows }) => sum + rows, 0));
    let begin = 0;
    const entries = counts.map(({ place, rows }): [number, Float32Array] => {
      const own = all.subarray(begin, begin + rows * this.vocabularySize);
      begin += own.length;
      return [place, own];
    });
    return new Map(entries);
  }

  #readLogits(rows: number): Float32Array {
    if (rows === 0) return EMPTY;
    const address = this.#parts.library.functions.llama_get_logits(this.#parts.context);
    const length = rows * this.vocabularySize;
    if (this.#logits?.address !== address || this.#logits.view.length !== length) {
      this.#logits = { address, view: viewOf(Float32Array, address, length) };
    }
    return this.#logits.view;
  }

  #copy(from: Slot, to: Slot): void {
    if (this.#memory === null) return;
    this.#parts.library.functions.llama_memory_seq_cp(this.#memory, from.number, to.number, -1, -1);
    to.tokens = [...from.tokens];
    to.isBroken = false;
  }

  /** Recurrent models cannot be cut in the middle: nothing of theirs is kept then. */
  #cut(slot: Slot, length: number): void {
    const { functions } = this.#parts.library;
    if (slot.isBroken || length < slot.length) {
      const isCut =
        this.#memory !== null && length > 0 && functions.llama_memory_seq_rm(this.#memory, slot.number, length, -1);
      if (!isCut && this.#memory !== null) functions.llama_memory_seq_rm(this.#memory, slot.number, -1, -1);
      slot.tokens.length = isCut ? length : 0;
    }
    slot.isBroken = false;
  }
}

const EMPTY = new Float32Array(0);

function joined(one: Float32Array, other: Float32Array): Float32Array {
  const both = new Float32Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function tooLong(tokens: number, most: number): InferenceError {
  const message = {
    en: `a text has ${tokens} tokens, and the memory of this engine is enough for ${most}: shorten it`,
    zh: `有一条文本含 ${tokens} 个词元，而此引擎的内存只够 ${most} 个：请缩短`,
  };
  return new InferenceError('INFERENCE_CACHE_TOO_SMALL', message);
}
