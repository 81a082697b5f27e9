/**
 * The client of `@tunan/protocol` as this page uses it: our own server, the key that was entered, the language that is shown. No other file
 * imports more than types of it, so that no-eval.ts comes first.
 */
import './no-eval.ts';
import { signal } from '@preact/signals';
import { EndpointError, OpenApi, type SendAnswer, type SendRequest } from '@tunan/protocol/client';
import { language } from '../language.ts';
import { apiKey } from './access.ts';

export { EndpointError };

/** What the last answer said of the limits of the key: none where the server has no accounts, or sets no limits. */
export interface Allowance {
  readonly what: 'requests' | 'tokens';
  readonly limit: number;
  readonly remaining: number;
  /** Such as `1m30s`. */
  readonly resets: string;
}

export const allowances = signal<readonly Allowance[]>([]);

/** Made for each request, since the key and the language may have changed. */
export function openApi(): OpenApi {
  const key = apiKey.peek();
  return new OpenApi({
    url: new URL('v1', location.href.split('#')[0]).href,
    apiKey: key === '' ? undefined : key,
    headers: async () => ({ 'accept-language': language.peek() }),
    send,
  });
}

async function send(url: string, request: SendRequest): Promise<SendAnswer> {
  const response = await fetch(url, request);
  allowances.value = (['requests', 'tokens'] as const).flatMap((what) => allowanceOf(response.headers, what));
  const { ok, status, headers, body } = response;
  return { ok, status, headers, body: body && bytesOf(body), text: () => response.text() };
}

/** Streams that are iterable are younger than some browsers in use. */
async function* bytesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

function allowanceOf(headers: Headers, what: Allowance['what']): Allowance[] {
  const [limit, remaining, resets] = ['limit', 'remaining', 'reset'].map((name) =>
    headers.get(`x-ratelimit-${name}-${what}`),
  );
  if (limit == null || remaining == null) return [];
  return [{ what, limit: Number(limit), remaining: Number(remaining), resets: resets ?? '' }];
}
