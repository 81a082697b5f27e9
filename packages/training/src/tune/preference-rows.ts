/**
 * Rows of pairs of answers, for learning which is preferred. Both answers of a pair stand in one row, each behind its prompt and at
 * positions of its own; they do not see each other. The log-probabilities under the model that the run begins with are computed once,
 * before the first step, and kept with the run.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { LanguageModel } from '@tunan/model';
import { type Device, readSafetensors, scope, type Tensor, tensor, writeSafetensors } from '@tunan/torch';
import { batchOf } from '../data/batch.ts';
import { type RowCounts, RowLayout, RowOrder } from '../data/document-rows.ts';
import { foldKey } from '../data/permutation.ts';
import { IGNORED } from '../data/row-masks.ts';
import type { StepRow } from '../data/step-rows.ts';
import type { TrainingError } from '../errors.ts';
import { Mesh } from '../parallel/mesh.ts';
import { ModelShare } from '../parallel/model-share.ts';
import type { Way } from '../parallel/passage.ts';
import type { RunPlan } from '../recipe/plan.ts';
import type { Evaluation } from '../run/run-log.ts';
import type { DataPrint, ObjectiveLoss, TrainingRows } from '../training-rows.ts';
import { type EncodedAnswer, type EncodedExample, predictionsOf } from './encode-example.ts';
import type { ExampleSets } from './example-sets.ts';
import type { Examples } from './example-store.ts';
import { badExamples } from './examples.ts';
import { type AnswerPair, preferenceLoss } from './preference-loss.ts';

const REFERENCE = 'reference.safetensors';

/** Where the answers of a pair stand in its row. */
interface PlacedPair {
  readonly index: number;
  readonly chosen: number;
  readonly rejected: number;
  readonly end: number;
}

interface PairRow extends StepRow {
  readonly pairs: readonly PlacedPair[];
  readonly set: PairSet;
}

/** What a model and the one that the run begins with say of a pair. */
interface Seen {
  readonly index: number;
  readonly policy: AnswerPair;
  readonly reference: AnswerPair;
}

type EncodedPair = EncodedExample & { readonly rejected: EncodedAnswer };

export class PreferenceRows implements TrainingRows {
  readonly names: readonly string[] = ['examples'];
  readonly prints: readonly DataPrint[];
  readonly #train: PairSet;
  readonly #validation: PairSet;
  readonly #plan: RunPlan;
  readonly #sha256: string;
  #epoch: { readonly number: number; readonly order: RowOrder } | undefined;

  /**
   * @param place of the data, said in errors
   * @throws TrainingError TRAINING_BAD_EXAMPLES for examples that are no preferences
   */
  constructor(sets: ExampleSets, plan: RunPlan, place: string) {
    const { examples: documents, tokens } = sets.counts.train;
    this.prints = [{ place, documents, tokens, sha256: sets.sha256 }];
    this.#train = new PairSet(requirePairs(sets.train, place), plan.sequenceLength);
    this.#validation = new PairSet(requirePairs(sets.validation, place), plan.sequenceLength);
    this.#plan = plan;
    this.#sha256 = sets.sha256;
  }

