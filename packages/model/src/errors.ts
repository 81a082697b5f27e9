/** Mistakes a user of models can make or meet: a model directory that is damaged or of another kind, an impossible size. */

export type ModelErrorCode =
  | 'MODEL_BAD_CONFIG'
  | 'MODEL_NOT_A_MODEL'
  | 'MODEL_OTHER_FORMAT'
  | 'MODEL_DAMAGED_WEIGHTS'
  | 'MODEL_INPUT_TOO_LONG';

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly userMistake = true;
  readonly code: ModelErrorCode;
  /** The message in Chinese; undefined where nobody has said it in Chinese. */
  readonly chinese: string | undefined;

  constructor(
    code: ModelErrorCode,
    message: string | { readonly en: string; readonly zh: string },
    options?: { cause?: unknown },
  ) {
    super(typeof message === 'string' ? message : message.en, options);
    this.chinese = typeof message === 'string' ? undefined : message.zh;
    this.code = code;
  }
}
