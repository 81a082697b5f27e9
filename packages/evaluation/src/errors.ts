/** The mistakes of a user or a caller that this package reports. Broken invariants throw plain Error. */

export type EvaluationErrorCode =
  /** A file of a task's data is damaged; the message names file and line. */
  | 'EVALUATION_BAD_DATA'
  | 'EVALUATION_BAD_ORDER'
  | 'EVALUATION_BAD_SETTING'
  /** A task file contradicts itself or lacks something. */
  | 'EVALUATION_BAD_TASK'
  /** The fixed parts of a prompt alone do not fit into the model's context. */
  | 'EVALUATION_CONTEXT_TOO_SHORT'
  | 'EVALUATION_EMPTY_TEXT'
  | 'EVALUATION_MISSING_DATA'
  | 'EVALUATION_NON_FINITE'
  | 'EVALUATION_TOO_FEW_SAMPLES'
  | 'EVALUATION_UNKNOWN_CHARACTER'
  | 'EVALUATION_UNKNOWN_TASK'
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
