/** Mistakes a user of models can make or meet: a model directory that is damaged or of another kind, an impossible size. */

export type ModelErrorCode =
  | 'MODEL_BAD_CONFIG'
  | 'MODEL_NOT_A_MODEL'
  | 'MODEL_OTHER_FORMAT'
  | 'MODEL_DAMAGED_WEIGHTS'
  | 'MODEL_INPUT_TOO_LONG'
  | 'MODEL_WRITE_FAILED';

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly userMistake = true;
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
