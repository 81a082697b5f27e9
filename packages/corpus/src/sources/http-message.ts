/** An HTTP response as a web archive stores it: status, fields, and the body freed of its transfer and content encodings. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { fieldsOf } from './warc-records.ts';

export type HttpMessage = { status: number; fields: Map<string, string>; body: Buffer };

/** No page of text is larger; a compressed body that grows beyond it is a bomb. */
const MAX_BODY_BYTES = 32 * 2 ** 20;
const HEADER_END = Buffer.from('\r\n\r\n');
const BARE_HEADER_END = Buffer.from('\n\n');

/** The message, or a short reason why it cannot be read. */
export function parseHttpMessage(content: Buffer): HttpMessage | { reason: string } {
  let end = content.indexOf(HEADER_END);
  let start = end + HEADER_END.length;
  if (end < 0) {
    end = content.indexOf(BARE_HEADER_END);
    start = end + BARE_HEADER_END.length;
  }
  if (end < 0) return { reason: 'malformed-http' };
  const header = content.toString('latin1', 0, end);
  const status = Number(/^HTTP\/[\d.]+ (\d{3})/i.exec(header)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return { reason: 'malformed-http' };
  const fields = fieldsOf(header);
  let body: Buffer = content.subarray(start);
  if (/\bchunked\b/i.test(fields.get('transfer-encoding') ?? '')) body = withoutChunks(body);
  for (const encoding of (fields.get('content-encoding') ?? '').toLowerCase().split(',').reverse()) {
    const decoded = decodeBody(body, encoding.trim());
    if (decoded === undefined) return { reason: 'damaged-content-encoding' };
    body = decoded;
  }
  return { status, fields, body };
}

/** Many crawlers store the body without its chunks and leave the field: then it is given back as it is. */
function withoutChunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size =
      lineEnd < 0 || lineEnd - at > 64
        ? undefined
        : /^([\da-f]+)\s*(;.*)?$/i.exec(body.toString('latin1', at, lineEnd))?.[1];
    if (size === undefined) return parts.length === 0 ? body : Buffer.concat(parts);
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return Buffer.concat(parts);
}

/** Undefined where the body is damaged or too large. A body stored decoded under an untouched field passes as it is. */
function decodeBody(body: Buffer, encoding: string): Buffer | undefined {
  const limit = { maxOutputLength: MAX_BODY_BYTES };
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body, limit) : body;
      case 'deflate':
        if (looksLikeText(body)) return body;
        return (body[0]! & 0x0f) === 8 ? inflateSync(body, limit) : inflateRawSync(body, limit);
      case 'br':
        return looksLikeText(body) ? body : brotliDecompressSync(body, limit);
      case 'zstd':
        return body.length >= 4 && body.readUInt32LE() === 0xfd2fb528 ? zstdDecompressSync(body, limit) : body;
      default:
        return body;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return undefined;
  }
}

function looksLikeText(body: Buffer): boolean {
  return /^(\uFEFF|ï»¿)?\s*</.test(body.toString('latin1', 0, 64));
}
