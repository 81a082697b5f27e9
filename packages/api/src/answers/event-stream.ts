/**
 * An answer as server-sent events: one for each part, then `[DONE]`.
 *
 * A failure in the middle is sent as a last event `{"error": …}` without `[DONE]`. A client that reads slowly slows the writing, one
 * that stops reading is dropped.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { InferenceError } from '@tunan/inference';
import type { FastifyReply } from 'fastify';
import type { ServerContext } from '../context.ts';

/** Takes the reply over and writes it to its end. */
export async function streamAnswer(
  reply: FastifyReply,
  parts: AsyncIterable<unknown>,
  context: ServerContext,
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
    for await (const part of parts) await writeEvent(response, JSON.stringify(part));
    await writeEvent(response, '[DONE]');
  } catch (error) {
    if (error instanceof InferenceError && error.code === 'INFERENCE_ABORTED' && response.destroyed) return;
    await writeEvent(response, JSON.stringify(context.answerTo(error, reply.request).body));
  } finally {
    response.end();
  }
}

/** A client that reads nothing for so long is dropped: what it was sent waits in this process's memory. */
const STALLED_MILLISECONDS = 60_000;

/** Waits while the client is slow; a client that has gone is noticed by the caller's abort signal. */
async function writeEvent(response: ServerResponse, data: string): Promise<void> {
  if (response.destroyed || response.write(`data: ${data}\n\n`)) return;
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
