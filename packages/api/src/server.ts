/**
 * The HTTP server of one model: routes, checks, errors. The way of a request:
 *
 *   socket → request id → JSON body → schema of @tunan/protocol → route → engine → schema of the answer → JSON or events
 *                 └───────────── any error ─────────────→ error-table.ts → OpenAI's error body
 *
 * No accounts, quotas or cross-origin access. Knows no model directory and no page of its own: both are given.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InferenceEngine } from '@tunan/inference';
import {
  describeInvalid,
  type Language,
  type Model,
  modelListSchema,
  modelSchema,
  preferredLanguage,
} from '@tunan/protocol';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  fastify,
  type RawServerDefault,
} from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import * as z from 'zod';
import { addCompletionsRoute, checkModel } from './completions-route.ts';
import { answerTo, type ErrorAnswer, RequestError } from './error-table.ts';

export interface ServerOptions {
  readonly engine: InferenceEngine;
  /** The id under which the model is served. */
  readonly modelName: string;
  /** HTML of the page at `/`; it must be self-contained. Absent: no page. */
  readonly page?: string;
  /** Largest body of a request, bytes; 4 MiB when absent. */
  readonly bodyLimit?: number;
  /** Told of every failure that is the server's own; the default prints it to standard error. */
  readonly onFailure?: (error: unknown, requestId: string) => void;
}

/** What routes need of the server. */
export interface ServerContext {
  readonly engine: InferenceEngine;
  readonly modelName: string;
  /** Registers a running request, so that closing can wait for it or abort it; returns what to call at its end. */
  openRequest(abort: AbortController): () => void;
  answerTo(error: unknown, requestId: string): ErrorAnswer;
}

export type ZodFastify = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The page runs its own inline script and style and talks to its own server; nothing else is allowed. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface Server {
  readonly app: ZodFastify;
  /** Requests that are being answered. */
  readonly open: ReadonlySet<AbortController>;
}

/** Builds the application without listening; `app.inject` answers without a socket. */
export function buildServer(options: ServerOptions): Server {
  const { engine, modelName, page } = options;
  const onFailure = options.onFailure ?? printFailure;
  const app: ZodFastify = fastify({
    bodyLimit: options.bodyLimit ?? 4 * 2 ** 20,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    requestIdHeader: false,
  }).withTypeProvider<ZodTypeProvider>();
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  const open = new Set<AbortController>();
  const openRequest = (abort: AbortController) => {
    open.add(abort);
    return () => {
      open.delete(abort);
      // While closing, a connection that was kept alive would otherwise hold the server until its timeout.
      if (!app.server.listening) setImmediate(() => app.server.closeIdleConnections());
    };
  };
  const answer = (error: unknown, requestId: string) => {
    const found = answerTo(error, requestId);
    if (found.unexpected) onFailure(error, requestId);
    return found;
  };

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, headers, body } = answer(asRequestError(error, request), request.id);
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler((request) => {
    throw new RequestError('routeNotFound', `there is no ${request.method} ${request.url.split('?')[0]} here`);
  });

  app.get('/healthz', async () => ({ status: 'ok', ...engine.occupancy }));
  addModelRoutes(app, { id: modelName, created: Math.floor(Date.now() / 1000), context: engine.contextLength });
  addCompletionsRoute(app, { engine, modelName, openRequest, answerTo: answer });
  if (page !== undefined) {
    app.get('/', async (_request, reply) => {
      reply.headers({ 'content-security-policy': PAGE_POLICY, 'x-content-type-options': 'nosniff' });
      return reply.type('text/html; charset=utf-8').send(page);
    });
  }
  return { app, open };
}

function addModelRoutes(app: ZodFastify, served: { id: string; created: number; context: number }): void {
  const { id, created, context } = served;
  const model: Model = { id, object: 'model', created, owned_by: 'tunan', max_model_len: context };
  app.get('/v1/models', { schema: { response: { 200: modelListSchema } } }, async () => {
    return { object: 'list' as const, data: [model] };
  });
  const schema = { params: z.object({ model: z.string() }), response: { 200: modelSchema } };
  app.get('/v1/models/:model', { schema }, async (request) => {
    checkModel(request.params.model, id);
    return model;
  });
}

/** A failed schema check, told in the language of the caller; anything else as it is. */
function asRequestError(error: unknown, request: FastifyRequest): unknown {
  if (!hasZodFastifySchemaValidationErrors(error)) return error;
  const schema = request.routeOptions.schema?.body;
  const language: Language = preferredLanguage(request.headers['accept-language']);
  const invalid = schema instanceof z.ZodType ? describeInvalid(schema, request.body, language) : undefined;
  if (invalid === undefined) return error;
  return new RequestError('invalid', invalid.message, invalid.param);
}

function printFailure(error: unknown, requestId: string): void {
  console.error(`request ${requestId} failed:`, error);
}
