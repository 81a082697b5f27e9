/**
 * `POST /v1/completions`: check → submit → answer, whole or as server-sent events.
 *
 * A client that goes away frees its place in the engine. Whatever is refused is refused before the first byte of a stream. Fields of
 * the body that change nothing are named in the header `x-ignored-fields`.
 */
import { randomUUID } from 'node:crypto';
import { collect, type Generation, submitBestOf } from '@tunan/inference';
import {
  type Completion,
  type CompletionRequest,
  completionRequestSchema,
  completionSchema,
  promptsOf,
} from '@tunan/protocol';
import {
  type AnswerHead,
  textOptions,
  toChoice,
  toCompletion,
  toGenerationRequest,
  toUsage,
} from '../answers/completion-answer.ts';
import { streamAnswer } from '../answers/event-stream.ts';
import { abortedByLeaving } from '../answers/leaving.ts';
import { engineFor, findModel, type ServerContext, type ZodFastify } from '../context.ts';
import type { Submitter } from '../quotas/metered-engine.ts';
import { aigcOf, type ContentMark } from '../safety/content-mark.ts';
import { namingIgnored } from './ignored-fields.ts';

export function addCompletionsRoute(app: ZodFastify, context: ServerContext): void {
  const schema = { body: completionRequestSchema, response: { 200: completionSchema } };
  const preValidation = namingIgnored(completionRequestSchema, context);
  app.post('/v1/completions', { schema, preValidation }, async (request, reply) => {
    const { body } = request;
    const id = findModel(context, body.model, request.caller);
    context.safety?.requireTexts(promptsOf(body.prompt), request.caller);
    const abort = abortedByLeaving(reply);
    const done = context.openRequest(request, abort);
    try {
      using model = await context.models.acquire(id, abort.signal);
      const generation = submit(engineFor(context, request, reply, model, body), body, abort.signal);
      context.telemetry.noteUsage(request, id, () => generation.usage);
      const head = answerHead(id, context.mark);
      await generation.accepted;
      if (!body.stream) return toCompletion(head, await collect(generation), body.logprobs !== undefined);
      await streamAnswer(reply, partsOf(head, body, generation), context);
    } finally {
      done();
    }
    return reply;
  });
}

function submit(engine: Submitter, body: CompletionRequest, signal: AbortSignal): Generation {
  const asked = { ...toGenerationRequest(body), ...textOptions(body) };
  const { n, best_of: candidates = n } = body;
  return candidates > n ? submitBestOf(engine, asked, candidates, signal) : engine.submit(asked, signal);
}

function answerHead(model: string, mark: ContentMark | undefined): AnswerHead {
  const id = `cmpl-${randomUUID().replaceAll('-', '')}`;
  return { id, object: 'text_completion', created: Math.floor(Date.now() / 1000), model, ...aigcOf(mark, id) };
}

/** A part for each chunk, and one with the usage where it is asked for. */
async function* partsOf(
  head: AnswerHead,
  request: CompletionRequest,
  generation: Generation,
): AsyncGenerator<Completion, void, void> {
  const withUsage = request.stream_options?.include_usage ?? false;
  for await (const chunk of generation) {
    const choices = [toChoice(chunk, request.logprobs !== undefined)];
    yield withUsage ? { usage: null, ...head, choices } : { ...head, choices };
  }
  if (withUsage) yield { ...head, choices: [], usage: toUsage(generation.usage) };
}
