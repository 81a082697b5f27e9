/**
 * Rows that begin at a document's beginning: whole documents beside each other, so that nothing is read from its middle on without need
 * and none is cut to fill a row.
 *
 * A document of n tokens, its `<eod>` included, is n predictions: the `<eod>` in front of it, which begins it, predicts the first. A row
 * is opened by the document that has waited longest and filled by the longest ones that still fit (best fit, among those that wait);
 * what then stays empty is padding, which no loss counts. A document longer than a row takes whole rows, and its rest opens one: the
 * only rows that begin elsewhere. Nothing is dropped.
 *
 * Which lengths share a row depends on the lengths alone, so that every epoch has as many rows; which of the documents of one length
 * stands where, and the order of the rows, is each epoch's own. Holds sixteen bytes a document.
 */

import type { DocumentLengths, DocumentSlice } from './epoch-order.ts';
import { foldKey, Permutation } from './permutation.ts';

/** Documents among which the best fit is looked for. */
const WAITING = 1024;
/** Of the order in which documents come to be packed: any one that does not put equal lengths together. */
const PACKING_KEY = 0x70616b;

/** What becomes of the documents of one epoch. */
export interface RowCounts {
  readonly rows: number;
  readonly documents: number;
  /** Documents longer than a row. */
  readonly cut: number;
  /** Predictions, of rows x T. */
  readonly filled: number;
}

export class RowLayout {
  readonly counts: RowCounts;
  /** Documents by length, empty ones left out: a document's place here is its rank. */
  readonly #byLength: Uint32Array;
  readonly #pieces: Pieces;
  readonly #source: DocumentLengths;

