/**
 * The HTTP server: routes, checks, errors. The way of a request:
 *
 *   socket → request id → origin, caller → JSON body → schema of @tunan/protocol → route → engine → JSON or events
 *                 └───────────── any error ─────────────→ error-table.ts → OpenAI's error body
 *
 * Knows no model directory and no page of its own: both are given. Accounts are the caller's, who closes them.
 */
import { randomUUID } from 'node:crypto';
import { type Engine, InferenceError, ModelPool } from '@tunan/inference';
import { describeInvalid, type Language, preferredLanguage, YUAN_ADDRESS_BYTES } from '@tunan/protocol';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import { addApiKeys, addCrossOrigin } from './access.ts';
import type { Accounts } from './accounts/accounts.ts';
import type { AccountError } from './accounts/errors.ts';
import { RunningAnswers } from './accounts/running-answers.ts';
import type { AppsOptions } from './apps/app-shelf.ts';
import type { BatchStore } from './batches/batch-store.ts';
import { InsideCallers } from './batches/inside-callers.ts';
import { refuseWhileClosing } from './closing.ts';
import type { ServerContext, ZodFastify } from './context.ts';
import { answerClientError } from './errors/client-error.ts';
import { answerTo } from './errors/error-table.ts';
import { RequestError } from './errors/request-error.ts';
import { addJsonBody, discardBody } from './json-body.ts';
import { RouteBook } from './openapi/document.ts';
import type { Ledger } from './quotas/ledger.ts';
import type { RequestEntry } from './request-entry.ts';
import type { ResponseStore } from './responses/response-store.ts';
import { addAccountsRoutes } from './routes/accounts/accounts-routes.ts';
import { addBatches } from './routes/add-batches.ts';
import { addAppsRoutes } from './routes/apps/apps-routes.ts';
import { addChatCompletionsRoute } from './routes/chat-completions-route.ts';
import { addCompletionsRoute } from './routes/completions-route.ts';
import { addEmbeddingsRoute } from './routes/embeddings-route.ts';
import { addHealthRoute } from './routes/health-route.ts';
import { addMetricsRoute } from './routes/metrics-route.ts';
import { addModelsRoute } from './routes/models-route.ts';
import { addModerationsRoute } from './routes/moderations-route.ts';
import { addOpenApiRoute } from './routes/openapi-route.ts';
import { addPageRoute } from './routes/page-route.ts';
import { addReadyRoute } from './routes/ready-route.ts';
import { addResponsesRoute } from './routes/responses-route.ts';
import { addStudiesRoutes } from './routes/studies-routes.ts';
import { addUnknownRoute } from './routes/unknown-route.ts';
import { addWorkersRoutes } from './routes/workers-routes.ts';
import { addWorkspaceRoutes } from './routes/workspace-routes.ts';
import { addYuanRoutes } from './routes/yuan-routes.ts';
import type { ContentMark } from './safety/content-mark.ts';
import type { Moderation } from './safety/moderation.ts';
import type { Safety } from './safety/safety.ts';
import { addCallers } from './sign-in.ts';
import type { OpenStudy } from './studies/open-study.ts';
import { Telemetry } from './telemetry.ts';
import type { RequestTracer } from './tracing/request-trace.ts';
import type { Workspace } from './workspace/workspace.ts';
import type { YuanAccounts } from './yuan/token-check.ts';

