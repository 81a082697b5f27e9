/** One request to our own server, outside the open API: JSON in and out, failures as ServerError. */
import type { ErrorBody } from '@tunan/protocol';
import { language } from '../language.ts';

/** What the server refuses, in its own words and in the language of the page; or that it does not answer. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  /** Absent where there was no answer. */
  readonly status: number | undefined;
  /** Such as `signed_out`. */
  readonly code: string | undefined;
  /** Which field of the body is wrong. */
  readonly param: string | undefined;

  constructor(
    message: string,
    about: { status?: number; code?: string | null; param?: string | null; cause?: unknown },
  ) {
    super(message, { cause: about.cause });
    this.status = about.status;
    this.code = about.code ?? undefined;
    this.param = about.param ?? undefined;
  }
}

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** @param path without a slash at its beginning: relative to the page, wherever a proxy has put it @throws ServerError */
export async function ask<T>(path: string, { method = 'GET', body, headers, signal }: Asked = {}): Promise<T> {
  const response = await send(path, {
    method,
    headers: {
      'accept-language': language.peek(),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  const text = await response.text();
  if (!response.ok) throw refusalOf(response.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function send(path: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(path, request);
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    const message = { zh: '服务器没有应答', en: 'the server does not answer' }[language.peek()];
    throw new ServerError(message, { cause });
  }
}

function refusalOf(status: number, text: string): ServerError {
  try {
    const { error } = JSON.parse(text) as ErrorBody;
    return new ServerError(error.message, { status, code: error.code, param: error.param });
  } catch (cause) {
    // A proxy in front, whose words are no JSON.
    return new ServerError(`HTTP ${status}: ${text.slice(0, 200)}`, { status, cause });
  }
}
