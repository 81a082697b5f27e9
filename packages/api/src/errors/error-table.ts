/**
 * The one table from errors to answers: status, and the body as OpenAI writes it, in the language of the caller.
 *
 * Mistakes of the caller are told in full. Of anything unexpected the caller learns only the request id; the error
 * itself goes to the server's log.
 */
import { AppError, type AppErrorCode } from '@tunan/applications';
import type { Said } from '@tunan/files';
import { InferenceError, type InferenceErrorCode } from '@tunan/inference';
import type { ErrorBody, Language } from '@tunan/protocol';
import { AccountError, type AccountErrorCode } from '../accounts/errors.ts';
import { QuotaError, type QuotaErrorCode } from '../quotas/errors.ts';
import { StorageError } from '../storage/errors.ts';
import { CLIENT_ERROR_ROWS } from './client-error.ts';
import { caller, type ErrorRow, server } from './error-row.ts';
import { RequestError, type RequestErrorKind } from './request-error.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
  /** Whether the error belongs into the log: it is ours, or that of a server behind. */
  readonly logged: boolean;
}

/** What an answer needs to know of the request and the server. */
export interface ErrorPlace {
  readonly requestId: string;
  readonly language: Language;
  /** Bytes that a body may have. */
  readonly bodyLimit: number;
  /** Whether the client went away before its request was complete. */
  readonly clientLeft?: boolean;
}

const INVALID = caller(
  400,
  'invalid_value',
  'a field has a wrong value; `param` names it',
  '某字段的值有误，`param` 指明',
);
const TOO_LARGE = caller(
  413,
  'request_too_large',
  'the body has more bytes than the server takes',
  '请求体超过服务器接受的字节数',
);
const INTERNAL = server(
  500,
  'internal_error',
  'the server failed; its log says why under the request id',
  '服务器出错；其日志在该请求编号下记有原因',
);
const LEFT = caller(499, 'request_aborted', 'the client went away', '客户端已离开');
const JSON_ROW = caller(400, 'malformed_json', 'the body is empty or no JSON', '请求体为空，或不是 JSON');
const BODY_ROW = caller(
  400,
  'malformed_body',
  'the body is not UTF-8, or not as long as it says',
  '请求体不是 UTF-8，或长度与所称不符',
);

const KEY = caller(
  401,
  'invalid_api_key',
  'no API key, or one that is wrong, expired or revoked',
  '没有 API 密钥，或密钥有误、已过期、已吊销',
);
const FORBIDDEN = caller(403, 'forbidden', 'not for this role, or this key', '当前角色或密钥无权进行');

const REQUEST_ROWS: Readonly<Record<RequestErrorKind, ErrorRow>> = {
  invalid: INVALID,
  contentFiltered: caller(
    400,
    'content_filter',
    'the text is refused by the rules of the server',
    '文本不符合服务器的内容规则',
  ),
  malformedJson: JSON_ROW,
  malformedBody: BODY_ROW,
  encodedBody: caller(415, 'unsupported_encoding', 'the body is compressed', '请求体经过压缩'),
  unauthorized: KEY,
  keyInAddress: caller(
    400,
    'key_in_url',
    'the address holds an API key, which belongs into a header',
    '地址中含有 API 密钥；密钥应放在请求头中',
  ),
  signedOut: caller(401, 'signed_out', 'nobody is signed in, or the session has ended', '尚未登录，或登录已失效'),
  forged: caller(403, 'csrf_token', 'a change without the right x-csrf-token', '改动请求缺少正确的 x-csrf-token'),
  forbidden: FORBIDDEN,
  notFound: caller(
    404,
    'not_found',
    'there is no such account, key, application, file, batch or response',
    '没有该账户、密钥、申请、文件、批处理或应答',
  ),
  previousNotFound: caller(
    400,
    'previous_response_not_found',
    'the response to go on from is not kept, or not any more',
    '要接续的应答未保存，或已不再保存',
  ),
  conflict: caller(409, 'conflict', 'it cannot be done as things stand', '当前状态下无法进行'),
  unknownJudge: caller(
    401,
    'unknown_judge',
    'no x-judge, or one that nobody judges under',
    '没有 x-judge，或没有使用它的评审者',
  ),
  answeredAlready: caller(409, 'already_answered', 'the judge has judged this text', '评审者已判断过这篇文本'),
  tooSoon: caller(409, 'too_soon', 'the text cannot have been read yet', '还来不及读完文本'),
  modelNotFound: caller(404, 'model_not_found', 'the model is not served here', '此处没有该模型'),
  routeNotFound: caller(404, 'unknown_url', 'there is no such address', '没有该地址'),
  methodNotAllowed: caller(405, 'method_not_allowed', 'the address takes another method', '该地址须用别的方法'),
};

