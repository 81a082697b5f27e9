/**
 * Dynamic loss scaling (Micikevicius et al. 2018, arXiv 1710.03740): gradients of float16 are less than it can tell from zero, so the loss is
 * multiplied by a power of two in front of the backward pass, and the float32 gradients are divided by it behind. Where a gradient is not
 * finite the step makes no update and the next one has half the scale; after many good steps it is doubled. The constants are NVIDIA's.
 *
 * What it says depends on the steps alone, so that a run that goes on decides as it would have.
 */
export interface LossScaleOptions {
  readonly initial: number;
  /** Steps without overflow in a row after which the scale is doubled. */
  readonly growAfter: number;
}

export interface LossScaleState {
  readonly scale: number;
  /** Steps without overflow since the scale was another. */
  readonly goodSteps: number;
}

export class LossScale {
  readonly #growAfter: number;
  #state: LossScaleState;

  /** @param state of a run that goes on */
  constructor({ initial, growAfter }: LossScaleOptions, state: LossScaleState = { scale: initial, goodSteps: 0 }) {
    this.#growAfter = growAfter;
    this.#state = state;
  }

  /** What a checkpoint keeps. */
  get state(): LossScaleState {
    return this.#state;
  }

  /** What the loss of the next step is multiplied by. */
  get scale(): number {
    return this.#state.scale;
  }

  /**
   * After a step.
   * @param overflows whether a gradient was not finite
   * @returns whether the scale can be what it has to be: below 1 it would no longer be one
   */
  take(overflows: boolean): boolean {
    const { scale, goodSteps } = this.#state;
    if (overflows) this.#state = { scale: scale / 2, goodSteps: 0 };
    else if (goodSteps + 1 < this.#growAfter) this.#state = { scale, goodSteps: goodSteps + 1 };
    else this.#state = { scale: scale * 2, goodSteps: 0 };
    return this.#state.scale >= 1;
  }
}
