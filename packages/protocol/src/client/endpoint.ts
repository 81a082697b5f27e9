/**
 * An OpenAI-compatible server as seen from outside: requests in JSON, answers whole or as a stream, every failure an EndpointError.
 *
 * Sends each request once; whether to try again is the caller's. Runs wherever there is `fetch`.
 */

import type { Said } from '@tunan/files';
import type * as z from 'zod';
import { servedErrorSchema } from './answers.ts';
import { EndpointError, type EndpointErrorKind } from './endpoint-error.ts';
import { readEvents } from './event-stream.ts';

export interface EndpointAddress {
  /** Up to and with the version: `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** More headers of each request, made when it is sent. */
  readonly headers?: (() => Promise<Readonly<Record<string, string>>>) | undefined;
  /** For a whole answer, and between two pieces of a stream; 120 when absent. */
  readonly timeoutSeconds?: number | undefined;
  /** Until the first event of a stream; timeoutSeconds when absent. */
  readonly firstSeconds?: number | undefined;
  /** For a stream from the request to its end; without bound when absent. */
  readonly totalSeconds?: number | undefined;
  /** What carries the requests; `fetch` when absent. */
  readonly send?: Send | undefined;
}

/** As much of `fetch` as is used here. */
export type Send = (url: string, request: SendRequest) => Promise<SendAnswer>;

export interface SendRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface SendAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

const TIMEOUT_SECONDS = 120;
const LAST_LOOK_MILLISECONDS = 50;

/** Whether the text is an address of the form that endpoints have. */
export function isEndpointUrl(text: string): boolean {
  const protocol = URL.canParse(text) ? new URL(text).protocol : '';
  return protocol === 'http:' || protocol === 'https:';
}

export class Endpoint {
  readonly url: string;
  readonly #apiKey: string | undefined;
  readonly #seconds: { readonly silence: number; readonly first: number; readonly total: number | undefined };
  readonly #transport: Send;
  readonly #headers: EndpointAddress['headers'];

  constructor(address: EndpointAddress) {
    const { url, apiKey, timeoutSeconds: silence = TIMEOUT_SECONDS, firstSeconds: first = silence } = address;
    this.url = url.replace(/\/+$/, '');
    this.#apiKey = apiKey;
    this.#headers = address.headers;
    this.#seconds = { silence, first, total: address.totalSeconds };
    this.#transport = address.send ?? ((target, request) => fetch(target, request));
  }

