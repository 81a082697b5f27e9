/**
 * Which steps are not to update the weights, because their loss or gradient norm leaps: those more than so many standard deviations above
 * the mean of the steps before, over a window. It is the rule of OLMo-core's SkipStepAdamW (github.com/allenai/OLMo-core), with its numbers
 * (128 steps, 6 deviations); PaLM (arXiv 2204.02311) went back to a checkpoint and skipped the batches by hand.
 *
 * Steps that are skipped count among the recent ones, so a loss that stays high for long is accepted after some steps, and no run skips for
 * ever. What the rule says depends on the numbers of the steps alone.
 */
export interface SpikeOptions {
  /** Standard deviations above the mean. */
  readonly deviations: number;
  /** Recent ones that are looked at. */
  readonly window: number;
}

export interface StepNumbers {
  readonly loss: number;
  readonly gradientNorm: number;
}

export class SpikeRule {
  readonly #options: SpikeOptions;
  readonly #recent: StepNumbers[];

  /** @param recent the newest last, of a run that goes on */
  constructor(options: SpikeOptions, recent: readonly StepNumbers[] = []) {
    this.#options = options;
    this.#recent = recent.slice(-options.window);
  }

  /** What a checkpoint keeps. */
  get recent(): readonly StepNumbers[] {
    return this.#recent;
  }

  /** Whether the step leaps, of which half a window must be known; it is then one of the recent ones. */
  take(step: StepNumbers): boolean {
    const { window } = this.#options;
    const leaps =
      this.#recent.length >= Math.max(2, Math.floor(window / 2)) &&
      (this.#isAbove(
        step.loss,
        this.#recent.map(({ loss }) => loss),
      ) ||
        this.#isAbove(
          step.gradientNorm,
          this.#recent.map(({ gradientNorm }) => gradientNorm),
        ));
    this.#recent.push(step);
    if (this.#recent.length > window) this.#recent.shift();
    return leaps;
  }

  #isAbove(value: number, before: readonly number[]): boolean {
    const mean = before.reduce((sum, one) => sum + one, 0) / before.length;
    const variance = before.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (before.length - 1);
    return value - mean > this.#options.deviations * Math.sqrt(variance);
  }
}
