/**
 * One epoch of one source: its documents in a seeded order of their own, laid end to end (each brings its `<eod>`) and cut
 * into windows of T + 1 tokens every T tokens; the windows are taken in a seeded order too, so that a long book does not
 * fill a batch. The last tokens that make no whole window are left out of that epoch; another epoch cuts elsewhere.
 *
 * Holds twelve bytes a document. Any window is found with one binary search.
 */

import { foldKey, Permutation } from './permutation.ts';

export interface DocumentLengths {
  readonly documentCount: number;
  readonly tokenCount: number;
  documentLength(index: number): number;
}

/** A stretch of one document: `length` tokens from `offset` on. */
export interface DocumentSlice {
  readonly document: number;
  readonly offset: number;
  readonly length: number;
}

/** Windows in every epoch of a source, whatever its order. */
export function windowsPerEpoch(tokenCount: number, sequenceLength: number): number {
  return Math.max(0, Math.floor((tokenCount - 1) / sequenceLength));
}

export class EpochOrder {
  readonly #documents: Uint32Array; // in the order of the epoch
  readonly #starts: Float64Array; // token position of each, and the end
  readonly #windows: Permutation;
  readonly #sequenceLength: number;

  constructor(source: DocumentLengths, sequenceLength: number, key: number) {
    const order = new Permutation(source.documentCount, foldKey(key, 0));
    this.#documents = new Uint32Array(source.documentCount);
    this.#starts = new Float64Array(source.documentCount + 1);
    for (let place = 0; place < source.documentCount; place++) {
      const document = order.at(place);
      this.#documents[place] = document;
      this.#starts[place + 1] = this.#starts[place]! + source.documentLength(document);
    }
    this.#sequenceLength = sequenceLength;
    this.#windows = new Permutation(windowsPerEpoch(source.tokenCount, sequenceLength), foldKey(key, 1));
  }

  /** The stretches of documents that make the `index`-th window taken in this epoch: T + 1 tokens in all. */
  window(index: number): DocumentSlice[] {
    let position = this.#windows.at(index) * this.#sequenceLength;
    const end = position + this.#sequenceLength + 1;
    const slices: DocumentSlice[] = [];
    for (let place = this.#placeOf(position); position < end; place++) {
      const start = this.#starts[place]!;
      const length = Math.min(end, this.#starts[place + 1]!) - position;
      if (length > 0) slices.push({ document: this.#documents[place]!, offset: position - start, length });
      position += length;
    }
    return slices;
  }

  /** The place whose document holds the token at `position`. */
  #placeOf(position: number): number {
    let low = 0;
    let high = this.#documents.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= position) low = middle;
      else high = middle;
    }
    return low;
  }
}
