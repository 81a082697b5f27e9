/** The model of a run of tuning, as it began and as it came out. */

import { LanguageModel, loadAdapter } from '@tunan/model';
import type { TunedRun } from '@tunan/training';

/** A model whose layers may be owned by an adapter. */
export class TunedModel implements Disposable {
  readonly model: LanguageModel;
  readonly #owned: readonly Disposable[];

  private constructor(model: LanguageModel, adapter?: Disposable) {
    this.model = model;
    this.#owned = adapter === undefined ? [model] : [model, adapter];
  }

  static before({ plan }: TunedRun): TunedModel {
    return new TunedModel(LanguageModel.load(plan.from!.directory, { device: plan.device, dtype: plan.precision }));
  }

  /** @param output adapter or model */
  static after({ plan, way }: TunedRun, output: string): TunedModel {
    const { device, precision: dtype, from, model: config } = plan;
    if (way === 'full') return new TunedModel(LanguageModel.load(output, { device, dtype }));
    const makers = loadAdapter(output, config, device);
    return new TunedModel(LanguageModel.load(from!.directory, { device, dtype, makers }), makers);
  }

  [Symbol.dispose](): void {
    for (const one of this.#owned) one[Symbol.dispose]();
  }
}
