import { type Batch, viewOf } from './abi.ts';

/** The columns of a llama_batch, in llama.cpp's memory. */
export class BatchColumns {
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #sequences: readonly Int32Array[];
  readonly #wanted: Int8Array;

  constructor(batch: Batch, size: number) {
    this.#tokens = viewOf(Int32Array, batch.token, size);
    this.#positions = viewOf(Int32Array, batch.pos, size);
    this.#wanted = viewOf(Int8Array, batch.logits, size);
    this.#sequences = Array.from(viewOf(BigUint64Array, batch.seq_id, size), (list) => viewOf(Int32Array, list, 1));
    viewOf(Int32Array, batch.n_seq_id, size).fill(1);
  }

  fill(at: number, ids: readonly number[], position: number, sequence: number, rows: number): void {
    ids.forEach((id, index) => {
      const place = at + index;
      this.#tokens[place] = id;
      this.#positions[place] = position + index;
      this.#sequences[place]![0] = sequence;
      this.#wanted[place] = index >= ids.length - rows ? 1 : 0;
    });
  }
}
