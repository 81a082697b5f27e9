/** A micro batch on its way through a model, and the way that it takes where one process has all of the model. */

import type { ForwardOptions, LanguageModel, Recomputation } from '@tunan/model';
import { manualSeed, noGrad, scope, type Tensor } from '@tunan/torch';

export interface Passage<Result> {
  /** Of what forward passes draw; absent where they draw nothing. */
  readonly seed: number | undefined;
  /** What goes in. */
  open(): PassageInput;
  /** Called before its backward pass begins, wherever a part of the model is. */
  readonly beforeBackward?: () => void;
  /** Makes a scalar of what the head sees, (B, T, C), and calls its backward(). */
  backward(hidden: Tensor): Result;
}

export interface PassageInput {
  readonly ids: Tensor; // (B, T)
  readonly options: ForwardOptions;
}

/** How micro batches go through a model, or the part of one that is here. */
export interface Way {
  /**
   * Forward and backward; what is left are gradients.
   * @returns of every passage, in their order, where the head is here; otherwise nothing
   */
  take<Result>(passages: readonly Passage<Result>[]): Result[];
  /**
   * Forward alone, without gradients and dropout.
   * @param look called where the head is here
   * @returns what it found there
   */
  see(open: () => PassageInput, look: (model: LanguageModel, hidden: Tensor) => number[]): number[];
}

/**
 * One behind the other.
 * @param seedHere of what is drawn here, where processes draw for parts of a micro batch
 */
export function straightWay(
  model: LanguageModel,
  recomputation: Recomputation = 'none',
  seedHere = (seed: number) => seed,
): Way {
  return {
    see: (open, look) =>
      noGrad(() =>
        scope(() => {
          const { ids, options } = open();
          return look(model, model.hidden(ids, options));
        }),
      ),
    take: (passages) =>
      passages.map(({ seed, open, beforeBackward, backward }) => {
        if (seed !== undefined) manualSeed(seedHere(seed));
        const turned = (hidden: Tensor) => {
          beforeBackward?.();
          return backward(hidden);
        };
        return scope(() => {
          const { ids, options } = open();
          if (recomputation === 'full') return model.recompute(ids, turned, options);
          return turned(model.hidden(ids, { ...options, training: true, selective: recomputation === 'selective' }));
        });
      }),
  };
}