export interface ServerOptions {
  /** The models, or the engine of each, by the id under which it is served. They stay the caller's. */
  readonly models: ModelPool | ReadonlyMap<string, Engine>;
  /** Folder of the page at `/`: index.html, and in page/ what it loads. Absent: no page. */
  readonly page?: string | undefined;
  /** Largest body of a request, bytes; 4 MiB when absent. */
  readonly bodyLimit?: number | undefined;
  /** Keys of which a caller below /v1 must send one; none when absent. Not used beside accounts. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Who may call below /v1, by keys of their own; they stay the caller's. Absent: everyone, or holders of apiKeys. */
  readonly accounts?: Accounts | undefined;
  /** The key of whoever operates the server, for `/admin` where accounts are off; there are no such routes without either. */
  readonly adminKey?: string | undefined;
  /** Holds callers with accounts to limits and counts what they use; the caller's, who closes it after the server. */
  readonly ledger?: Ledger | undefined;
  /** Which model each engine of Yuan's own protocol is; of others the model of that name, or the only one. */
  readonly yuanEngines?: ReadonlyMap<string, string> | undefined;
  /** Whose tokens of that protocol count where callers need keys; nobody's when absent. */
  readonly yuanAccounts?: YuanAccounts | undefined;
  /** Checks of prompts and answers; the caller's, who closes it after the server. */
  readonly safety?: Safety | undefined;
  /** How answers are marked as generated; not at all when absent. */
  readonly contentMark?: ContentMark | undefined;
  /** Addresses and networks of proxies in front: what X-Forwarded-For and -Proto say is believed of them alone. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** How long a request may take to arrive, ms; 60 000 when absent. */
  readonly requestMilliseconds?: number | undefined;
  /** Where files and batches are kept; there are no such routes when absent. It stays the caller's. */
  readonly batches?: BatchStore | undefined;
  /** Applications, and where own ones are kept; there are no such routes when absent. Stores stay the caller's. */
  readonly apps?: AppsOptions | undefined;
  /** Where responses are kept; none are when absent. It stays the caller's. */
  readonly responses?: ResponseStore | undefined;
  /** Corpora, runs and evaluations for admins to read; without accounts for everyone who reaches this machine's own address. */
  readonly workspace?: Workspace | undefined;
  /** What /v1/moderations asks; there is no such route when absent. */
  readonly moderation?: Moderation | undefined;
  /** Studies that people judge; they stay the caller's. */
  readonly studies?: readonly OpenStudy[] | undefined;
  /** Origins whose pages may call, `*` for all; none when absent. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** Told of every request below /v1 and its stages, such as Tracing of `@tunan/api/tracing`; the caller's, who closes it after the server. */
  readonly tracer?: RequestTracer | undefined;
  /** Told of every answered request below /v1. */
  readonly onRequest?: (entry: RequestEntry) => void;
  /** Told of every failure that is the server's own or that of a server behind; the default prints it to standard error. */
  readonly onFailure?: (error: unknown, requestId: string) => void;
}

/** Largest body of a request where none is given. */
const BODY_LIMIT = 4 * 2 ** 20;
const REQUEST_MILLISECONDS = 60_000;

export interface Server {
  readonly app: ZodFastify;
  /** Requests that are being answered. */
  readonly open: ReadonlySet<AbortController>;
}