const INFERENCE_ROWS: Readonly<Record<InferenceErrorCode, ErrorRow>> = {
  INFERENCE_BAD_OPTION: INVALID,
  INFERENCE_PROMPT_TOO_LONG: caller(
    400,
    'context_length_exceeded',
    'a prompt has more tokens than the context of the model',
    '提示的词元数超过模型的上下文',
  ),
  INFERENCE_CACHE_TOO_SMALL: caller(
    400,
    'request_too_large',
    'one sequence needs more memory than the engine may use',
    '一条序列所需的内存超过引擎的上限',
  ),
  INFERENCE_QUEUE_FULL: server(
    503,
    'engine_overloaded',
    'too many sequences wait; Retry-After says about when there will be room',
    '等待的序列太多；Retry-After 给出大约何时有空位',
  ),
  INFERENCE_WAITED_TOO_LONG: server(
    503,
    'queue_timeout',
    'the request waited for its turn as long as is allowed; Retry-After says about when there will be room',
    '请求排队达到允许的时间；Retry-After 给出大约何时有空位',
  ),
  INFERENCE_CLOSED: server(503, 'server_closing', 'the server is closing', '服务器正在关闭'),
  INFERENCE_ABORTED: LEFT,
  INFERENCE_MODEL_TOO_LARGE: INTERNAL,
  INFERENCE_LOAD_FAILED: server(
    503,
    'model_unavailable',
    'the model could not be loaded; the next request tries again',
    '无法载入该模型；下一个请求会再试',
  ),
  INFERENCE_TOKENIZER_MISMATCH: INTERNAL,
  INFERENCE_NO_LLAMA_CPP: INTERNAL,
  INFERENCE_BAD_GGUF: INTERNAL,
  INFERENCE_NO_MEMORY: INTERNAL,
  INFERENCE_UPSTREAM_DOWN: server(
    502,
    'upstream_unavailable',
    'the server that runs the model cannot be reached, or broke off',
    '无法连接运行该模型的服务，或其中途断开',
  ),
  INFERENCE_UPSTREAM_SLOW: server(
    504,
    'upstream_timeout',
    'the server that runs the model takes too long',
    '运行该模型的服务耗时过长',
  ),
  INFERENCE_UPSTREAM_UNFIT: server(
    502,
    'upstream_unfit',
    'the server that runs the model refuses this one, or answers in another form',
    '运行该模型的服务拒绝本服务器，或应答形式不符',
  ),
};

const ACCOUNT_ROWS: Readonly<Record<AccountErrorCode, ErrorRow>> = {
  ACCOUNT_BAD_VALUE: INVALID,
  ACCOUNT_NOT_FOUND: caller(
    404,
    'not_found',
    'there is no such account, key, application, file, batch or response',
    '没有该账户、密钥、申请、文件、批处理或应答',
  ),
  ACCOUNT_EXISTS: caller(409, 'exists', 'there is one of that name or address already', '已有同名或同邮箱的记录'),
  ACCOUNT_STATE: caller(409, 'conflict', 'it cannot be done as things stand', '当前状态下无法进行'),
  ACCOUNT_SIGN_IN: caller(401, 'sign_in_failed', 'a wrong address, password or code', '邮箱、密码或验证码不正确'),
  ACCOUNT_CODE_NEEDED: caller(401, 'code_required', 'the code of the second factor is missing', '缺少两步验证码'),
  ACCOUNT_LOCKED: caller(
    429,
    'sign_in_locked',
    'too many failed sign-ins; Retry-After says how long to wait',
    '登录失败次数过多；Retry-After 给出等待时间',
  ),
  ACCOUNT_KEY: KEY,
  ACCOUNT_SUSPENDED: caller(
    403,
    'account_suspended',
    'the account, or its organisation, is suspended',
    '账户或其所属机构已被停用',
  ),
  ACCOUNT_SECRET: INTERNAL,
};

