/**
 * The body of a request: bytes → UTF-8 → JSON.
 *
 * JSON between programs is UTF-8 (RFC 8259, section 8.1). Bytes that are none are refused and not replaced: a prompt from a
 * Windows console in GBK would be answered on U+FFFD otherwise, as if nothing were wrong. A byte order mark is taken. A seed beyond
 * 2^53 becomes a bigint, because JSON numbers are read as doubles otherwise and its last digits would not count.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from './errors/request-error.ts';

/** A client that sends too much is read on for so many bodies, and so long, before it is told: who still writes hears nothing. */
const DISCARDED_BODIES = 16;
const DISCARDING_MILLISECONDS = 20_000;

export function addJsonBody(app: FastifyInstance): void {
  app.addHook('preParsing', async (request) => requireUncompressed(request));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    /^application\/(?:[\w.-]+\+)?json(?:\s*;|\s*$)/i,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const { headers, routeOptions } = request;
      // Some clients, OpenAI's for Python among them, call JSON what they leave out.
      if (body.length === 0 && routeOptions.schema?.body === undefined) return undefined;
      return parseBody(body, headers['content-type'] ?? '');
    },
  );
}

/** A few bytes of a compressed body may be gigabytes. @throws RequestError */
function requireUncompressed({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || /^identity$/i.test(encoding.trim())) return;
  throw new RequestError('encodedBody', {
    en: 'the body is compressed: send it as it is, without Content-Encoding',
    zh: '请求体经过压缩：请原样发送，不带 Content-Encoding',
  });
}

/** Only such a body is worth the slower way. */
const LONG_SEED = /"seed"\s*:\s*-?\d{16}/;

function exactSeed(this: unknown, key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source ?? '';
  return key === 'seed' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** @throws RequestError */
function parseBody(body: Buffer, contentType: string): unknown {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw new RequestError('malformedBody', {
      en: `the body is said to be in ${charset}: send JSON in UTF-8, and leave charset out or set it to utf-8`,
      zh: `请求体声明的编码是 ${charset}：请用 UTF-8 发送 JSON，并省略 charset 或设为 utf-8`,
    });
  }
  if (body.length === 0) {
    throw new RequestError('malformedJson', {
      en: 'the body is empty; send a JSON object',
      zh: '请求体为空；请发送一个 JSON 对象',
    });
  }
  const text = decode(body);
  try {
    return LONG_SEED.test(text) ? JSON.parse(text, exactSeed) : JSON.parse(text);
  } catch (error) {
    const place = error instanceof Error ? /\(line \d+ column \d+\)|position \d+/.exec(error.message)?.[0] : undefined;
    const where = place === undefined ? '' : ` (${place.replace(/[()]/g, '')})`;
    throw new RequestError('malformedJson', {
      en: `the body is not valid JSON${where}`,
      zh: `请求体不是有效的 JSON${where}`,
    });
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new RequestError('malformedBody', {
      en: 'the body is not UTF-8: JSON is sent in UTF-8 (RFC 8259); a Windows console often sends GBK, so put the body into a UTF-8 file and send that',
      zh: '请求体不是 UTF-8：JSON 须用 UTF-8 发送（RFC 8259）；Windows 命令行常发送 GBK，可把请求体存为 UTF-8 文件再发送',
    });
  }
}

/** Reads what is left of a body that is too large, so that its sender comes to read the answer. */
export async function discardBody({ raw }: FastifyRequest, bodyLimit: number): Promise<void> {
  let left = bodyLimit * DISCARDED_BODIES;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DISCARDING_MILLISECONDS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    raw.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) done();
    });
    raw.once('end', done).once('close', done).once('error', done);
    if (raw.readableEnded || raw.destroyed) done();
    raw.resume();
  });
}
