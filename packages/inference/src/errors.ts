/** What a caller of generation can do wrong or meet; one class, told apart by `code`. */
import { type Said, UserMistake } from '@tunan/files';

export type InferenceErrorCode =
  /** A sampling option or a prompt is outside of what is allowed; `option` names it. */
  | 'INFERENCE_BAD_OPTION'
  /** A prompt has more tokens than the model's context. */
  | 'INFERENCE_PROMPT_TOO_LONG'
  /** One sequence would need more cache than the engine may use at all. */
  | 'INFERENCE_CACHE_TOO_SMALL'
  /** Too many sequences wait already. */
  | 'INFERENCE_QUEUE_FULL'
  /** A request waited for its turn as long as is allowed. */
  | 'INFERENCE_WAITED_TOO_LONG'
  /** The engine was closed before or while the request ran. */
  | 'INFERENCE_CLOSED'
  /** The caller gave the request up. */
  | 'INFERENCE_ABORTED'
  /** Models are larger than the memory that they may take. */
  | 'INFERENCE_MODEL_TOO_LARGE'
  /** A model could not be loaded when it was asked for; the cause says why. */
  | 'INFERENCE_LOAD_FAILED'
  /** The tokenizer does not belong to the model. */
  | 'INFERENCE_TOKENIZER_MISMATCH'
  /** llama.cpp's libraries are not installed, or are of another release. */
  | 'INFERENCE_NO_LLAMA_CPP'
  /** A GGUF is missing, damaged, or of a kind that llama.cpp does not run. */
  | 'INFERENCE_BAD_GGUF'
  /** The model and its cache are larger than the memory that is free. */
  | 'INFERENCE_NO_MEMORY'
  /** The server that runs the model cannot be reached, fails, or breaks off. */
  | 'INFERENCE_UPSTREAM_DOWN'
  /** The server that runs the model lets nothing be heard for too long. */
  | 'INFERENCE_UPSTREAM_SLOW'
  /** The server that runs the model wants another key, lacks the model, or answers in another form. */
  | 'INFERENCE_UPSTREAM_UNFIT';

export class InferenceError extends UserMistake<InferenceErrorCode> {
  /** The option at fault, where there is one. */
  readonly option: string | undefined;
  /** Seconds after which a full queue will probably have room. */
  readonly retryAfter: number | undefined;

  constructor(
    code: InferenceErrorCode,
    message: string | Said,
    options: ErrorOptions & { option?: string; retryAfter?: number } = {},
  ) {
    super(code, message, options);
    this.option = options.option;
    this.retryAfter = options.retryAfter;
  }
}

export function closed(): InferenceError {
  return new InferenceError('INFERENCE_CLOSED', {
    en: 'the engine has been closed: start the server again',
    zh: '推理引擎已关闭：请重新启动服务',
  });
}

/** For a request of which nothing has begun. @param retryAfter seconds */
export function waitedTooLong(seconds: number, retryAfter: number): InferenceError {
  const message = {
    en: `the request has waited ${seconds} s for its turn, and no longer is allowed: try again in about ${retryAfter} s`,
    zh: `请求已排队 ${seconds} 秒，达到允许的上限：请约 ${retryAfter} 秒后再试`,
  };
  return new InferenceError('INFERENCE_WAITED_TOO_LONG', message, { retryAfter });
}

/** An InferenceError as the signal's reason is passed on: whoever aborts may know better why. */
export function aborted(signal?: AbortSignal): InferenceError {
  if (signal?.reason instanceof InferenceError) return signal.reason;
  return new InferenceError('INFERENCE_ABORTED', {
    en: 'the request was given up by its caller',
    zh: '请求已被调用者放弃',
  });
}
