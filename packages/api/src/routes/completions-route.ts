/**
 * `POST /v1/completions`: check → submit → answer, whole or as server-sent events.
 *
 * A client that goes away frees its place in the engine's batch. Whatever is refused is refused before the first byte of
 * a stream; a failure in the middle of one is sent as a last event `{"error": …}` without `[DONE]`. Fields of the body
 * that change nothing are named in the header `x-ignored-fields`.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { collect, type Generation, InferenceError } from '@tunan/inference';
import {
  type Completion,
  type CompletionRequest,
  completionRequestSchema,
  completionSchema,
  ignoredFields,
} from '@tunan/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AnswerHead, toChoice, toCompletion, toGenerationRequest, toUsage } from '../answers/completion-answer.ts';
import { RequestError } from '../errors/request-error.ts';
import type { ServerContext, ZodFastify } from '../server.ts';

export function addCompletionsRoute(app: ZodFastify, context: ServerContext): void {
  const schema = { body: completionRequestSchema, response: { 200: completionSchema } };
  // The schema leaves unknown fields out, so that they are looked for before it.
  const preValidation = async (request: FastifyRequest, reply: FastifyReply) => {
    const ignored = ignoredFields(request.body);
    if (ignored.length === 0) return;
    reply.header('x-ignored-fields', headerText(ignored));
    context.telemetry.noteIgnored(request, ignored);
  };
  app.post('/v1/completions', { schema, preValidation }, async (request, reply) => {
    const { body } = request;
    checkModel(body.model, context.modelName);
    const abort = new AbortController();
    reply.raw.once('close', () => abort.abort());
    const generation = context.engine.submit(toGenerationRequest(body), abort.signal);
    context.telemetry.noteUsage(request, () => generation.usage);
    const head = answerHead(context.modelName);
    const done = context.openRequest(abort);
    try {
      if (!body.stream) return toCompletion(head, await collect(generation), body.logprobs !== undefined);
      reply.hijack();
      await streamAnswer(reply, head, body, generation, context);
    } finally {
      done();
    }
    return reply;
  });
}

/** @throws RequestError when the request names another model than the served one */
export function checkModel(asked: string | undefined, served: string): void {
  if (asked === undefined || asked === served) return;
  const message = {
    en: `the model '${asked}' is not served here; ask for '${served}'`,
    zh: `此处没有模型“${asked}”；请改用“${served}”`,
  };
  throw new RequestError('modelNotFound', message, 'model');
}

const LONGEST_HEADER = 1_000;

/** Names as a header can carry them: ASCII, a comma between. */
function headerText(names: readonly string[]): string {
  const text = names.map((name) => encodeURIComponent(name.toWellFormed())).join(', ');
  return text.length > LONGEST_HEADER ? `${text.slice(0, LONGEST_HEADER)}...` : text;
}

function answerHead(model: string): AnswerHead {
  const id = `cmpl-${randomUUID().replaceAll('-', '')}`;
  return { id, object: 'text_completion', created: Math.floor(Date.now() / 1000), model };
}

async function streamAnswer(
  reply: FastifyReply,
  head: AnswerHead,
  request: CompletionRequest,
  generation: Generation,
  context: ServerContext,
): Promise<void> {
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) response.setHeader(name, value);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  const withUsage = request.stream_options?.include_usage ?? false;
  const send = (part: Completion) => writeEvent(response, JSON.stringify(withUsage ? { usage: null, ...part } : part));
  try {
    for await (const chunk of generation) {
      await send({ ...head, choices: [toChoice(chunk, request.logprobs !== undefined)] });
    }
    if (withUsage) await send({ ...head, choices: [], usage: toUsage(generation.usage) });
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
