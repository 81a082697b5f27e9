/**
 * The client of `@tunan/protocol` as this page uses it: our own server, the key that was entered, the language that is shown. No other file
 * imports more than types of it, so that no-eval.ts comes first; and it is loaded when the first answer is asked for, or when the browser has
 * nothing else to do: nothing that is seen at first needs it.
 */
import './no-eval.ts';
import { Endpoint, type EndpointAddress, OpenApi, type SendAnswer, type SendRequest } from '@tunan/protocol/client';
import { language } from '../language.ts';
import { apiKey } from './access.ts';
import { noteTold } from './told.ts';

/** Made for each request, since the key and the language may have changed. @param model that is asked, where it is known */
export function openApi(model: string | undefined): OpenApi {
  return new OpenApi(addressFor(model));
}

/** For routes that are of this server alone. @param model that is asked, where it is known */
export function endpoint(model: string | undefined): Endpoint {
  return new Endpoint(addressFor(model));
}

function addressFor(model: string | undefined): EndpointAddress {
  const key = apiKey.peek();
  return {
    url: new URL('v1', location.href.split('#')[0]).href,
    apiKey: key === '' ? undefined : key,
    headers: async () => ({ 'accept-language': language.peek() }),
    send: (url, request) => send(url, request, model),
  };
}

async function send(url: string, request: SendRequest, model: string | undefined): Promise<SendAnswer> {
  const response = await fetch(url, request);
  noteTold(response.headers, model);
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