const APP_ROWS: Readonly<Record<AppErrorCode, ErrorRow>> = {
  APP_BAD_FILE: INVALID,
  APP_BAD_INPUT: INVALID,
  APP_UNKNOWN: REQUEST_ROWS.notFound,
  APP_UNFIT_MODEL: caller(
    400,
    'unfit_model',
    'the model cannot do what the application needs, such as a conversation',
    '模型做不到应用所需，例如对话',
  ),
};

const QUOTA_ROWS: Readonly<Record<QuotaErrorCode, ErrorRow>> = {
  QUOTA_RATE: {
    ...caller(
      429,
      'rate_limit_exceeded',
      'a limit of a minute, or of requests at once, is reached; Retry-After says when there is more',
      '达到每分钟或同时请求数的限额；Retry-After 给出何时恢复',
    ),
    type: 'requests',
  },
  QUOTA_USED_UP: {
    ...caller(
      429,
      'insufficient_quota',
      'a limit of a day or longer is reached; Retry-After says when there is more',
      '达到每天或更长时间的限额；Retry-After 给出何时恢复',
    ),
    type: 'insufficient_quota',
  },
  QUOTA_REQUEST_TOO_LARGE: {
    ...caller(
      429,
      'request_exceeds_limit',
      'one request may take more than a limit ever gives; waiting does not help',
      '单个请求可能超过限额的全部；等待无济于事',
    ),
    type: 'tokens',
  },
  QUOTA_BAD_LIMIT: INVALID,
  QUOTA_LEASE_LOST: server(
    503,
    'request_given_up',
    'the server stood still for too long and gave the request up; send it again',
    '服务器停顿过久，已放弃该请求；请重新发送',
  ),
};

const STORAGE_DOWN = server(
  503,
  'storage_unavailable',
  'the database of accounts does not answer; try again',
  '账户数据库没有应答；请重试',
);

/** The caller learns what to do, and the operator's log what happened. */
const LOGGED: ReadonlySet<ErrorRow> = new Set([
  INFERENCE_ROWS.INFERENCE_LOAD_FAILED,
  INFERENCE_ROWS.INFERENCE_UPSTREAM_DOWN,
  INFERENCE_ROWS.INFERENCE_UPSTREAM_SLOW,
  INFERENCE_ROWS.INFERENCE_UPSTREAM_UNFIT,
  STORAGE_DOWN,
]);

/** Codes of fastify's own refusals; its messages are replaced, because they name neither the limit nor the fix. */
const FRAMEWORK_ROWS: Readonly<Record<string, ErrorRow & { readonly message: (place: ErrorPlace) => Said }>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    ...JSON_ROW,
    message: () => ({ en: 'the body is empty; send a JSON object', zh: '请求体为空；请发送一个 JSON 对象' }),
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    ...BODY_ROW,
    message: () => ({
      en: 'the body is not as long as Content-Length says',
      zh: '请求体的长度与 Content-Length 不符',
    }),
  },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    ...TOO_LARGE,
    message: ({ bodyLimit }) => ({
      en: `the body is larger than the ${bodyLimit} bytes that this server takes; send fewer or shorter prompts`,
      zh: `请求体超过本服务器接受的 ${bodyLimit} 字节；请减少或缩短提示`,
    }),
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    ...caller(415, 'unsupported_media_type', 'the body is not said to be JSON', '请求体未标明为 JSON'),
    message: () => ({
      en: 'the body must be JSON; set the header Content-Type: application/json',
      zh: '请求体须为 JSON；请设置请求头 Content-Type: application/json',
    }),
  },
  // Of methods that must have a body, such as QUERY.
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: {
    ...caller(415, 'unsupported_media_type', 'the body is not said to be JSON', '请求体未标明为 JSON'),
    message: () => ({
      en: 'the body is not said to be JSON; set the header Content-Type: application/json',
      zh: '请求体未标明为 JSON；请设置请求头 Content-Type: application/json',
    }),
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    ...REQUEST_ROWS.notFound,
    message: () => ({ en: 'no id is as long as that in the address', zh: '没有像地址中这么长的编号' }),
  },
  FST_ERR_BAD_URL: {
    ...caller(400, 'malformed_url', 'the address has a % that encodes nothing', '地址中的 % 编码有误'),
    message: () => ({
      en: 'the address is malformed: a % in it must be followed by two hexadecimal digits of UTF-8',
      zh: '地址有误：其中的 % 之后须为两位十六进制数字，且合为 UTF-8',
    }),
  },
};

