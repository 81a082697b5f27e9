/**
 * Who may call: pages of other origins (CORS), and holders of a key.
 *
 * Keys guard the API below `/v1`; the page, `/healthz` and `/metrics` stay open. Origins are off unless named: a page that
 * somebody visits must not be able to use a server that listens for this machine alone.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from './errors/request-error.ts';

/** What the scripts of a page may read of an answer. */
const EXPOSED = [
  ...['x-request-id', 'x-ignored-fields', 'x-chat-template', 'retry-after', 'x-should-retry'],
  ...['limit', 'remaining', 'reset'].flatMap((what) => [`x-ratelimit-${what}-requests`, `x-ratelimit-${what}-tokens`]),
].join(', ');
const PREFLIGHT_SECONDS = '600';

/** @param origins such as `https://example.org`; `*` for all */
export function addCrossOrigin(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const all = origins.includes('*');
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (!all) reply.header('vary', 'origin');
    if (origin === undefined || !(all || origins.includes(origin))) return;
    reply.headers({
      'access-control-allow-origin': all ? '*' : origin,
      'access-control-expose-headers': EXPOSED,
    });
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return;
    return allowPreflight(request, reply);
  });
}

function allowPreflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers({
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
    'access-control-max-age': PREFLIGHT_SECONDS,
  });
  return reply.code(204).send();
}

/** Whether a request is for what lies below a path: by the route that it found, because an address is written in many ways, such as `/%761`. */
export function isBelow({ routeOptions, url }: FastifyRequest, path: string): boolean {
  const found = routeOptions.url ?? url;
  return found === path || found.startsWith(`${path}/`) || found.startsWith(`${path}?`);
}

export function addApiKeys(app: FastifyInstance, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const digests = keys.map(digest);
  app.addHook('onRequest', async (request, reply) => {
    if (reply.sent || request.isInside || !isBelow(request, '/v1')) return;
    if (request.routeOptions.config.checksCallers === true) return;
    const given = /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    // Every key is compared, and digests have one length: the time says nothing of the key.
    const sent = digest(given ?? '');
    const known = digests.filter((key) => timingSafeEqual(key, sent)).length > 0;
    if (given !== undefined && known) return;
    reply.header('www-authenticate', 'Bearer');
    throw new RequestError('unauthorized', {
      en: `${given === undefined ? 'there is no API key' : 'the API key is not known here'}: send the header Authorization: Bearer KEY with a key of this server`,
      zh: `${given === undefined ? '没有 API 密钥' : '此处没有这个 API 密钥'}：请用请求头 Authorization: Bearer KEY 发送本服务器的密钥`,
    });
  });
}

const digest = (key: string): Buffer => createHash('sha256').update(key).digest();
