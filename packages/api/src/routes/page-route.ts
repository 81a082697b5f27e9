/**
 * `GET /` and `GET /page/{file}`: the page that the server hands out, from a folder of built files. They are read once, when the server is
 * made, and are small; a request is answered from memory, in gzip where it is taken.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';

/** What the page has to send along to be answered below /v1: nothing, a key of the server's list, or a key of an account. */
export type PageAccess = 'open' | 'keys' | 'accounts';

export interface PageWords {
  readonly access: PageAccess;
  /** Whether the server has corpora, runs and evaluations to show. */
  readonly hasWorkspace: boolean;
}

/** Where index.html says so; the page reads it before it asks for anything. */
const ACCESS_PLACE = '<meta name="tunan-access" content="open">';
const WORKSPACE_PLACE = '<meta name="tunan-workspace" content="none">';

const KINDS: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

interface PageFile {
  readonly bytes: Buffer;
  readonly gzip: Buffer;
  readonly kind: string;
  readonly etag: string;
}

/** @param folder index.html, and in page/ what it loads, with names that change with the content */
export function addPageRoute(app: ZodFastify, folder: string, { access, hasWorkspace }: PageWords): void {
  const html = readFileSync(path.join(folder, 'index.html'), 'utf8')
    .replace(ACCESS_PLACE, ACCESS_PLACE.replace('open', access))
    .replace(WORKSPACE_PLACE, WORKSPACE_PLACE.replace('none', hasWorkspace ? 'shown' : 'none'));
  const policy = policyOf(html);
  const index = fileOf('index.html', Buffer.from(html));
  const loaded = path.join(folder, 'page');
  const files = new Map(
    (existsSync(loaded) ? readdirSync(loaded) : []).map((name) => [
      name,
      fileOf(name, readFileSync(path.join(loaded, name))),
    ]),
  );
  app.get('/', async (request, reply) => {
    reply.headers({ 'content-security-policy': policy, 'referrer-policy': 'no-referrer', 'cache-control': 'no-cache' });
    return send(request, reply, index);
  });
  app.get('/page/:file', { schema: { params: z.object({ file: z.string() }) } }, async (request, reply) => {
    const { file: name } = request.params;
    const file = files.get(name);
    if (file === undefined) {
      throw new RequestError('routeNotFound', {
        en: `the page has no file '${name}': load the page again, the server may be a newer one`,
        zh: `页面没有文件“${name}”：请重新载入页面，服务器可能已更新`,
      });
    }
    reply.header('cache-control', 'public, max-age=31536000, immutable');
    return send(request, reply, file);
  });
}

function fileOf(name: string, bytes: Buffer): PageFile {
  const kind = KINDS[path.extname(name)] ?? 'application/octet-stream';
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}"`;
  return { bytes, gzip: gzipSync(bytes), kind, etag };
}

function send(request: FastifyRequest, reply: FastifyReply, { bytes, gzip, kind, etag }: PageFile): FastifyReply {
  reply.headers({ 'x-content-type-options': 'nosniff', etag, vary: 'accept-encoding' });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const packed = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (packed) reply.header('content-encoding', 'gzip');
  return reply.type(kind).send(packed ? gzip : bytes);
}

/** Scripts and styles of the page's own files, and the scripts that index.html holds itself, by their hash; its own server; nothing else. */
function policyOf(html: string): string {
  const inline = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    ["script-src 'self'", ...inline].join(' '),
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
