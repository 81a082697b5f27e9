/** What routes know of the server that they belong to. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ModelLease, ModelPool, Occupancy } from '@tunan/inference';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Caller } from './accounts/keys.ts';
import type { ErrorAnswer } from './errors/error-table.ts';
import { RequestError } from './errors/request-error.ts';
import type { Ledger } from './quotas/ledger.ts';
import { meteredEngine, type Submitter } from './quotas/metered-engine.ts';
import { metered } from './quotas/metered-work.ts';
import type { ContentMark } from './safety/content-mark.ts';
import { guardedEngine } from './safety/guarded-engine.ts';
import type { Examined, Safety } from './safety/safety.ts';
import { requireModel } from './sign-in.ts';
import type { Telemetry } from './telemetry.ts';

export type ZodFastify = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface ServerContext {
  /** By the id that requests name; in the order in which they are listed. */
  readonly models: ModelPool;
  /** When the server began, Unix time in seconds. */
  readonly created: number;
  readonly telemetry: Telemetry;
  /** What callers use, and may use; none where accounts are off. */
  readonly ledger: Ledger | undefined;
  /** What may be asked and answered; none where there is no policy. */
  readonly safety: Safety | undefined;
  /** How answers are marked as generated. */
  readonly mark: ContentMark | undefined;
  /** Registers a running request, so that closing, or the end of its key, can abort it; returns what to call at its end. */
  openRequest(request: FastifyRequest, abort: AbortController): () => void;
  answerTo(error: unknown, request: FastifyRequest): ErrorAnswer;
}

/**
 * The id of the model, or adapter, that a request means; one that names none means the only model, whatever adapters are beside it.
 * @throws RequestError when it is not served here, when none is named of several, or when it is none for the caller's key
 */
export function findModel({ models }: ServerContext, asked: string | undefined, caller: Caller | undefined): string {
  const { names } = models;
  const found = asked === undefined ? onlyModel(models) : names.find((name) => name === asked);
  if (found !== undefined) {
    requireModel(caller, found);
    return found;
  }
  const [en, zh] = [names.map((name) => `'${name}'`).join(' or '), names.map((name) => `“${name}”`).join('或')];
  if (asked === undefined) {
    throw new RequestError('invalid', { en: `model: name one, ${en}`, zh: `model：请指定模型，${zh}` }, 'model');
  }
  throw new RequestError(
    'modelNotFound',
    { en: `the model '${asked}' is not served here; ask for ${en}`, zh: `此处没有模型“${asked}”；请改用${zh}` },
    'model',
  );
}

/** Whose files, batches and responses a request may have: those of its organisation. */
export const ownerOf = ({ caller }: FastifyRequest): string => caller?.organisationId ?? 'everyone';

function onlyModel({ statuses }: ModelPool): string | undefined {
  const [first, ...others] = statuses.filter(({ parent }) => parent === undefined);
  return others.length === 0 ? first?.name : undefined;
}

/** Whose texts are looked over. */
export const examinedOf = ({ id, caller, routeOptions }: FastifyRequest, model: string): Examined => ({
  ...{ requestId: id, route: routeOptions.url ?? '', model, caller },
});

/**
 * The engine as a route is to use it: what its caller asks of it is held to limits and counted, texts are looked over. What is left of the
 * limits goes into the headers of the reply when the request is accepted, unless the answer comes after the reply.
 */
export function engineFor(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply | undefined,
  lease: ModelLease,
  { stream }: { readonly stream: boolean },
): Submitter {
  const { safety, mark, telemetry } = context;
  const engine = telemetry.timed(countedEngine(context, request, reply, lease, stream), request);
  return guardedEngine(engine, { safety, mark, of: examinedOf(request, lease.name) });
}

function countedEngine(
  { ledger }: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply | undefined,
  { name: model, engine }: ModelLease,
  stream: boolean,
): Submitter {
  const { caller, id, routeOptions } = request;
  if (ledger === undefined || caller === undefined) return engine;
  const { organisationId, accountId, keyId } = caller;
  return meteredEngine(engine, {
    ...{ ledger, organisationId, accountId, keyId, model, stream, request: id, route: routeOptions.url ?? '' },
    onAllowance: (allowance) => void reply?.headers(allowance),
  });
}

/** Work that generates nothing, held to the limits of its caller and counted. @throws QuotaError; what the work throws */
export async function meteredFor<T>(
  { ledger }: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: { readonly model: string; readonly promptTokens: number },
  work: () => Promise<T>,
): Promise<T> {
  const { caller, id, routeOptions } = request;
  if (ledger === undefined || caller === undefined) return await work();
  const { organisationId, accountId, keyId } = caller;
  const of = { ledger, organisationId, accountId, keyId, request: id, route: routeOptions.url ?? '', ...asked };
  return await metered({ ...of, onAllowance: (allowance) => void reply.headers(allowance) }, work);
}

/** Sequences of all models together. */
export function totalOccupancy({ models }: Pick<ServerContext, 'models'>): Occupancy {
  const each = models.statuses.map(({ occupancy }) => occupancy);
  return {
    running: each.reduce((sum, { running }) => sum + running, 0),
    waiting: each.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}
