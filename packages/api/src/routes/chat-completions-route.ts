/**
 * `POST /v1/chat/completions`: check → the model's template, here or at a server behind → submit → answer, whole or as server-sent
 * events. A base model gets the plain form of answers/conversation.ts, and the header `x-chat-template: plain` says so.
 */
import { randomUUID } from 'node:crypto';
import { collect, type Generation } from '@tunan/inference';
import { type ChatCompletionChunk, type ChatRequest, chatCompletionSchema, chatRequestSchema } from '@tunan/protocol';
import { type ChatHead, toChatChunk, toChatCompletion } from '../answers/chat-answer.ts';
import { toUsage } from '../answers/completion-answer.ts';
import { isPlain } from '../answers/conversation.ts';
import { streamAnswer } from '../answers/event-stream.ts';
import { abortedByLeaving } from '../answers/leaving.ts';
import { generationOf } from '../answers/request-body.ts';
import { engineFor, examinedOf, findModel, type ServerContext, type ZodFastify } from '../context.ts';
import { aigcOf } from '../safety/content-mark.ts';
import { namingIgnored } from './ignored-fields.ts';

export function addChatCompletionsRoute(app: ZodFastify, context: ServerContext): void {
  const schema = { body: chatRequestSchema, response: { 200: chatCompletionSchema } };
  app.post(
    '/v1/chat/completions',
    { schema, preValidation: namingIgnored(chatRequestSchema, context) },
    async (request, reply) => {
      const model = findModel(context, request.body.model, request.caller);
      const body = context.safety?.checkMessages(request.body, examinedOf(request, model)) ?? request.body;
      const abort = abortedByLeaving(reply);
      const done = context.openRequest(request, abort);
      try {
        using lease = await context.models.acquire(model, abort.signal);
        if (isPlain(lease.engine)) reply.header('x-chat-template', 'plain');
        const asked = generationOf(lease.engine, { kind: 'chat', body });
        const generation = engineFor(context, request, reply, lease, body).submit(asked, abort.signal);
        context.telemetry.noteUsage(request, model, () => generation.usage);
        const id = `chatcmpl-${randomUUID().replaceAll('-', '')}`;
        const head = { id, created: Math.floor(Date.now() / 1000), model, ...aigcOf(context.mark, id) };
        await generation.accepted;
        if (!body.stream) return toChatCompletion(head, await collect(generation), body.logprobs);
        await streamAnswer(reply, partsOf(head, body, generation), context);
      } finally {
        done();
      }
      return reply;
    },
  );
}

/** A part for each chunk, and one with the usage where it is asked for. */
async function* partsOf(
  head: ChatHead,
  request: ChatRequest,
  generation: Generation,
): AsyncGenerator<ChatCompletionChunk, void, void> {
  const withUsage = request.stream_options?.include_usage ?? false;
  const begun = new Set<number>();
  for await (const chunk of generation) {
    const part = toChatChunk(head, chunk, !begun.has(chunk.index), request.logprobs);
    begun.add(chunk.index);
    yield withUsage ? { ...part, usage: null } : part;
  }
  if (withUsage) yield { ...head, object: 'chat.completion.chunk', choices: [], usage: toUsage(generation.usage) };
}
