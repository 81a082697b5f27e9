/** The mistakes of a user or a caller that this package reports. Broken invariants throw plain Error. */

export type EvaluationErrorCode =
  | 'EVALUATION_BAD_ORDER'
  | 'EVALUATION_BAD_SETTING'
  | 'EVALUATION_EMPTY_TEXT'
  | 'EVALUATION_NON_FINITE'
  | 'EVALUATION_TOO_FEW_SAMPLES'
  | 'EVALUATION_UNKNOWN_CHARACTER'
  | 'EVALUATION_VOCABULARY_MISMATCH';

/** One line that says what is wrong and what to do; the command line prints it without a stack trace. */
export class EvaluationError extends Error {
  readonly code: EvaluationErrorCode;
  readonly userMistake = true;

  constructor(code: EvaluationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EvaluationError';
    this.code = code;
  }
}