  get counts(): readonly RowCounts[] {
    return [this.#train.counts];
  }

  /** Finds or makes what the model that the run begins with says of every answer. Needed before anything else; may be stopped. */
  async prepare(directory: string, signal?: AbortSignal, mesh = Mesh.alone()): Promise<void> {
    const { from } = this.#plan;
    const file = path.join(directory, REFERENCE);
    const key = `${from!.sha256} ${this.#sha256}`;
    const kept = await mesh.once(() => this.#read(file, key));
    if (kept !== undefined) {
      for (const [at, [, { reference }]] of this.#sets.entries()) reference.set(kept[at]!);
      return;
    }
    using share = ModelShare.frozen(this.#plan, mesh, from!.directory);
    for (const [, set] of this.#sets) {
      const found = await this.#found(set, share.way, signal, mesh);
      if (found === undefined) return;
      for (const { index, policy } of found) set.reference.set([policy.chosen, policy.rejected], 2 * index);
    }
    await mesh.once(() =>
      scope(() => {
        const tensors = this.#sets.map(([name, { reference }]) => [name, tensor(reference)] as const);
        writeSafetensors(file, new Map(tensors), { key });
      }),
    );
  }

  /** Of each set what is kept under the key; undefined where nothing is. */
  #read(file: string, key: string): Float64Array[] | undefined {
    if (!existsSync(file)) return undefined;
    using kept = readSafetensors(file);
    if (kept.metadata.key !== key) return undefined;
    return this.#sets.map(([name]) => scope(() => kept.get(name).clone().toArray()) as Float64Array);
  }

  /** What a model says of every answer of a set; its batches are divided among the copies of the model. Undefined where the signal ended it. */
  async #found(set: PairSet, way: Way, signal: AbortSignal | undefined, mesh: Mesh): Promise<Seen[] | undefined> {
    const order = new RowOrder(set.layout, 0);
    const { microBatch, device } = this.#plan;
    const found: Seen[] = [];
    for (const batch of mesh.share(Math.ceil(set.counts.rows / microBatch))) {
      await setImmediate(); // a signal is heard between two batches
      if (signal?.aborted) return undefined;
      const first = batch * microBatch;
      const length = Math.min(microBatch, set.counts.rows - first);
      const rows = Array.from({ length }, (_, row) => set.row(order, first + row));
      found.push(...logProbabilities(way, rows, device));
    }
    return mesh.gatherCounted(found).flat();
  }

  get #sets(): readonly (readonly [string, PairSet])[] {
    const both = [['train', this.#train] as const, ['validation', this.#validation] as const];
    return both.filter(([, { counts }]) => counts.rows > 0);
  }

  rows(first: number, count: number): StepRow[] {
    return Array.from({ length: count }, (_, row) => this.#rowAt(first + row));
  }

  #rowAt(n: number): StepRow {
    const perEpoch = this.#train.counts.rows;
    const number = Math.floor(n / perEpoch);
    if (this.#epoch?.number !== number)
      this.#epoch = { number, order: new RowOrder(this.#train.layout, foldKey(this.#plan.seed, number)) };
    return this.#train.row(this.#epoch.order, n % perEpoch);
  }

  readonly objective = (model: LanguageModel, hidden: Tensor, rows: readonly StepRow[]): ObjectiveLoss => {
    const pairs = (rows as readonly PairRow[]).flatMap((row, index) => pairLosses(model, hidden.select(0, index), row));
    const judged = pairs.map((pair) => this.#judge(pair));
    const parts = pairs.flatMap(({ chosen, rejected }, at) => {
      const { slope } = judged[at]!;
      // Of losses, which are negative log-probabilities.
      return [chosen.mul(-slope / pairs.length), rejected.mul(slope / pairs.length)];
    });
    return { gradient: parts.reduce((sum, part) => sum.add(part)), ...means(judged) };
  };

  #judge({ policy, reference }: { readonly policy: AnswerPair; readonly reference: AnswerPair }) {
    return preferenceLoss(policy, reference, this.#plan.preference!);
  }

  async evaluate(way: Way, signal?: AbortSignal, mesh = Mesh.alone()): Promise<Evaluation | undefined> {
    const found = await this.#found(this.#validation, way, signal, mesh);
    if (found === undefined) return undefined;
    const judged = found.map((pair) => this.#judge(pair));
    const { loss, measures } = means(judged);
    return { loss, lossBySource: { examples: loss }, tokens: judged.length, measures };
  }
}

export function isPreference(example: EncodedExample): example is EncodedPair {
  return example.rejected !== undefined;
}

function requirePairs(examples: Examples, place: string): Examples {
  for (const example of examples) if (!isPreference(example)) throw noPair(`${place}:${example.line}`);
  return examples;
}

function noPair(place: string): TrainingError {
  return badExamples(
    place,
    'no chosen and rejected, which other examples have: preferences are learnt by themselves',
    '没有 chosen 与 rejected，而其他样例有：偏好对须单独训练',
  );
}

class PairSet {
  readonly layout: RowLayout;
  /** Log-probabilities of the chosen and the rejected answer of each pair. */
  readonly reference: Float64Array;
  readonly #pairs: Examples;
  readonly #rowLength: number;

  constructor(pairs: Examples, rowLength: number) {
    this.#pairs = pairs;
    this.#rowLength = rowLength;
    this.reference = new Float64Array(2 * pairs.length);
    const lengths = Uint32Array.from(pairs, predictionsOf);
    const tokenCount = lengths.reduce((sum, length) => sum + length, 0);
    const documentLength = (index: number) => lengths[index]!;
    this.layout = new RowLayout({ documentCount: pairs.length, tokenCount, documentLength }, rowLength);
  }

  get counts(): RowCounts {
    return this.layout.counts;
  }

  row(order: RowOrder, index: number): PairRow {
    const T = this.#rowLength;
    const [ids, targets] = [new Int32Array(T), new Int32Array(T).fill(IGNORED)];
    const [first, positions] = [new Int32Array(T), new Int32Array(T)];
    let at = 0;
    const begin = (length: number) => {
      first.fill(at, at, at + length);
      for (let t = 0; t < length; t++) positions[at + t] = t;
    };
    const put = ({ ids: own, learnt }: EncodedAnswer): number => {
      const [start, length] = [at, own.length - 1];
      ids.set(own.subarray(0, length), at);
      for (let t = 0; t < length; t++) if (learnt[t + 1] === 1) targets[at + t] = own[t + 1]!;
      begin(length);
      at += length;
      return start;
    };
    const pairs = order.row(index).map(({ document }): PlacedPair => {
      const pair = this.#pairs.at(document) as EncodedPair;
      const chosen = put(pair);
      return { index: document, chosen, rejected: put(pair.rejected), end: at };
    });
    // Padding stands at position 0 throughout: there may be more of it than the model has positions.
    first.fill(at, at);
    // Each pair counts as one.
    return { source: 0, ids, targets, first, positions, counted: pairs.length, pairs, set: this };
  }
}

/** Negative log-probabilities of the answers of a row as scalars, and their values. hidden (T, C). */
function pairLosses(model: LanguageModel, hidden: Tensor, { pairs, targets, set }: PairRow) {
  const lossOf = (start: number, end: number): Tensor => {
    const places: number[] = [];
    for (let t = start; t < end; t++) if (targets[t] !== IGNORED) places.push(t);
    const int64 = (values: number[]) => tensor(values, { dtype: 'int64', device: model.device });
    const answer = hidden.indexSelect(0, int64(places));
    return model.hiddenLoss(answer, int64(places.map((t) => targets[t]!))).mul(places.length);
  };
  return pairs.map(({ index, chosen: start, rejected: middle, end }) => {
    const [chosen, rejected] = [lossOf(start, middle), lossOf(middle, end)];
    const [first, second] = set.reference.subarray(2 * index, 2 * index + 2) as unknown as [number, number];
    const policy: AnswerPair = { chosen: -chosen.item(), rejected: -rejected.item() };
    return { index, chosen, rejected, policy, reference: { chosen: first, rejected: second } };
  });
}

/** Those of both answers of each pair, and the reference's. */
function logProbabilities(way: Way, rows: readonly PairRow[], device: Device): Seen[] {
  const found = way.see(
    () => batchOf(rows, device),
    (model, hidden) =>
      rows.flatMap((row, at) =>
        pairLosses(model, hidden.select(0, at), row).flatMap(({ policy }) => [policy.chosen, policy.rejected]),
      ),
  );
  const pairs = rows.flatMap(({ pairs: own, set }) => own.map(({ index }) => ({ index, set })));
  return pairs.map(({ index, set }, at) => {
    const pair = (values: ArrayLike<number>, first: number) => ({
      chosen: values[first]!,
      rejected: values[first + 1]!,
    });
    return { index, policy: pair(found, 2 * at), reference: pair(set.reference, 2 * index) };
  });
}

function means(judged: readonly ReturnType<typeof preferenceLoss>[]): Pick<ObjectiveLoss, 'loss' | 'measures'> {
  const mean = (of: (one: (typeof judged)[number]) => number) =>
    judged.reduce((sum, one) => sum + of(one), 0) / judged.length;
  return {
    loss: mean(({ loss }) => loss),
    measures: {
      accuracy: mean(({ chosenReward, rejectedReward }) => (chosenReward > rejectedReward ? 1 : 0)),
      margin: mean(({ chosenReward, rejectedReward }) => chosenReward - rejectedReward),
      chosenReward: mean(({ chosenReward }) => chosenReward),
      rejectedReward: mean(({ rejectedReward }) => rejectedReward),
    },
  };
}
