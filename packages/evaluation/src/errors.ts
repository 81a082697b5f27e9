/** The mistakes of a user or a caller that this package reports. Broken invariants throw plain Error. */

import { UserMistake } from '@tunan/files';
import { type Mistake, type Said, systemProblem } from '@tunan/protocol/mistakes';

export type EvaluationErrorCode =
  /** A file of a task's data is damaged; the message names file and line. */
  | 'EVALUATION_BAD_DATA'
  | 'EVALUATION_BAD_ORDER'
  /** A results folder cannot be read or compared. */
  | 'EVALUATION_BAD_RESULTS'
  | 'EVALUATION_BAD_SETTING'
  /** Predictions that the leaderboard would refuse. */
  | 'EVALUATION_BAD_SUBMISSION'
  /** A task file contradicts itself or lacks something. */
  | 'EVALUATION_BAD_TASK'
  /** The scores on disk cannot be read or written. */
  | 'EVALUATION_CACHE'
  /** The fixed parts of a prompt alone do not fit into the model's context. */
  | 'EVALUATION_CONTEXT_TOO_SHORT'
  | 'EVALUATION_EMPTY_TEXT'
  /** The endpoint refuses a request, or answers in another form. */
  | 'EVALUATION_ENDPOINT'
  /** The endpoint wants a key, or another one. */
  | 'EVALUATION_ENDPOINT_KEY'
  /** The endpoint cannot be reached, or stays busy. */
  | 'EVALUATION_ENDPOINT_DOWN'
  | 'EVALUATION_MISSING_DATA'
  | 'EVALUATION_NON_FINITE'
  /** The endpoint gives no log-probabilities of texts that it is sent. */
  | 'EVALUATION_NO_LOGPROBS'
  /** A process that scores a part of a suite failed. */
  | 'EVALUATION_SHARD'
  | 'EVALUATION_TOO_FEW_SAMPLES'
  | 'EVALUATION_UNKNOWN_CHARACTER'
  /** A suite is asked for a task that there is not, or for one twice. */
  | 'EVALUATION_UNKNOWN_TASK'
  | 'EVALUATION_VOCABULARY_MISMATCH';

/** What is wrong with a line, a template, an answer, in one clause; who catches it adds the place and what to do. */
export class ClauseError extends Error {
  readonly chinese: string;

  constructor({ en, zh }: Said, options?: ErrorOptions) {
    super(en, options);
    this.name = 'ClauseError';
    this.chinese = zh;
  }
}

/** What was thrown, in both languages; what the system and other libraries say stays in theirs. */
export function clauseOf(error: unknown): Said {
  const system = systemProblem(error);
  if (system !== undefined) return system;
  const en = error instanceof Error ? error.message : String(error);
  return { en, zh: (error as { chinese?: string } | undefined)?.chinese ?? en };
}

/** Mistakes of one line of data side by side. */
export function joinMistakes(mistakes: readonly Mistake[]): Said {
  const clauses = (said: (mistake: Mistake) => string, colon: string) =>
    mistakes.map((one) => (one.path === '' ? said(one) : `${one.path}${colon}${said(one)}`));
  return { en: clauses(({ en }) => en, ': ').join('; '), zh: clauses(({ zh }) => zh, '：').join('；') };
}

/** One line that says what is wrong and what to do; the command line prints it without a stack trace. */
export class EvaluationError extends UserMistake<EvaluationErrorCode> {}
