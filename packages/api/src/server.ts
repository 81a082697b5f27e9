/**
 * The HTTP server of one model: routes, checks, errors. The way of a request:
 *
 *   socket → request id → origin, key → JSON body → schema of @tunan/protocol → route → engine → JSON or events
 *                 └───────────── any error ─────────────→ error-table.ts → OpenAI's error body
 *
 * No accounts or quotas. Knows no model directory and no page of its own: both are given.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TorchEngine } from '@tunan/inference';
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
  type FastifyReply,
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
import { addApiKeys, addCrossOrigin } from './access.ts';
import { answerClientError } from './errors/client-error.ts';
import { answerTo, type ErrorAnswer } from './errors/error-table.ts';
import { RequestError } from './errors/request-error.ts';
import { addJsonBody, discardBody } from './json-body.ts';
import { addCompletionsRoute, checkModel } from './routes/completions-route.ts';
import { answerUnknownRoute } from './routes/unknown-routes.ts';
import { type RequestEntry, Telemetry } from './telemetry.ts';

export interface ServerOptions {
  readonly engine: TorchEngine;
  /** The id under which the model is served. */
  readonly modelName: string;
  /** HTML of the page at `/`; it must be self-contained. Absent: no page. */
  readonly page?: string;
  /** Largest body of a request, bytes; 4 MiB when absent. */
  readonly bodyLimit?: number;
  /** Keys of which a caller below /v1 must send one; none when absent. */
  readonly apiKeys?: readonly string[];
  /** Origins whose pages may call, `*` for all; none when absent. */
  readonly corsOrigins?: readonly string[];
  /** Told of every answered request below /v1. */
  readonly onRequest?: (entry: RequestEntry) => void;
  /** Told of every failure that is the server's own; the default prints it to standard error. */
  readonly onFailure?: (error: unknown, requestId: string) => void;
}

/** What routes need of the server. */
export interface ServerContext {
  readonly engine: TorchEngine;
  readonly modelName: string;
  /** Registers a running request, so that closing can wait for it or abort it; returns what to call at its end. */
  openRequest(abort: AbortController): () => void;
  answerTo(error: unknown, request: FastifyRequest): ErrorAnswer;
  readonly telemetry: Telemetry;
}

/** Largest body of a request where none is given. */
const BODY_LIMIT = 4 * 2 ** 20;

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
  const { engine, modelName, page, bodyLimit = BODY_LIMIT } = options;
  const onFailure = options.onFailure ?? printFailure;
  const answer = (error: unknown, request: FastifyRequest) => {
    const language = languageOf(request);
    const clientLeft = request.raw.destroyed && !request.raw.complete;
    const found = answerTo(error, { requestId: request.id, language, bodyLimit, clientLeft });
    if (found.unexpected) onFailure(error, request.id);
    return found;
  };
  const app: ZodFastify = fastify({
    bodyLimit,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    requestIdHeader: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request: FastifyRequest, reply: FastifyReply) => {
      const { status, headers, body } = answer(error, request);
      reply.code(status).headers(headers).header('x-request-id', request.id).send(body);
    },
  }).withTypeProvider<ZodTypeProvider>();
  addJsonBody(app);
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
  const telemetry = new Telemetry();
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  telemetry.watch(app, options.onRequest);
  addCrossOrigin(app, options.corsOrigins ?? []);
  addApiKeys(app, options.apiKeys ?? []);
  app.setErrorHandler(async (error, request, reply) => {
    const { status, headers, body } = answer(asRequestError(error, request), request);
    if (status === 413) await discardBody(request, bodyLimit);
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler(answerUnknownRoute);

  app.get('/healthz', async () => ({ status: 'ok', ...engine.occupancy }));
  app.get('/metrics', async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(telemetry.exposition(engine.occupancy));
  });
  addModelRoutes(app, { id: modelName, created: Math.floor(Date.now() / 1000), context: engine.contextLength });
  addCompletionsRoute(app, { engine, modelName, openRequest, answerTo: answer, telemetry });
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

/** A failed schema check as a line for the caller; anything else as it is. */
function asRequestError(error: unknown, request: FastifyRequest): unknown {
  if (!hasZodFastifySchemaValidationErrors(error)) return error;
  const schema = request.routeOptions.schema?.body;
  if (!(schema instanceof z.ZodType)) return error;
  const [english, chinese] = (['en', 'zh'] as const).map((language) => describeInvalid(schema, request.body, language));
  if (english === undefined || chinese === undefined) return error;
  return new RequestError('invalid', { en: english.message, zh: chinese.message }, english.param);
}

function languageOf(request: FastifyRequest): Language {
  return preferredLanguage(request.headers['accept-language']);
}

function printFailure(error: unknown, requestId: string): void {
  console.error(`request ${requestId} failed:`, error);
}
