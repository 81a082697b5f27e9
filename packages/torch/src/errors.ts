/**
 * Errors of the engine. `TorchError` is what every operation throws for wrong shapes, dtypes, devices or disposed tensors.
 */

export type TorchErrorCode =
  | 'TORCH_ADDON_MISSING'
  | 'TORCH_BAD_SETTING'
  | 'TORCH_BUILD_FAILED'
  | 'TORCH_LIBTORCH_MISSING'
  | 'TORCH_OPERATION'
  | 'TORCH_SAFETENSORS';

/** An error of the engine; `operation` names the operation and its operands where one was running. */
export class TorchError extends Error {
  override readonly name = 'TorchError';
  /** The command line prints such an error in one line, without a stack trace. */
  readonly userMistake = true;
  readonly code: TorchErrorCode;
  /** The message in Chinese; undefined where nobody has said it in Chinese. */
  readonly chinese: string | undefined;

  constructor(
    code: TorchErrorCode,
    message: string | { readonly en: string; readonly zh: string },
    options?: ErrorOptions,
  ) {
    super(typeof message === 'string' ? message : message.en, options);
    this.chinese = typeof message === 'string' ? undefined : message.zh;
    this.code = code;
  }
}
