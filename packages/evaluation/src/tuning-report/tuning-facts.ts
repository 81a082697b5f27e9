/** What is measured of a tuned run, and what the verdicts are made of. */

import type { LossCurve } from '@tunan/training';
import type { AnswerScores } from './answer-scores.ts';

/** What the verdicts are made of. */
export interface TuningFacts {
  readonly curve: LossCurve;
  /** Nats a token that is learnt, on what is held out; absent where nothing is. */
  readonly validation:
    | {
        readonly before: number | undefined;
        readonly steps: readonly { readonly step: number; readonly tokens: number; readonly loss: number }[];
      }
    | undefined;
  readonly done: number;
  readonly scores: TestScores | undefined;
  readonly general: GeneralText | undefined;
  /** Adapter or model of the step with the lowest validation loss, where that is not the last. */
  readonly best: string | undefined;
}

export interface TestScores {
  readonly file: string;
  readonly questions: number;
  /** Where the answers are labels: exact match is then accuracy. */
  readonly labels: readonly string[] | undefined;
  readonly scores: readonly AnswerScores[];
}

/** Text that the model was not tuned on, in bits per character. */
export interface GeneralText {
  readonly place: string;
  readonly characters: number;
  readonly before: number;
  readonly after: number;
}
