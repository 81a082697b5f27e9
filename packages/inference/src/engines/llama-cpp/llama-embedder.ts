/**
 * Vectors of texts by llama.cpp: the states of the last layer behind the final norm, as llama_get_embeddings gives them, pooled over the
 * tokens: averaged as the torch engine does, or the first or last alone where the file says that its model was trained so.
 *
 * Has a context of its own with one sequence, made at the first text and made anew for a longer one, so that it does not disturb the batch
 * of those who generate. Texts are fed in pieces: llama.cpp's own pooling would need room for all tokens of a text in one step.
 */
import { type Batch, type ContextParams, type Pointer, viewOf } from './abi.ts';
import { BatchColumns } from './batch-columns.ts';
import type { LlamaLibrary } from './library.ts';

/** enum llama_pooling_type: unspecified and none are averaged. */
export type Pooling = 'mean' | 'first' | 'last';
const LLAMA_POOLING_NONE = 0;

export interface LlamaEmbedderParts {
  readonly library: LlamaLibrary;
  readonly model: Pointer;
  /** Of the context that generates; sizes and outputs are the embedder's own. */
  readonly params: ContextParams;
  /** C */
  readonly width: number;
  readonly pooling: Pooling;
}

/** Tokens of a piece, at most. llama.cpp computes their logits too, and keeps room for them. */
const PIECE = 64;
/** A context is as long as the text, in steps of so many positions, so that it is seldom made anew. */
const STEP = 512;

interface Opened {
  readonly context: Pointer;
  readonly length: number;
  readonly batch: Batch;
  readonly columns: BatchColumns;
}

export class LlamaEmbedder {
  readonly #parts: LlamaEmbedderParts;
  readonly #piece: number;
  #opened: Opened | undefined;
  #running: Promise<unknown> | undefined;

  constructor(parts: LlamaEmbedderParts) {
    this.#parts = parts;
    this.#piece = Math.min(PIECE, parts.params.n_batch);
  }

  /** One text at a time. @param adapter of the model @returns (C,) @throws Error where llama.cpp has no memory for it */
  async embed(ids: readonly number[], adapter: Pointer | undefined): Promise<Float32Array> {
    const run = this.#embed(ids, adapter);
    this.#running = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      this.#running = undefined;
    }
  }

  /** Frees the context when nothing is computed any more. @param afterwards what must not go before */
  close(afterwards: () => void): void {
    const free = () => {
      this.#free();
      afterwards();
    };
    if (this.#running === undefined) free();
    else void this.#running.then(free);
  }

  async #embed(ids: readonly number[], adapter: Pointer | undefined): Promise<Float32Array> {
    const { library, width, pooling } = this.#parts;
    const { functions } = library;
    const { context, batch, columns } = await this.#open(ids.length);
    const [list, scales] = adapter === undefined ? [null, null] : [BigUint64Array.of(adapter), Float32Array.of(1)];
    const set = functions.llama_set_adapters_lora(context, list, list?.length ?? 0, scales);
    if (set !== 0) throw new Error(`llama_set_adapters_lora answered ${set}`);
    const memory = functions.llama_get_memory(context);
    if (memory !== null) functions.llama_memory_seq_rm(memory, 0, -1, -1);
    const sums = new Float64Array(width);
    for (let first = 0; first < ids.length; first += this.#piece) {
      const piece = ids.slice(first, first + this.#piece);
      columns.fill(0, piece, first, 0, piece.length);
      batch.n_tokens = piece.length;
      const status = await functions.llama_decode(context, batch);
      if (status !== 0) throw new Error(`llama_decode of ${piece.length} tokens for a vector answered ${status}`);
      const states = viewOf(Float32Array, functions.llama_get_embeddings(context), piece.length * width);
      for (let place = 0; place < piece.length; place++) {
        if (pooling === 'first' && first + place > 0) break;
        if (pooling === 'last' && first + place < ids.length - 1) continue;
        for (let i = 0; i < width; i++) sums[i]! += states[place * width + i]!;
      }
    }
    const count = pooling === 'mean' ? ids.length : 1;
    return Float32Array.from(sums, (sum) => sum / count);
  }

  async #open(least: number): Promise<Opened> {
    if (this.#opened !== undefined && this.#opened.length >= least) return this.#opened;
    this.#free();
    const { library, model, params } = this.#parts;
    const { functions } = library;
    const length = Math.ceil(least / STEP) * STEP;
    const { result: context, error } = await library.collectingErrors(() =>
      functions.llama_init_from_model(model, {
        ...params,
        ...{ n_ctx: length, n_seq_max: 1, n_batch: this.#piece, n_ubatch: this.#piece },
        ...{ n_outputs_max: this.#piece, n_outputs_max_per_seq: this.#piece },
        ...{ embeddings: true, pooling_type: LLAMA_POOLING_NONE },
      }),
    );
    if (context === null) throw new Error(`llama.cpp makes no context of ${length} tokens for vectors: ${error}`);
    const batch = functions.llama_batch_init(this.#piece, 0, 1);
    this.#opened = { context, length, batch, columns: new BatchColumns(batch, this.#piece) };
    return this.#opened;
  }

  #free(): void {
    if (this.#opened === undefined) return;
    const { library } = this.#parts;
    const { functions } = library;
    functions.llama_batch_free(this.#opened.batch);
    functions.llama_free(this.#opened.context);
    this.#opened = undefined;
  }
}
