/**
 * The order in which a run sees its data: `sampleAt(n)` is a function of (seed, data list, T, n) alone, whoever asks and
 * from wherever, so that a run resumes at any sample and on any number of processes. The mixture says which source and which
 * of its samples, the epoch's order says which tokens, the shards give them. A sample is a window of documents laid end to end
 * (epoch-order.ts), or a row of whole documents (document-rows.ts).
 */

import { TrainingError } from '../errors.ts';
import { type RowCounts, RowLayout, RowOrder } from './document-rows.ts';
import { type DocumentSlice, EpochOrder, windowsPerEpoch } from './epoch-order.ts';
import { Mixture } from './mixture.ts';
import { foldKey } from './permutation.ts';
import type { TokenSource } from './token-source.ts';

/** A batch may straddle two epochs of a source; more orders than that are not kept. */
const ORDERS_KEPT = 2;

export interface Sample {
  /** Index into the recipe's data list. */
  readonly source: number;
  /** T + 1 token ids: inputs are the first T, targets the last T. */
  readonly tokens: Int32Array;
  /** Predictions that are no padding, T at most. */
  readonly length: number;
}

/** How documents are laid into samples: end to end and cut every T tokens, or into rows that begin with a document. */
export type Packing = 'stream' | 'documents';

export interface DataOrderOptions {
  readonly seed: number;
  readonly sequenceLength: number;
  readonly packing: Packing;
  /** One for each source; maxEpochs may be a fraction, absent means for ever. */
  readonly data: readonly { readonly weight: number; readonly maxEpochs?: number | undefined }[];
}

export class DataOrder {
  /** Samples until every source has had its last epoch; Infinity when one has none. */
  readonly totalSamples: number;
  readonly #sources: readonly TokenSource[];
  readonly #options: DataOrderOptions;
  readonly #mixture: Mixture;
  /** Of each source where its rows begin with documents. */
  readonly #layouts: readonly RowLayout[];
  readonly #orders: Map<number, EpochOrder | RowOrder>[];

  /** @throws TrainingError TRAINING_MISSING_DATA when a source has not even one window */
  constructor(sources: readonly TokenSource[], options: DataOrderOptions) {
    this.#sources = sources;
    this.#options = options;
    const { sequenceLength: T, packing } = options;
    this.#layouts = packing === 'stream' ? [] : sources.map(({ train }) => new RowLayout(train, T));
    this.#mixture = new Mixture(
      sources.map((source, index) => {
        const perEpoch = this.#samplesPerEpoch(index);
        if (perEpoch === 0) {
          const tokens = source.train.tokenCount;
          throw new TrainingError('TRAINING_MISSING_DATA', {
            en: `${source.directory}: ${tokens} tokens do not fill one sample of ${T} + 1: shorten sequenceLength or add text`,
            zh: `${source.directory}：${tokens} 个词元不足一个样本（${T} + 1）：请缩短 sequenceLength 或增加文本`,
          });
        }
        const { weight, maxEpochs = Number.POSITIVE_INFINITY } = options.data[index]!;
        return { weight, samples: Math.floor(perEpoch * maxEpochs) };
      }),
    );
    this.totalSamples = this.#mixture.totalSamples;
    this.#orders = sources.map(() => new Map());
  }

  /** What becomes of the documents of each source in an epoch; empty where they are laid end to end. */
  get rowCounts(): readonly RowCounts[] {
    return this.#layouts.map(({ counts }) => counts);
  }

  /**
   * @param n global sample number, from 0
   * @throws TrainingError TRAINING_DATA_EXHAUSTED behind the last sample of the last source
   */
  sampleAt(n: number): Sample {
    this.requireSamples(n + 1);
    const choice = this.#mixture.at(n);
    const source = this.#sources[choice.source]!;
    const perEpoch = this.#samplesPerEpoch(choice.source);
    const order = this.#order(choice.source, Math.floor(choice.sample / perEpoch));
    const place = choice.sample % perEpoch;
    const tokens = new Int32Array(this.#options.sequenceLength + 1).fill(source.tokenizer.eod);
    const length =
      order instanceof RowOrder
        ? fillRow(tokens, source, order.row(place))
        : fillTokens(tokens, source, order.window(place)) - 1;
    return { source: choice.source, tokens, length };
  }

  /** Throws when the data do not last for `samples` samples. */
  requireSamples(samples: number): void {
    if (samples <= this.totalSamples) return;
    throw new TrainingError('TRAINING_DATA_EXHAUSTED', {
      en: `the data end after ${this.totalSamples} samples, ${samples} are asked for: train fewer steps, or raise maxEpochs`,
      zh: `数据只够 ${this.totalSamples} 个样本，而要求 ${samples} 个：请减少步数，或调大 maxEpochs`,
    });
  }

  #samplesPerEpoch(source: number): number {
    const layout = this.#layouts[source];
    if (layout !== undefined) return layout.counts.rows;
    return windowsPerEpoch(this.#sources[source]!.train.tokenCount, this.#options.sequenceLength);
  }

  #order(source: number, epoch: number): EpochOrder | RowOrder {
    const kept = this.#orders[source]!;
    let order = kept.get(epoch);
    if (order === undefined) {
      const [oldest] = kept.keys();
      if (kept.size >= ORDERS_KEPT && oldest !== undefined) kept.delete(oldest);
      const key = foldKey(this.#options.seed, source, epoch);
      const layout = this.#layouts[source];
      order =
        layout === undefined
          ? new EpochOrder(this.#sources[source]!.train, this.#options.sequenceLength, key)
          : new RowOrder(layout, key);
      kept.set(epoch, order);
    }
    return order;
  }
}

/** @returns tokens filled, from `at` on */
function fillTokens(tokens: Int32Array, { train }: TokenSource, slices: readonly DocumentSlice[], at = 0): number {
  let filled = at;
  for (const { document, offset, length } of slices) {
    tokens.set(train.read(train.documentStart(document) + offset, length), filled);
    filled += length;
  }
  return filled - at;
}

/**
 * In front of a document stands the `<eod>` that begins it, in front of the rest of one its token before.
 * @param tokens all `<eod>`
 * @returns predictions filled
 */
function fillRow(tokens: Int32Array, source: TokenSource, slices: readonly DocumentSlice[]): number {
  const { document, offset } = slices[0]!;
  if (offset > 0) fillTokens(tokens, source, [{ document, offset: offset - 1, length: 1 }]);
  return fillTokens(tokens, source, slices, 1);
}
