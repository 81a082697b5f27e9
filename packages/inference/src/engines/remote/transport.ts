/**
 * Carries requests to workers over kept connections, as `fetch` does, with two differences: how long a connection may take to come about
 * is set here (fetch: 10 s), and an answer may be silent as long as its reader waits (fetch: 300 s).
 *
 * Does not follow redirects: a server that answers with one is at another address than was given.
 */
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { Send, SendAnswer, SendRequest } from '@tunan/protocol/client';

export interface Transport {
  readonly send: Send;
  /** Ends the connections that wait for a next request. */
  close(): void;
}

/** @param connectSeconds longest time until a connection stands, TLS included */
export function openTransport(connectSeconds: number): Transport {
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  const send: Send = async (url, request) => {
    const agent = url.startsWith('https:') ? agents.https : agents.http;
    try {
      return await sendOnce(url, request, agent, connectSeconds);
    } catch (error) {
      // The server may have closed a kept connection at the very moment it was taken: nothing of the request was heard.
      if (!(error instanceof StaleConnection) || request.signal.aborted) throw error;
      return await sendOnce(url, request, false, connectSeconds);
    }
  };
  const close = () => {
    agents.http.destroy();
    agents.https.destroy();
  };
  return { send, close };
}

/** For the end of an answer behind its last event. */
const END_MILLISECONDS = 1_000;

class StaleConnection extends Error {}

/** @param agent false for a connection of its own */
function sendOnce(
  url: string,
  { method, headers, body, signal }: SendRequest,
  agent: http.Agent | https.Agent | false,
  connectSeconds: number,
): Promise<SendAnswer> {
  return new Promise((resolve, reject) => {
    const { request: open } = url.startsWith('https:') ? https : http;
    const request = open(url, { method, headers, agent });
    // Not the option `signal`: of an answer that is all there it would destroy the connection, which another request may have by now.
    let answer: http.IncomingMessage | undefined;
    const giveUp = () => {
      if (answer?.complete !== true) request.destroy(new Error('the request was given up'));
    };
    signal.addEventListener('abort', giveUp, { once: true });
    request.once('close', () => signal.removeEventListener('abort', giveUp));
    request.once('response', (response) => {
      answer = response;
      resolve(answerOf(response));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const message = `no connection within ${connectSeconds} s`;
      const timer = setTimeout(() => request.destroy(new Error(message)), 1000 * connectSeconds);
      const stop = () => clearTimeout(timer);
      socket.once(url.startsWith('https:') ? 'secureConnect' : 'connect', stop).once('close', stop);
    });
    request.end(body);
  });
}

function answerOf(response: http.IncomingMessage): SendAnswer {
  const status = response.statusCode ?? 0;
  // Whoever reads gets the error there; it may come after the last read.
  response.on('error', () => undefined);
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => [response.headers[name]].flat().join(', ') || null },
    body: bodyOf(response),
    text: () => text(response),
  };
}

/** Whoever has read what matters leaves; the connection stays when the end of the answer is right behind it. */
async function* bodyOf(response: http.IncomingMessage): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* response.iterator({ destroyOnReturn: false });
  } finally {
    if (!response.readableEnded) {
      const timer = setTimeout(() => response.destroy(), END_MILLISECONDS);
      response.once('close', () => clearTimeout(timer));
      response.resume();
    }
  }
}
