/**
 * An answer as server-sent events: one for each part, then `[DONE]`.
 *
 * A failure in the middle is sent as a last event `{"error": …}` without `[DONE]`. A client that reads slowly slows the writing, one
 * that stops reading is dropped.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { InferenceError } from '@tunan/inference';
import type { ErrorBody } from '@tunan/protocol';
import type { FastifyReply } from 'fastify';
import type { ServerContext } from '../context.ts';

/** How the events of a route look. */
export interface EventForm {
  /** In the line `event:`; none where undefined. */
  readonly nameOf: (part: unknown) => string | undefined;
  /** Written behind all parts. */
  readonly last: string | undefined;
  /** What a failure in the middle is written as. */
  readonly failure: (body: ErrorBody) => unknown;
}

const PLAIN: EventForm = { nameOf: () => undefined, last: '[DONE]', failure: (body) => body };

/** Takes the reply over and writes it to its end. */
export async function streamAnswer(
  reply: FastifyReply,
  parts: AsyncIterable<unknown>,
  context: ServerContext,
  form: EventForm = PLAIN,
): Promise<void> {
  reply.hijack();
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) response.setHeader(name, value);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  try {
    for await (const part of parts) await writeEvent(response, JSON.stringify(part), form.nameOf(part));
    if (form.last !== undefined) await writeEvent(response, form.last);
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'INFERENCE_ABORTED' && response.destroyed) return;
    const failure = form.failure(context.answerTo(error, reply.request).body);
    await writeEvent(response, JSON.stringify(failure), form.nameOf(failure));
  } finally {
    response.end();
  }
}

/** A client that reads nothing for so long is dropped: what it was sent waits in this process's memory. */
const STALLED_MILLISECONDS = 60_000;

/** Waits while the client is slow; a client that has gone is noticed by the caller's abort signal. */
async function writeEvent(response: ServerResponse, data: string, name?: string): Promise<void> {
  const event = `${name === undefined ? '' : `event: ${name}\n`}data: ${data}\n\n`;
  if (response.destroyed || response.write(event)) return;
  const stop = new AbortController();
  const stalled = setTimeout(() => response.destroy(), STALLED_MILLISECONDS);
  try {
    await Promise.race([
      once(response, 'drain', { signal: stop.signal }),
      once(response, 'close', { signal: stop.signal }),
    ]);
  } finally {
    clearTimeout(stalled);
    stop.abort();
  }
}