  /** @param rowLength T, predictions a row */
  constructor(source: DocumentLengths, rowLength: number) {
    const lengthOf = (document: number) => source.documentLength(document);
    this.#source = source;
    this.#byLength = Uint32Array.from({ length: source.documentCount }, (_, document) => document)
      .filter((document) => lengthOf(document) > 0)
      .sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
    const packer = new RowPacker(this.#byLength.map(lengthOf), rowLength);
    this.#pieces = packer.pack();
    this.counts = packer.counts;
  }

  /** The pieces of a row, from left to right, where `at` says which document has a rank. */
  row(index: number, at: (rank: number) => number): DocumentSlice[] {
    const { ranks, offsets, lengths, rowStarts } = this.#pieces;
    const slices: DocumentSlice[] = [];
    for (let piece = rowStarts[index]!; piece < rowStarts[index + 1]!; piece++)
      slices.push({ document: at(ranks[piece]!), offset: offsets[piece]!, length: lengths[piece]! });
    return slices;
  }

  /** The ranks of documents as long as that of `rank`: from `first` on, `count` of them. */
  sameLength(rank: number): { first: number; count: number } {
    const length = this.#lengthAt(rank);
    const first = this.#firstNotBelow(length);
    return { first, count: this.#firstNotBelow(length + 1) - first };
  }

  documentAt(rank: number): number {
    return this.#byLength[rank]!;
  }

  #lengthAt(rank: number): number {
    return this.#source.documentLength(this.#byLength[rank]!);
  }

  #firstNotBelow(length: number): number {
    let low = 0;
    let high = this.#byLength.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lengthAt(middle) < length) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** One epoch of a layout. */
export class RowOrder {
  readonly #layout: RowLayout;
  readonly #rows: Permutation;
  readonly #key: number;
  /** Of the documents of one length, by the first rank of it. */
  readonly #documents = new Map<number, Permutation>();

  constructor(layout: RowLayout, key: number) {
    this.#layout = layout;
    this.#key = key;
    this.#rows = new Permutation(layout.counts.rows, foldKey(key, 1));
  }

  /** The pieces of the `index`-th row taken in this epoch: at most T predictions, counted from the beginning of each document. */
  row(index: number): DocumentSlice[] {
    return this.#layout.row(this.#rows.at(index), (rank) => this.#documentAt(rank));
  }

  #documentAt(rank: number): number {
    const { first, count } = this.#layout.sameLength(rank);
    let order = this.#documents.get(first);
    if (order === undefined) {
      order = new Permutation(count, foldKey(this.#key, 2, first));
      this.#documents.set(first, order);
    }
    return this.#layout.documentAt(first + order.at(rank - first));
  }
}

/** Pieces of documents, row by row. */
interface Pieces {
  readonly ranks: Uint32Array;
  /** Predictions of the document in front of the piece. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** The first piece of each row, and the end. */
  readonly rowStarts: Uint32Array;
}

class RowPacker {
  readonly #lengths: Uint32Array;
  readonly #rowLength: number;
  readonly #waiting: WaitingDocuments;
  readonly #pieces: Pieces;
  #pieceCount = 0;
  #rows = 0;
  #cut = 0;

  /** @param lengths of the documents by rank, ascending */
  constructor(lengths: Uint32Array, rowLength: number) {
    this.#lengths = lengths;
    this.#rowLength = rowLength;
    this.#waiting = new WaitingDocuments(rowLength);
    const count = lengths.reduce((sum, length) => sum + Math.ceil(length / rowLength), 0);
    const array = (size: number) => new Uint32Array(size);
    this.#pieces = { ranks: array(count), offsets: array(count), lengths: array(count), rowStarts: array(count + 1) };
  }

  get counts(): RowCounts {
    const filled = this.#lengths.reduce((sum, length) => sum + length, 0);
    return { rows: this.#rows, documents: this.#lengths.length, cut: this.#cut, filled };
  }

  pack(): Pieces {
    const { length } = this.#lengths;
    const arrivals = length === 0 ? undefined : new Permutation(length, PACKING_KEY);
    for (let arrived = 0; arrived < length || this.#waiting.size > 0; ) {
      while (arrived < length && this.#waiting.size < WAITING) this.#take(arrivals!.at(arrived++));
      const rank = this.#waiting.oldest();
      if (rank !== undefined) this.#fillRow(rank, 0, this.#lengths[rank]!);
    }
    return { ...this.#pieces, rowStarts: this.#pieces.rowStarts.slice(0, this.#rows + 1) };
  }

  #take(rank: number): void {
    const length = this.#lengths[rank]!;
    if (length <= this.#rowLength) {
      this.#waiting.add(rank, length);
      return;
    }
    this.#cut++;
    for (let offset = 0; offset < length; offset += this.#rowLength)
      this.#fillRow(rank, offset, Math.min(this.#rowLength, length - offset));
  }

  /** A row that the given piece opens. */
  #fillRow(rank: number, offset: number, length: number): void {
    this.#add(rank, offset, length);
    let room = this.#rowLength - length;
    for (let next = this.#waiting.longest(room); next !== undefined; next = this.#waiting.longest(room)) {
      this.#add(next, 0, this.#lengths[next]!);
      room -= this.#lengths[next]!;
    }
    this.#pieces.rowStarts[++this.#rows] = this.#pieceCount;
  }

  #add(rank: number, offset: number, length: number): void {
    this.#pieces.ranks[this.#pieceCount] = rank;
    this.#pieces.offsets[this.#pieceCount] = offset;
    this.#pieces.lengths[this.#pieceCount] = length;
    this.#pieceCount++;
  }
}

/** Documents not yet in a row, to be had by age and by length. */
class WaitingDocuments {
  /** Those of each length, the oldest first. */
  readonly #byLength: number[][];
  /** Length by rank, the oldest first. */
  readonly #all = new Map<number, number>();

  constructor(longest: number) {
    this.#byLength = Array.from({ length: longest + 1 }, () => []);
  }

  get size(): number {
    return this.#all.size;
  }

  add(rank: number, length: number): void {
    this.#byLength[length]!.push(rank);
    this.#all.set(rank, length);
  }

  /** Takes the one that came first, which is the oldest of its length too. */
  oldest(): number | undefined {
    const [first] = this.#all;
    return first && this.#takeOf(first[1]);
  }

  /** Takes the longest of at most `room`. */
  longest(room: number): number | undefined {
    for (let length = room; length > 0; length--) {
      if (this.#byLength[length]!.length > 0) return this.#takeOf(length);
    }
    return undefined;
  }

  #takeOf(length: number): number {
    const rank = this.#byLength[length]!.shift()!;
    this.#all.delete(rank);
    return rank;
  }
}
