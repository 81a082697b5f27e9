/** `POST /v1/responses`: check → as a request of chat → submit → answer, whole or as named events. Nothing is kept. */
import { collect } from '@tunan/inference';
import { chatRequestOf, responseSchema, responsesRequestSchema } from '@tunan/protocol';
import { ZodError } from 'zod';
import { isPlain } from '../answers/conversation.ts';
import { type EventForm, streamAnswer } from '../answers/event-stream.ts';
import { generationOf } from '../answers/request-body.ts';
import { type ResponseEvent, responseEvents, responseHead, toResponse } from '../answers/response-answer.ts';
import { engineFor, examinedOf, findModel, type ServerContext, type ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import { namingIgnored } from './ignored-fields.ts';

/** Events have names; a failure is one of them, and there is no last one. */
const NAMED: EventForm = {
  nameOf: (part) => (part as ResponseEvent).type,
  last: undefined,
  failure: ({ error: { code, message, param } }) => ({ type: 'error', sequence_number: 0, code, message, param }),
};

export function addResponsesRoute(app: ZodFastify, context: ServerContext): void {
  const schema = { body: responsesRequestSchema, response: { 200: responseSchema } };
  const preValidation = namingIgnored(responsesRequestSchema, context);
  app.post('/v1/responses', { schema, preValidation }, async (request, reply) => {
    const { body } = request;
    const model = findModel(context, body.model, request.caller);
    const wanted = asChat(body);
    const chat = context.safety?.checkMessages(wanted, examinedOf(request, model)) ?? wanted;
    const abort = new AbortController();
    reply.raw.once('close', () => abort.abort());
    const done = context.openRequest(abort);
    try {
      using lease = await context.models.acquire(model, abort.signal);
      if (isPlain(lease.engine)) reply.header('x-chat-template', 'plain');
      const asked = generationOf(lease.engine, { kind: 'chat', body: chat });
      const generation = engineFor(context, request, reply, lease, body).submit(asked, abort.signal);
      context.telemetry.noteUsage(request, model, () => generation.usage);
      const head = responseHead(model, body, context.mark);
      await generation.accepted;
      if (!body.stream) return toResponse(head, await collect(generation));
      await streamAnswer(reply, responseEvents(head, generation), context, NAMED);
    } finally {
      done();
    }
    return reply;
  });
}

/** @throws RequestError for a format of the text that cannot be had */
function asChat(body: Parameters<typeof chatRequestOf>[0]) {
  try {
    return chatRequestOf(body);
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const [issue] = error.issues;
    const en = issue?.message ?? error.message;
    const chinese = issue?.code === 'custom' ? issue.params?.zh : undefined;
    throw new RequestError('invalid', { en: `text.format: ${en}`, zh: `text.format：${chinese ?? en}` }, 'text.format');
  }
}
