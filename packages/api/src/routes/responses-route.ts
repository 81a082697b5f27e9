/**
 * `/v1/responses`: conversation → check → as a request of chat → submit → answer, whole or as named events → kept, where it may be. What is
 * kept can be asked for, and deleted, by its organisation.
 */
import { collect } from '@tunan/inference';
import {
  chatRequestOf,
  inputItemListSchema,
  inputItemsQuerySchema,
  type ResponsesRequest,
  responseDeletedSchema,
  responseSchema,
  responsesRequestSchema,
  type SpokenMessage,
} from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { ZodError, z } from 'zod';
import { isPlain } from '../answers/conversation.ts';
import { type EventForm, streamAnswer } from '../answers/event-stream.ts';
import { abortedByLeaving } from '../answers/leaving.ts';
import { generationOf } from '../answers/request-body.ts';
import {
  type Keep,
  type ResponseEvent,
  type ResponseHead,
  responseEvents,
  responseHead,
  toResponse,
} from '../answers/response-answer.ts';
import { engineFor, examinedOf, findModel, ownerOf, type ServerContext, type ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import { type Conversation, itemsOf, readConversation, textOf } from '../responses/conversation-items.ts';
import type { ResponseStore } from '../responses/response-store.ts';
import { requireModel } from '../sign-in.ts';
import { namingIgnored } from './ignored-fields.ts';

/** Events have names; a failure is one of them, and there is no last one. */
const NAMED: EventForm = {
  nameOf: (part) => (part as ResponseEvent).type,
  last: undefined,
  failure: ({ error: { code, message, param } }) => ({ type: 'error', sequence_number: 0, code, message, param }),
};

export interface KeptResponses {
  /** None are kept when absent. */
  readonly store: ResponseStore | undefined;
  /** Told of a response that could not be kept. */
  readonly onFailure: (error: unknown, requestId: string) => void;
}

export function addResponsesRoute(app: ZodFastify, context: ServerContext, { store, onFailure }: KeptResponses): void {
  const schema = { body: responsesRequestSchema, response: { 200: responseSchema } };
  const preValidation = namingIgnored(responsesRequestSchema, context);
  app.post('/v1/responses', { schema, preValidation }, async (request, reply) => {
    const { body } = request;
    const model = findModel(context, body.model, request.caller);
    const conversation = await readConversation(store, ownerOf(request), body);
    const wanted = asChat(body, conversation);
    const chat = context.safety?.checkMessages(wanted, examinedOf(request, model)) ?? wanted;
    const abort = abortedByLeaving(reply);
    const done = context.openRequest(request, abort);
    try {
      using lease = await context.models.acquire(model, abort.signal);
      if (isPlain(lease.engine)) reply.header('x-chat-template', 'plain');
      const asked = generationOf(lease.engine, { kind: 'chat', body: chat });
      const generation = engineFor(context, request, reply, lease, body).submit(asked, abort.signal);
      context.telemetry.noteUsage(request, model, () => generation.usage);
      const head = responseHead(model, body, context.mark);
      await generation.accepted;
      const spoken = chat.messages.slice(body.instructions === undefined ? 0 : 1) as SpokenMessage[];
      const keep = keeping(request, head, conversation, spoken);
      if (!body.stream) return await keep(toResponse(head, await collect(generation)));
      await streamAnswer(reply, responseEvents(head, generation, keep), context, NAMED);
    } finally {
      done();
    }
    return reply;
  });

  /** An answer is worth more than its being kept: what cannot be written down says so, and is told to the operator. */
  function keeping(
    request: FastifyRequest,
    { request: { store: isWanted }, number }: ResponseHead,
    { earlier }: Conversation,
    spoken: readonly SpokenMessage[],
  ): Keep {
    return async (response) => {
      if (store === undefined || !isWanted) return response;
      // As the engine was given them, masks included.
      const kept = earlier.map((item, place) => ({ ...item, content: withText(item, spoken[place]!.content) }));
      const items = [...kept, ...itemsOf(number, spoken.slice(earlier.length))];
      const said = { ...response, store: true };
      try {
        await store.put({ owner: ownerOf(request), items, response: said });
        return said;
      } catch (error) {
        onFailure(error, request.id);
        return response;
      }
    };
  }

  if (store !== undefined) addKept(app, store);
}

function addKept(app: ZodFastify, store: ResponseStore): void {
  const params = z.object({ id: z.string() });
  const find = async (request: FastifyRequest, id: string) => {
    const found = await store.get(ownerOf(request), id);
    if (found === undefined) throw notFound(id);
    requireModel(request.caller, found.response.model);
    return found;
  };

  const querystring = z.object({ stream: z.enum(['true', 'false']).optional() });
  const reading = { schema: { params, querystring, response: { 200: responseSchema } } };
  app.get('/v1/responses/:id', reading, async (request) => {
    const { response } = await find(request, request.params.id);
    if (request.query.stream === 'true') throw noStream();
    return response;
  });

  app.delete('/v1/responses/:id', { schema: { params, response: { 200: responseDeletedSchema } } }, async (request) => {
    const { id } = request.params;
    await find(request, id);
    await store.delete(ownerOf(request), id);
    return { id, object: 'response' as const, deleted: true as const };
  });

  const listing = { schema: { params, querystring: inputItemsQuerySchema, response: { 200: inputItemListSchema } } };
  app.get('/v1/responses/:id/input_items', listing, async (request) => {
    const { items } = await find(request, request.params.id);
    const { limit, order, after } = request.query;
    const ordered = order === 'asc' ? items : items.toReversed();
    const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && from === 0) throw noItem(after);
    const data = ordered.slice(from, from + limit);
    const [first_id, last_id] = [data[0]?.id ?? null, data.at(-1)?.id ?? null];
    return { object: 'list' as const, data, first_id, last_id, has_more: from + limit < ordered.length };
  });
}

const withText = ({ content: [part] }: Conversation['earlier'][number], text: string) => [{ ...part!, text }];

/** @throws RequestError for a format of the text that cannot be had, or too many messages */
function asChat(body: ResponsesRequest, { earlier, added }: Conversation) {
  const spoken = [...earlier.map((item) => ({ role: item.role, content: textOf(item) })), ...added];
  try {
    return chatRequestOf(body, spoken);
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const [issue] = error.issues;
    const en = issue?.message ?? error.message;
    const chinese = issue?.code === 'custom' ? issue.params?.zh : undefined;
    const field = issue?.path[0] === 'messages' ? 'input' : 'text.format';
    throw new RequestError('invalid', { en: `${field}: ${en}`, zh: `${field}：${chinese ?? en}` }, field);
  }
}

function notFound(id: string): RequestError {
  const message = {
    en: `there is no response '${id}', or none any more`,
    zh: `没有应答“${id}”，或已不再保存`,
  };
  return new RequestError('notFound', message, 'id');
}

function noItem(id: string): RequestError {
  return new RequestError('invalid', { en: `after: there is no item '${id}'`, zh: `after：没有条目“${id}”` }, 'after');
}

function noStream(): RequestError {
  const message = {
    en: 'stream: a kept response is given whole; leave it out',
    zh: 'stream：已保存的应答只整体给出；请删去',
  };
  return new RequestError('invalid', message, 'stream');
}