/** Builds the application without listening; `app.inject` answers without a socket. */
export function buildServer(options: ServerOptions): Server {
  const { models, page, bodyLimit = BODY_LIMIT, requestMilliseconds = REQUEST_MILLISECONDS } = options;
  const onFailure = options.onFailure ?? printFailure;
  const telemetry = new Telemetry(options.tracer);
  const cut = new WeakMap<FastifyRequest, AccountError>();
  const answer = (given: unknown, request: FastifyRequest) => {
    const error = isAborted(given) ? (cut.get(request) ?? given) : given;
    const language = languageOf(request);
    const clientLeft = request.raw.destroyed && !request.raw.complete;
    const found = answerTo(error, { requestId: request.id, language, bodyLimit, clientLeft });
    if (found.logged) onFailure(error, request.id);
    telemetry.noteRefusal(found.body.error.code ?? 'unknown');
    return found;
  };
  const app: ZodFastify = fastify({
    bodyLimit,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    requestIdHeader: false,
    return503OnClosing: false, // closing.ts says it in the API's form
    trustProxy: options.trustedProxies?.length ? [...options.trustedProxies] : false,
    requestTimeout: requestMilliseconds,
    clientErrorHandler: answerClientError,
    http: {
      maxHeaderSize: YUAN_ADDRESS_BYTES,
      headersTimeout: requestMilliseconds,
      connectionsCheckingInterval: requestMilliseconds / 4,
    },
    frameworkErrors: (error, request: FastifyRequest, reply: FastifyReply) => {
      const { status, headers, body } = answer(error, request);
      reply.code(status).headers(headers).header('x-request-id', request.id).send(body);
    },
  }).withTypeProvider<ZodTypeProvider>();
  addJsonBody(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  telemetry.watch(app, options.onRequest);
  const isClosing = refuseWhileClosing(app);
  addCrossOrigin(app, options.corsOrigins ?? []);
  app.decorateRequest('caller', undefined);
  app.decorateRequest('session', undefined);
  const inside = new InsideCallers();
  inside.watch(app);
  const { accounts } = options;
  if (accounts === undefined) addApiKeys(app, options.apiKeys ?? []);
  else addCallers(app, accounts);
  app.setErrorHandler(async (error, request, reply) => {
    const { status, headers, body } = answer(asRequestError(error, request), request);
    if (status === 413) await discardBody(request, bodyLimit);
    return reply.code(status).headers(headers).send(body);
  });
  addUnknownRoute(app);
  const book = new RouteBook(app);

  const open = new Set<AbortController>();
  const running = accounts && new RunningAnswers(accounts.database, (error) => onFailure(error, 'of no request'));
  const openRequest = (request: FastifyRequest, abort: AbortController) => {
    open.add(abort);
    const { caller } = request;
    const ended =
      caller &&
      running?.add(caller, (why) => {
        cut.set(request, why);
        abort.abort();
      });
    return () => {
      ended?.();
      open.delete(abort);
      // While closing, a connection that was kept alive would otherwise hold the server until its timeout.
      if (!app.server.listening) setImmediate(() => app.server.closeIdleConnections());
    };
  };
  const context: ServerContext = {
    models: models instanceof ModelPool ? models : ModelPool.of(models),
    created: Math.floor(Date.now() / 1000),
    ...{
      telemetry,
      ledger: options.ledger,
      safety: options.safety,
      mark: options.contentMark,
      openRequest,
      answerTo: answer,
    },
  };
  addCompletionsRoute(app, context);
  addChatCompletionsRoute(app, context);
  addResponsesRoute(app, context, { store: options.responses, onFailure });
  addEmbeddingsRoute(app, context);
  if (options.apps !== undefined) addAppsRoutes(app, context, options.apps);
  if (options.moderation !== undefined) addModerationsRoute(app, context, options.moderation);
  addModelsRoute(app, context);
  addYuanRoutes(app, context, {
    engines: options.yuanEngines ?? new Map(),
    isOpen: accounts === undefined && (options.apiKeys ?? []).length === 0,
    known: options.yuanAccounts,
    accounts,
  });
  const { batches: store } = options;
  if (store !== undefined) addBatches(app, { store, inside, models: context.models, accounts, onFailure });
  if (options.studies !== undefined) addStudiesRoutes(app, options.studies);
  addHealthRoute(app, context);
  addMetricsRoute(app, context);
  addReadyRoute(app, context, accounts, isClosing);
  const operator = accounts ?? options.adminKey;
  if (operator !== undefined) addWorkersRoutes(app, context, operator);
  addOpenApiRoute(app, book, { keys: accounts !== undefined || (options.apiKeys ?? []).length > 0 });
  if (accounts !== undefined) addAccountsRoutes(app, accounts);
  const { workspace } = options;
  if (workspace !== undefined) addWorkspaceRoutes(app, workspace, accounts !== undefined);
  const hasKeys = (options.apiKeys ?? []).length > 0;
  const access = accounts !== undefined ? 'accounts' : hasKeys ? 'keys' : 'open';
  if (page !== undefined) addPageRoute(app, page, { access, hasWorkspace: workspace !== undefined });
  return { app, open };
}

const isAborted = (error: unknown): boolean => error instanceof InferenceError && error.code === 'INFERENCE_ABORTED';

/** A failed schema check as a line for the caller; anything else as it is. */
function asRequestError(error: unknown, request: FastifyRequest): unknown {
  if (!hasZodFastifySchemaValidationErrors(error)) return error;
  const part = error.validationContext === 'querystring' ? 'querystring' : 'body';
  const schema = request.routeOptions.schema?.[part];
  if (!(schema instanceof z.ZodType)) return error;
  const given = part === 'body' ? request.body : request.query;
  const [english, chinese] = (['en', 'zh'] as const).map((language) => describeInvalid(schema, given, language));
  if (english === undefined || chinese === undefined) return error;
  return new RequestError('invalid', { en: english.message, zh: chinese.message }, english.param);
}

function languageOf(request: FastifyRequest): Language {
  return preferredLanguage(request.headers['accept-language']);
}

/** One line for a server behind, the whole error for what should not happen. */
function printFailure(error: unknown, requestId: string): void {
  const expected = error instanceof InferenceError;
  const why = expected && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  console.error(`request ${requestId} failed:`, expected ? error.message + why : error);
}
