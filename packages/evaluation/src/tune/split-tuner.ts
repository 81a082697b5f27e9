/** Learns split after split with a fresh model each, tells how long that may take, and keeps what is done. */

import type { LanguageModel } from '@tunan/model';
import type { Split } from '../result.ts';
import type { Task } from '../tasks/task.ts';
import { type Answer, fineTune, TUNING_DEFAULTS, type TuningSettings } from './fine-tune.ts';
import { SplitStore } from './split-store.ts';
import type { TuneOptions } from './tune-options.ts';
import { estimateSeconds, measureSpeed } from './tuning-speed.ts';
import type { TuningText, TuningTexts } from './tuning-text.ts';

export interface LearningSplit {
  readonly split: Split;
  readonly train: readonly TuningText[];
  readonly dev: readonly TuningText[];
}

interface TunedParts {
  readonly task: Task;
  readonly texts: TuningTexts;
  /** A trainable model with the weights of the directory; the tuner disposes it. */
  readonly load: () => LanguageModel;
  readonly test: readonly TuningText[];
}

export class SplitTuner {
  readonly #parts: TunedParts;
  readonly #options: TuneOptions;
  readonly #settings: TuningSettings;
  readonly #store: SplitStore | undefined;

  constructor(parts: TunedParts, options: TuneOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#settings = settingsOf(parts.texts, options);
    const { keep, dtype, device } = options;
    const { signal: _, ...learning } = { ...TUNING_DEFAULTS, ...this.#settings };
    this.#store =
      keep &&
      new SplitStore(keep.directory, JSON.stringify([keep.modelIdentity, parts.task.name, learning, dtype, device]));
  }

  /** Reports the most seconds that what is left of the splits may take; nothing where all are done. */
  estimate(splits: readonly LearningSplit[]): void {
    const left = splits.filter((split) => this.#kept(split) === undefined);
    if (left.length === 0 || this.#options.onEstimate === undefined) return;
    const { texts, load, test } = this.#parts;
    const { batch, epochs } = { ...TUNING_DEFAULTS, ...this.#settings };
    using model = load();
    const speed = measureSpeed(model, left[0]!.train.slice(0, batch), texts.classes ?? 1);
    this.#options.onEstimate(estimateSeconds(left, test, epochs, speed));
  }

  async answers(learning: LearningSplit): Promise<readonly Answer[]> {
    const known = this.#kept(learning);
    if (known !== undefined) return known;
    const { split, train, dev } = learning;
    const { load, test } = this.#parts;
    using model = load();
    const onEpoch: TuningSettings['onEpoch'] = (report) => this.#options.onEpoch?.(split, report);
    const { answers } = await fineTune(model, { train, dev, test }, { ...this.#settings, onEpoch });
    this.#store?.write(this.#name(split), this.#store.key([train, dev, test]), answers);
    return answers;
  }

  #kept({ split, train, dev }: LearningSplit): readonly Answer[] | undefined {
    return this.#store?.read(this.#name(split), this.#store.key([train, dev, this.#parts.test]));
  }

  #name(split: Split): string {
    return `${this.#parts.task.name}-${split}`;
  }
}

function settingsOf(texts: TuningTexts, options: TuneOptions): TuningSettings {
  const { epochs, patience, batch, rates, seed, signal } = options;
  const given = { epochs, patience, batch, rates, seed, signal, classes: texts.classes };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
