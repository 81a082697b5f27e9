/**
 * Rows of whole examples beside each other that do not see each other: each reads its own tokens alone, at positions from 0, and only
 * what is learnt counts. What stays empty is padding. Which examples share a row depends on their lengths, the order on (seed, epoch).
 */

import { setImmediate } from 'node:timers/promises';

import { type RowCounts, RowLayout, RowOrder } from '../data/document-rows.ts';
import { foldKey } from '../data/permutation.ts';
import { IGNORED } from '../data/row-masks.ts';
import type { StepRow } from '../data/step-rows.ts';
import { meanLoss } from '../evaluate.ts';
import { Mesh } from '../parallel/mesh.ts';
import type { Way } from '../parallel/passage.ts';
import type { RunPlan } from '../recipe/plan.ts';
import type { Evaluation } from '../run/run-log.ts';
import type { DataPrint, TrainingRows } from '../training-rows.ts';
import { predictionsOf } from './encode-example.ts';
import type { ExampleSets } from './example-sets.ts';
import type { Examples } from './example-store.ts';
import { mixedRow, type Replay } from './replay.ts';

export class ExampleRows implements TrainingRows {
  readonly names: readonly string[];
  readonly prints: readonly DataPrint[];
  readonly #train: EpochRows;
  readonly #replay: EpochRows | undefined;
  readonly #share: number;
  readonly #validation: PackedExamples;
  readonly #plan: RunPlan;

  /** @param place of the data, said in errors */
  constructor(sets: ExampleSets, plan: RunPlan, place: string, replay?: Replay) {
    const { examples: documents, tokens } = sets.counts.train;
    const print = { place, documents, tokens, sha256: sets.sha256 };
    this.#train = new EpochRows(sets.train, plan, 0);
    this.#validation = new PackedExamples(sets.validation, plan.sequenceLength);
    this.#plan = plan;
    this.#share = replay?.share ?? 0;
    if (replay === undefined) {
      [this.names, this.prints] = [['examples'], [print]];
      return;
    }
    const { pieces, sha256 } = replay;
    const read = pieces.reduce((sum, { ids }) => sum + ids.length, 0);
    // The share decides which row is whose: a run that goes on under another one would be another run.
    const other = { place: replay.place, documents: pieces.length, tokens: read, sha256: `${sha256}/${replay.share}` };
    [this.names, this.prints] = [
      ['examples', 'replay'],
      [print, other],
    ];
    this.#replay = new EpochRows(pieces, plan, 1);
  }

  get counts(): readonly RowCounts[] {
    return [this.#train, this.#replay].flatMap((rows) => (rows === undefined ? [] : [rows.counts]));
  }

  rows(first: number, count: number): StepRow[] {
    return Array.from({ length: count }, (_, row) => this.#rowAt(first + row));
  }

  #rowAt(n: number): StepRow {
    if (this.#replay === undefined) return this.#train.row(n);
    const { replay, index } = mixedRow(n, this.#share);
    if (!replay) return this.#train.row(index);
    // A row of text has many more tokens that are learnt than one of short answers: it shall count as much, not drown them.
    const row = this.#replay.row(index);
    return { ...row, counted: row.counted * (this.#train.meanLearnt / this.#replay.meanLearnt) };
  }

  async evaluate(way: Way, signal?: AbortSignal, mesh = Mesh.alone()): Promise<Evaluation | undefined> {
    const order = this.#validation.order(0);
    const { rows: all } = this.#validation.counts;
    const { microBatch, device } = this.#plan;
    const own = { sum: 0, count: 0 };
    for (const batch of mesh.share(Math.ceil(all / microBatch))) {
      await setImmediate(); // a signal is heard between two batches
      if (signal?.aborted) return undefined;
      const first = batch * microBatch;
      const length = Math.min(microBatch, all - first);
      const rows = Array.from({ length }, (_, row) => this.#validation.row(order, first + row));
      const counted = rows.reduce((total, row) => total + row.counted, 0);
      own.sum += counted * meanLoss(way, rows, device);
      own.count += counted;
    }
    const copies = mesh.gatherCounted(own);
    const [sum, count] = [
      copies.reduce((total, copy) => total + copy.sum, 0),
      copies.reduce((total, copy) => total + copy.count, 0),
    ];
    return { loss: sum / count, lossBySource: { examples: sum / count }, tokens: count };
  }
}

/** How many rows an epoch of the examples takes. */
export function rowsOf(examples: Examples, rowLength: number): number {
  return new PackedExamples(examples, rowLength).counts.rows;
}

/** Rows of one source, epoch after epoch, each in an order of its own. */
class EpochRows {
  readonly #examples: PackedExamples;
  readonly #seed: number;
  readonly #source: number;
  /** Tokens that are learnt, a row. */
  readonly meanLearnt: number;
  #epoch: { readonly number: number; readonly order: RowOrder } | undefined;

  constructor(examples: Examples, { sequenceLength, seed }: RunPlan, source: number) {
    this.#examples = new PackedExamples(examples, sequenceLength);
    this.#seed = source === 0 ? seed : foldKey(seed, source);
    this.#source = source;
    let learnt = 0;
    for (const one of examples) learnt += one.learnt.reduce((total, mark) => total + mark, 0);
    this.meanLearnt = learnt / this.counts.rows;
  }

  get counts(): RowCounts {
    return this.#examples.counts;
  }

  row(n: number): StepRow {
    const { rows } = this.counts;
    const number = Math.floor(n / rows);
    if (this.#epoch?.number !== number)
      this.#epoch = { number, order: this.#examples.order(foldKey(this.#seed, number)) };
    return { ...this.#examples.row(this.#epoch.order, n % rows), source: this.#source };
  }
}

class PackedExamples {
  readonly #examples: Examples;
  readonly #layout: RowLayout;
  readonly #rowLength: number;

  constructor(examples: Examples, rowLength: number) {
    this.#examples = examples;
    this.#rowLength = rowLength;
    const lengths = Uint32Array.from(examples, predictionsOf);
    const tokenCount = lengths.reduce((sum, length) => sum + length, 0);
    const documentLength = (index: number) => lengths[index]!;
    this.#layout = new RowLayout({ documentCount: lengths.length, tokenCount, documentLength }, rowLength);
  }

  get counts(): RowCounts {
    return this.#layout.counts;
  }

  order(key: number): RowOrder {
    return new RowOrder(this.#layout, key);
  }

  row(order: RowOrder, index: number): StepRow {
    const T = this.#rowLength;
    const [ids, targets] = [new Int32Array(T), new Int32Array(T).fill(IGNORED)];
    const [first, positions] = [new Int32Array(T), new Int32Array(T)];
    let at = 0;
    let counted = 0;
    const place = (length: number) => {
      first.fill(at, at, at + length);
      for (let t = 0; t < length; t++) positions[at + t] = t;
    };
    for (const { document, length } of order.row(index)) {
      const example = this.#examples.at(document)!;
      ids.set(example.ids.subarray(0, length), at);
      for (let t = 0; t < length; t++) {
        if (example.learnt[t + 1] !== 1) continue;
        targets[at + t] = example.ids[t + 1]!;
        counted++;
      }
      place(length);
      at += length;
    }
    place(T - at);
    return { source: 0, ids, targets, first, positions, counted };
  }
}
