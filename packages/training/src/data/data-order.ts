/**
 * The order in which a run sees its data: `sampleAt(n)` is a function of (seed, data list, T, n) alone, whoever asks and
 * from wherever, so that a run resumes at any sample and on any number of processes. The mixture says which source and which
 * of its windows, the epoch's order says which tokens, the shards give them.
 */

import { TrainingError } from '../errors.ts';
import { EpochOrder, windowsPerEpoch } from './epoch-order.ts';
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
}

export interface DataOrderOptions {
  readonly seed: number;
  readonly sequenceLength: number;
  /** One for each source; maxEpochs may be a fraction, absent means for ever. */
  readonly data: readonly { readonly weight: number; readonly maxEpochs?: number | undefined }[];
}

export class DataOrder {
  /** Samples until every source has had its last epoch; Infinity when one has none. */
  readonly totalSamples: number;
  readonly #sources: readonly TokenSource[];
  readonly #options: DataOrderOptions;
  readonly #mixture: Mixture;
  readonly #orders: Map<number, EpochOrder>[];

  /** @throws TrainingError TRAINING_MISSING_DATA when a source has not even one window */
  constructor(sources: readonly TokenSource[], options: DataOrderOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#mixture = new Mixture(
      sources.map((source, index) => {
        const windows = windowsPerEpoch(source.train.tokenCount, options.sequenceLength);
        if (windows === 0) {
          const [tokens, T] = [source.train.tokenCount, options.sequenceLength];
          throw new TrainingError('TRAINING_MISSING_DATA', {
            en: `${source.directory}: ${tokens} tokens do not fill one sample of ${T} + 1: shorten sequenceLength or add text`,
            zh: `${source.directory}：${tokens} 个词元不足一个样本（${T} + 1）：请缩短 sequenceLength 或增加文本`,
          });
        }
        const { weight, maxEpochs = Number.POSITIVE_INFINITY } = options.data[index]!;
        return { weight, samples: Math.floor(windows * maxEpochs) };
      }),
    );
    this.totalSamples = this.#mixture.totalSamples;
    this.#orders = sources.map(() => new Map());
  }

  /**
   * @param n global sample number, from 0
   * @throws TrainingError TRAINING_DATA_EXHAUSTED behind the last sample of the last source
   */
  sampleAt(n: number): Sample {
    this.requireSamples(n + 1);
    const choice = this.#mixture.at(n);
    const source = this.#sources[choice.source]!;
    const windows = windowsPerEpoch(source.train.tokenCount, this.#options.sequenceLength);
    const order = this.#order(choice.source, Math.floor(choice.sample / windows));
    const tokens = new Int32Array(this.#options.sequenceLength + 1);
    let filled = 0;
    for (const { document, offset, length } of order.window(choice.sample % windows)) {
      tokens.set(source.train.read(source.train.documentStart(document) + offset, length), filled);
      filled += length;
    }
    return { source: choice.source, tokens };
  }

  /** Throws when the data do not last for `samples` samples. */
  requireSamples(samples: number): void {
    if (samples <= this.totalSamples) return;
    throw new TrainingError('TRAINING_DATA_EXHAUSTED', {
      en: `the data end after ${this.totalSamples} samples, ${samples} are asked for: train fewer steps, or raise maxEpochs`,
      zh: `数据只够 ${this.totalSamples} 个样本，而要求 ${samples} 个：请减少步数，或调大 maxEpochs`,
    });
  }

  #order(source: number, epoch: number): EpochOrder {
    const kept = this.#orders[source]!;
    let order = kept.get(epoch);
    if (order === undefined) {
      const [oldest] = kept.keys();
      if (kept.size >= ORDERS_KEPT && oldest !== undefined) kept.delete(oldest);
      const key = foldKey(this.#options.seed, source, epoch);
      order = new EpochOrder(this.#sources[source]!.train, this.#options.sequenceLength, key);
      kept.set(epoch, order);
    }
    return order;
  }
}