  /**
   * One request and its whole answer.
   * @param body none for GET @param headers of this request alone
   * @throws EndpointError; the signal's reason when it aborts
   */
  async ask<S extends z.ZodType>(
    route: string,
    body: unknown,
    schema: S,
    signal?: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ): Promise<z.output<S>> {
    const patience = new Patience(this.#seconds.silence, signal);
    try {
      const response = await this.#send(route, body, patience, headers);
      return this.read(await response.text(), schema);
    } catch (error) {
      throw this.#failure(error, route, patience, signal);
    } finally {
      patience.end();
    }
  }

  /** Whether a GET is answered with 2xx, whatever it says. @throws EndpointError where not; the signal's reason when it aborts */
  async ping(route: string, signal?: AbortSignal): Promise<void> {
    const patience = new Patience(this.#seconds.silence, signal);
    try {
      await (await this.#send(route, undefined, patience)).text();
    } catch (error) {
      throw this.#failure(error, route, patience, signal);
    } finally {
      patience.end();
    }
  }

  /**
   * One request whose answer comes in events, the last one `[DONE]` not among them.
   * @param headers of this request alone
   * @returns once the endpoint has taken the request
   * @throws EndpointError, here or while the events are read; also when they break off before `[DONE]`
   */
  async open(
    route: string,
    body: unknown,
    signal?: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ): Promise<AsyncIterable<string>> {
    const { first, total } = this.#seconds;
    const patience = new Patience(first, signal, total);
    try {
      const response = await this.#send(route, body, patience, headers);
      if (!/^text\/event-stream/.test(response.headers.get('content-type') ?? '')) {
        patience.giveUp();
        throw this.malformed({ en: 'no stream of events', zh: '不是事件流' });
      }
      return this.#events(response, route, patience, signal);
    } catch (error) {
      patience.end();
      throw this.#failure(error, route, patience, signal);
    }
  }

  /** JSON of the endpoint as the schema reads it. @throws EndpointError */
  read<S extends z.ZodType>(text: string, schema: S): z.output<S> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw this.malformed({ en: 'something that is not JSON', zh: '不是 JSON' }, cause);
    }
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const what = `${issue?.path.map(String).join('.')} ${issue?.message}`.trim();
    throw this.malformed({ en: `another form (${what})`, zh: `形式不符（${what}）` });
  }

  malformed(what: Said, cause?: unknown): EndpointError {
    const said = { en: `${this.url} answers with ${what.en}`, zh: `${this.url} 的应答有误：${what.zh}` };
    return new EndpointError('malformed', said, { cause });
  }

  async #send(
    route: string,
    body: unknown,
    patience: Patience,
    more?: Readonly<Record<string, string>>,
  ): Promise<SendAnswer> {
    const url = `${this.url}/${route}`;
    const response = await this.#transport(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.#apiKey !== undefined && { authorization: `Bearer ${this.#apiKey}` }),
        ...(await this.#headers?.()),
        ...more,
      },
      ...(body !== undefined && { body: JSON.stringify(body, exactIntegers) }),
      signal: patience.signal,
    });
    if (response.ok) return response;
    throw refusal(url, response, await response.text());
  }

  async *#events(
    response: SendAnswer,
    route: string,
    patience: Patience,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<string, void, void> {
    const { silence } = this.#seconds;
    let begun = false;
    let ended = false;
    // What keeps a connection awake, such as comments, is not yet an answer.
    const heard = () => begun && patience.wait(silence);
    try {
      for await (const data of readEvents(listening(response, heard))) {
        ended = data === '[DONE]';
        if (ended) return;
        begun = true;
        heard();
        yield data;
      }
      const said = { en: `${this.url}/${route} breaks off in the middle`, zh: `${this.url}/${route} 中途断开` };
      throw new EndpointError('down', said);
    } catch (error) {
      throw this.#failure(error, route, patience, signal);
    } finally {
      if (!ended) patience.giveUp();
      patience.end();
    }
  }

  /** Whatever was thrown on the way as one of this package's errors; the caller's own reason to stop stays as it is. */
  #failure(error: unknown, route: string, patience: Patience, signal: AbortSignal | undefined): unknown {
    if (error instanceof EndpointError || signal?.aborted) return signal?.aborted ? signal.reason : error;
    const url = `${this.url}/${route}`;
    if (patience.isOver) {
      const { seconds } = patience;
      const said = { en: `${url} gives no answer within ${seconds} s`, zh: `${url} 在 ${seconds} 秒内没有应答` };
      return new EndpointError('slow', said, { cause: error });
    }
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') {
      const said = { en: `${url} breaks off without a whole answer`, zh: `${url} 没有给出完整应答就断开` };
      return new EndpointError('down', said, { cause: error });
    }
    // fetch hides the reason, such as a refused connection, in the cause.
    const reason = error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : error;
    const said = { en: `${url} cannot be reached: ${String(reason)}`, zh: `无法连接 ${url}：${String(reason)}` };
    return new EndpointError('down', said, { cause: error });
  }
}

/** How long is waited for an endpoint, together with the caller's wish to stop. */
class Patience {
  readonly signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #total: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What has run out, or runs. */
  #seconds = 0;
  #isOver = false;

  constructor(seconds: number, signal: AbortSignal | undefined, total?: number) {
    this.signal = signal === undefined ? this.#over.signal : AbortSignal.any([signal, this.#over.signal]);
    if (total !== undefined) this.#total = setTimeout(() => this.#end(total), 1000 * total);
    this.wait(seconds);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** The waiting begins anew. */
  wait(seconds: number): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#seconds = seconds;
    this.#timer = setTimeout(() => this.#lookAgain(seconds), 1000 * seconds);
  }

  /** Where this process itself was held up, what has come in the meantime is read before the other side is blamed. */
  #lookAgain(seconds: number): void {
    this.#timer = setTimeout(() => this.#end(seconds), LAST_LOOK_MILLISECONDS);
  }

  #end(seconds: number): void {
    this.#seconds = seconds;
    this.#isOver = true;
    this.#over.abort();
  }

  /** The answer is not wanted any more. */
  giveUp(): void {
    this.#over.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#total);
  }
}

async function* listening({ body }: SendAnswer, heard: () => void): AsyncGenerator<Uint8Array, void, void> {
  for await (const bytes of body ?? []) {
    heard();
    yield bytes;
  }
}

function refusal(url: string, response: SendAnswer, text: string): EndpointError {
  const { status } = response;
  const answered = servedErrorSchema.safeParse(parsed(text)).data?.error;
  const shown = `${status}: ${text.slice(0, 200).replaceAll('\n', ' ')}`;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new EndpointError(
    kindOf(status),
    { en: `${url} answers ${shown}`, zh: `${url} 应答 ${shown}` },
    { status, answered, retryAfterSeconds: Number.isFinite(seconds) ? seconds : undefined },
  );
}

function kindOf(status: number): EndpointErrorKind {
  if (status === 429 || status === 503) return 'busy';
  if (status === 401 || status === 403) return 'key';
  if (status === 404) return 'unknown';
  return status >= 500 ? 'failed' : 'refused';
}

/** Undefined where it is no JSON: then there is no more to be learnt from it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Missing in TypeScript's library: https://github.com/tc39/proposal-json-parse-with-source. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** A bigint with all of its digits. */
const exactIntegers = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? rawJSON(String(value)) : value;
