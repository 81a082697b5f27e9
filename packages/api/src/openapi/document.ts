/**
 * The routes of a server as an OpenAPI 3.1 document, made of the schemas by which it checks requests and writes answers: what is not in a
 * schema is not in it. Whoever needs a key or a session for a route finds that there too (`security`, and `x-access` for the role).
 */
import { errorBodySchema, type Language } from '@tunan/protocol';
import { chineseOf } from '@tunan/protocol/mistakes';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { z } from 'zod';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The fields of a body that is a form, which no schema checks. */
    form?: z.ZodType;
    /** For whoever operates the server, with a key of theirs. */
    operators?: boolean;
    /** For judges of a study, who send what they were given when they began. */
    judges?: boolean;
  }
}

type Json = Record<string, unknown>;

/** Which callers the server asks for what they are. */
export interface Guarded {
  /** Below /v1 a key must be sent. */
  readonly keys: boolean;
}

type KnownRoute = Pick<RouteOptions, 'url' | 'method' | 'schema' | 'config'>;

/** To be made before all routes: it learns them while they are added. */
export class RouteBook {
  readonly #routes: KnownRoute[] = [];

  constructor(app: FastifyInstance) {
    app.addHook('onRoute', (route) => void this.#routes.push(route));
  }

  document(guarded: Guarded, language: Language): Json {
    const paths: Record<string, Json> = {};
    for (const route of this.#routes) {
      for (const method of [route.method].flat()) {
        if (method === 'HEAD' || method === 'OPTIONS') continue;
        const place = route.url.replace(/:(\w+)/g, '{$1}');
        paths[place] = { ...paths[place], [method.toLowerCase()]: operationOf(route, method, guarded) };
      }
    }
    const document = {
      openapi: '3.1.0',
      info: {
        title: 'tunan',
        version: '1',
        description: 'The open API of served models, in the words of OpenAI, and in those of Yuan 1.0.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      paths,
      components: {
        schemas: { Error: schemaOf(errorBodySchema, 'output') },
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key.' },
          session: { type: 'apiKey', in: 'cookie', name: 'tunan_session' },
          judge: { type: 'apiKey', in: 'header', name: 'x-judge', description: 'What a judge of a study was given.' },
          csrf: { type: 'apiKey', in: 'header', name: 'x-csrf-token', description: 'Beside the session, for changes.' },
        },
      },
    };
    return language === 'en' ? document : (inChinese(document) as Json);
  }
}

function operationOf({ url, schema = {}, config }: KnownRoute, method: string, { keys }: Guarded): Json {
  const { body, querystring, params, response } = schema as Record<string, unknown>;
  const access = config?.access;
  const isYuan = config?.checksCallers === true;
  const needsKey = (keys && !isYuan && /^\/v1(\/|$)/.test(url)) || config?.operators === true;
  const isSafe = method === 'GET';
  const security = needsKey
    ? [{ key: [] }]
    : config?.judges === true
      ? [{ judge: [] }]
      : access !== undefined && access !== 'everyone'
        ? [{ session: [], ...(!isSafe && { csrf: [] }) }]
        : [];
  return {
    operationId: `${method.toLowerCase()}${url.replace(/[/:_-]+(\w)?/g, (_, letter = '') => letter.toUpperCase())}`,
    tags: [isYuan ? 'yuan' : url.startsWith('/v1') ? 'models' : url.startsWith('/accounts') ? 'accounts' : 'server'],
    ...(access !== undefined && { 'x-access': access }),
    security,
    parameters: [
      ...parametersOf(
        params,
        'path',
        [...url.matchAll(/:(\w+)/g)].map(([, name]) => name!),
      ),
      ...parametersOf(querystring, 'query', []),
      ...(isYuan ? [{ name: 'token', in: 'header', schema: { type: 'string' } }] : []),
    ],
    ...(body instanceof z.ZodType && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    ...(config?.form !== undefined && {
      requestBody: { required: true, content: { 'multipart/form-data': { schema: schemaOf(config.form, 'input') } } },
    }),
    responses: {
      ...responsesOf(response, body, method),
      default: {
        description: 'Refused or failed.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function parametersOf(schema: unknown, place: 'path' | 'query', names: readonly string[]): Json[] {
  const { properties = {}, required = [] } =
    schema instanceof z.ZodType
      ? (schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] })
      : { properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) };
  return Object.entries(properties).map(([name, { description, ...field }]) => ({
    ...{ name, in: place, required: place === 'path' || required.includes(name) },
    ...(description !== undefined && { description }),
    schema: field,
  }));
}

/** A route that says nothing of its answer has none where it removes something, and one that is no JSON otherwise. */
function responsesOf(response: unknown, body: unknown, method: string): Json {
  const known = Object.entries((response ?? {}) as Record<string, unknown>).filter(
    ([, one]) => one instanceof z.ZodType,
  );
  if (known.length === 0) {
    const isRead = method === 'GET';
    return { [isRead ? '200' : '204']: { description: isRead ? 'The answer.' : 'Done.' } };
  }
  const streams = body instanceof z.ZodObject && 'stream' in body.shape;
  return Object.fromEntries(
    known.map(([status, schema]) => {
      // What may be a text as well is CSV then.
      const options = schema instanceof z.ZodUnion ? (schema.options as readonly z.ZodType[]) : [];
      const isTable = options.some((option) => option instanceof z.ZodString);
      const json = isTable ? options.find((option) => !(option instanceof z.ZodString)) : schema;
      const content = {
        'application/json': { schema: schemaOf(json as z.ZodType, 'output') },
        ...(isTable && { 'text/csv': { schema: { type: 'string' } } }),
        ...(streams && { 'text/event-stream': {} }),
      };
      return [status, { description: 'The answer.', content }];
    }),
  );
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

/** Descriptions that have a Chinese side. */
function inChinese(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inChinese);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'description' && typeof inner === 'string' ? (chineseOf(inner) ?? inner) : inChinese(inner),
    ]),
  );
}
