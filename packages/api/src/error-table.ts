/**
 * The one table from errors to answers: status, and the body as OpenAI writes it.
 *
 * Mistakes of the caller are told in full. Of anything unexpected the caller learns only the request id; the error
 * itself goes to the server's log.
 */
import { InferenceError, type InferenceErrorCode } from '@tunan/inference';
import type { ErrorBody } from '@tunan/protocol';

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
  /** Whether the error is ours and belongs into the log. */
  readonly unexpected: boolean;
}

interface Row {
  readonly status: number;
  readonly type: 'invalid_request_error' | 'server_error';
  readonly code: string;
}

/** A refusal that only HTTP knows, thrown by routes. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly kind: keyof typeof REQUEST_ROWS;
  readonly param: string | null;

  constructor(kind: keyof typeof REQUEST_ROWS, message: string, param: string | null = null) {
    super(message);
    this.kind = kind;
    this.param = param;
  }
}

const REQUEST_ROWS = {
  invalid: { status: 400, type: 'invalid_request_error', code: 'invalid_value' },
  modelNotFound: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  routeNotFound: { status: 404, type: 'invalid_request_error', code: 'unknown_url' },
} as const satisfies Record<string, Row>;

const INFERENCE_ROWS: Record<InferenceErrorCode, Row> = {
  INFERENCE_BAD_OPTION: { status: 400, type: 'invalid_request_error', code: 'invalid_value' },
  INFERENCE_PROMPT_TOO_LONG: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  INFERENCE_CACHE_TOO_SMALL: { status: 400, type: 'invalid_request_error', code: 'request_too_large' },
  INFERENCE_QUEUE_FULL: { status: 503, type: 'server_error', code: 'engine_overloaded' },
  INFERENCE_CLOSED: { status: 503, type: 'server_error', code: 'server_closing' },
  INFERENCE_ABORTED: { status: 499, type: 'invalid_request_error', code: 'request_aborted' },
  INFERENCE_TOKENIZER_MISMATCH: { status: 500, type: 'server_error', code: 'internal_error' },
};

/** Codes of fastify's own refusals; its message is replaced, because it names neither the limit nor the mend. */
const FRAMEWORK_ROWS: Record<string, Row & { readonly message: string }> = {
  FST_ERR_CTP_INVALID_JSON_BODY: {
    status: 400,
    type: 'invalid_request_error',
    code: 'malformed_json',
    message: 'the body is not valid JSON',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    status: 400,
    type: 'invalid_request_error',
    code: 'malformed_json',
    message: 'the body is empty; send a JSON object',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    type: 'invalid_request_error',
    code: 'malformed_body',
    message: 'the body is not as long as Content-Length says',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    type: 'invalid_request_error',
    code: 'request_too_large',
    message: 'the body is larger than this server takes; send fewer or shorter prompts',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    type: 'invalid_request_error',
    code: 'unsupported_media_type',
    message: 'the body must be JSON; set the header Content-Type: application/json',
  },
};

/** Names of engine options as the API calls them. */
const PARAMS: Record<string, string> = { prompts: 'prompt', maxTokens: 'max_tokens', logitBias: 'logit_bias' };

export function answerTo(error: unknown, requestId: string): ErrorAnswer {
  if (error instanceof InferenceError) {
    const row = INFERENCE_ROWS[error.code];
    if (row.status === 500) return internal(requestId);
    const param = error.option === undefined ? null : (PARAMS[error.option] ?? error.option);
    return known(row, error.message, param);
  }
  if (error instanceof RequestError) return known(REQUEST_ROWS[error.kind], error.message, error.param);
  const framework = FRAMEWORK_ROWS[codeOf(error)];
  if (framework !== undefined) return known(framework, framework.message, null);
  return internal(requestId);
}

function known({ status, type, code }: Row, message: string, param: string | null): ErrorAnswer {
  const headers: Record<string, string> = status === 503 ? { 'retry-after': '1' } : {};
  return { status, headers, body: { error: { message, type, param, code } }, unexpected: false };
}

function internal(requestId: string): ErrorAnswer {
  const message = `the server failed; its log tells why under request ${requestId}`;
  const body: ErrorBody = { error: { message, type: 'server_error', param: null, code: 'internal_error' } };
  return { status: 500, headers: {}, body, unexpected: true };
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