/** All answers there are, for the reference. */
export function errorRows(): readonly ErrorRow[] {
  const tables = [REQUEST_ROWS, INFERENCE_ROWS, APP_ROWS, ACCOUNT_ROWS, QUOTA_ROWS, FRAMEWORK_ROWS];
  const rows = tables.flatMap((table): ErrorRow[] => Object.values(table));
  const seen = new Map([...rows, STORAGE_DOWN, ...CLIENT_ERROR_ROWS].map((row) => [`${row.status} ${row.code}`, row]));
  return [...seen.values()].filter((row) => row !== LEFT).sort((a, b) => a.status - b.status);
}

/** Names of engine options as the API calls them. */
const PARAMS: Record<string, string> = {
  prompts: 'prompt',
  maxTokens: 'max_tokens',
  logitBias: 'logit_bias',
  stopTokens: 'stop_token_ids',
  minTokens: 'min_tokens',
  choices: 'n',
};

export function answerTo(error: unknown, place: ErrorPlace): ErrorAnswer {
  if (error instanceof InferenceError) {
    const row = INFERENCE_ROWS[error.code];
    if (row === INTERNAL) return internal(place);
    const param = error.option === undefined ? null : (PARAMS[error.option] ?? error.option);
    const headers: Record<string, string> =
      error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) };
    return known(row, { en: error.message, zh: error.chinese ?? error.message }, param, place, headers);
  }
  if (error instanceof RequestError) {
    const row = REQUEST_ROWS[error.kind];
    return known(row, { en: error.message, zh: error.chinese }, error.param, place);
  }
  if (error instanceof AppError) {
    return known(APP_ROWS[error.code], { en: error.message, zh: error.chinese ?? error.message }, null, place);
  }
  if (error instanceof AccountError) return accountAnswer(error, place);
  if (error instanceof QuotaError) return quotaAnswer(error, place);
  // Where the database lies is the operator's to know.
  if (error instanceof StorageError) {
    if (error.code !== 'STORAGE_DOWN') return internal(place);
    return known(STORAGE_DOWN, STORAGE_DOWN.when, null, place, { 'retry-after': '1' });
  }
  const framework = FRAMEWORK_ROWS[codeOf(error)];
  if (framework !== undefined) return known(framework, framework.message(place), null, place);
  if (place.clientLeft === true) return known(LEFT, LEFT.when, null, place);
  return internal(place);
}

function accountAnswer(error: AccountError, place: ErrorPlace): ErrorAnswer {
  const row = ACCOUNT_ROWS[error.code];
  if (row === INTERNAL) return internal(place);
  const headers: Record<string, string> = {
    ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
    ...(row === KEY && { 'www-authenticate': 'Bearer' }),
  };
  return known(row, { en: error.message, zh: error.chinese ?? error.message }, error.field ?? null, place, headers);
}

function quotaAnswer(error: QuotaError, place: ErrorPlace): ErrorAnswer {
  const row = QUOTA_ROWS[error.code];
  const type = error.code === 'QUOTA_USED_UP' ? row.type : (error.counts ?? row.type);
  const headers: Record<string, string> = {
    ...error.headers,
    ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
  };
  return known({ ...row, type }, { en: error.message, zh: error.chinese ?? error.message }, null, place, headers);
}

function known(
  row: ErrorRow,
  message: Said,
  param: string | null,
  { language }: ErrorPlace,
  headers: Readonly<Record<string, string>> = {},
): ErrorAnswer {
  const { status, type, code } = row;
  const body: ErrorBody = { error: { message: message[language], type, param, code } };
  return { status, headers, body, logged: LOGGED.has(row) };
}

function internal({ requestId, language }: ErrorPlace): ErrorAnswer {
  const message = {
    en: `the server failed; its log says why under request ${requestId}`,
    zh: `服务器出错；其日志在请求 ${requestId} 下记有原因`,
  };
  const { type, code, status } = INTERNAL;
  const body: ErrorBody = { error: { message: message[language], type, param: null, code } };
  return { status, headers: {}, body, logged: true };
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
