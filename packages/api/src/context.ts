/** What routes know of the server that they belong to. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Engine } from '@tunan/inference';
import type { Model } from '@tunan/protocol';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ErrorAnswer } from './errors/error-table.ts';
import { RequestError } from './errors/request-error.ts';
import type { Telemetry } from './telemetry.ts';

export type ZodFastify = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface ServedModel {
  readonly engine: Engine;
  /** As /v1/models shows it. */
  readonly card: Model;
}

export interface ServerContext {
  /** By the id that requests name; in the order in which they are listed. */
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly telemetry: Telemetry;
  /** Registers a running request, so that closing can wait for it or abort it; returns what to call at its end. */
  openRequest(abort: AbortController): () => void;
  answerTo(error: unknown, request: FastifyRequest): ErrorAnswer;
}

/** The model that a request means. @throws RequestError when it is not served here, or when none is named of several */
export function findModel({ models }: ServerContext, asked: string | undefined): ServedModel {
  const [only] = models.values();
  if (asked === undefined && models.size === 1 && only !== undefined) return only;
  const found = asked === undefined ? undefined : models.get(asked);
  if (found !== undefined) return found;
  const names = [...models.keys()];
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

/** Sequences of all models together. */
export function totalOccupancy({ models }: Pick<ServerContext, 'models'>): Engine['occupancy'] {
  const each = [...models.values()].map(({ engine }) => engine.occupancy);
  return {
    running: each.reduce((sum, { running }) => sum + running, 0),
    waiting: each.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}
