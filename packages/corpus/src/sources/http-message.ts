/** An HTTP response as a web archive stores it: status, fields, and the body freed of its transfer and content encodings. */
import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { gzipHeaderLength } from '../reading/gzip-members.ts';
import { fieldsOf, headerEnd } from './warc-records.ts';

export interface HttpMessage {
  status: number;
  fields: Map<string, string>;
  body: Buffer;
}

/** No page of text is larger; a compressed body that grows beyond it is a bomb. */
const MAX_BODY_BYTES = 32 * 2 ** 20;

/** The message, or a short reason why it cannot be read. */
export function parseHttpMessage(content: Buffer): HttpMessage | { reason: string } {
  const end = headerEnd(content);
  if (end === undefined) return { reason: 'malformed-http' };
  const header = content.toString('latin1', 0, end.at);
  const status = Number(/^HTTP\/[\d.]+\s+(\d{3})/i.exec(header)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return { reason: 'malformed-http' };
  let body: Buffer = content.subarray(end.next);
  // What comes before the answer (100 Continue, 103 Early Hints) was stored with it.
  if (status < 200 && startsHttp(body)) return parseHttpMessage(body);
  const fields = fieldsOf(header);
  if (/\bchunked\b/i.test(fields.get('transfer-encoding') ?? '')) body = withoutChunks(body);
  for (const encoding of (fields.get('content-encoding') ?? '').toLowerCase().split(',').reverse()) {
    const decoded = decodeBody(body, encoding.trim());
    if (decoded === undefined || (decoded.length === 0 && body.length > 0))
      return { reason: 'damaged-content-encoding' };
    body = decoded;
  }
  // Compressed twice, or without a field that says so.
  const plain = isGzip(body) ? decodeBody(body, 'gzip') : body;
  return plain === undefined ? { reason: 'damaged-content-encoding' } : { status, fields, body: plain };
}

function startsHttp(bytes: Buffer): boolean {
  return /^HTTP\//i.test(bytes.toString('latin1', 0, 5));
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

/**
 * Undefined where the body is damaged or too large. A body stored decoded under an untouched field passes as it is. Of one that the
 * crawler cut, what is there is taken, as browsers do; bytes after its end and a wrong checksum lose nothing.
 */
function decodeBody(body: Buffer, encoding: string): Buffer | undefined {
  const limit = { maxOutputLength: MAX_BODY_BYTES };
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return isGzip(body) ? inflateGzip(body) : body;
      case 'deflate':
        if (looksLikeText(body)) return body;
        return inflated((body[0]! & 0x0f) === 8 ? body.subarray(2) : body);
      case 'br':
        if (looksLikeText(body)) return body;
        return brotliDecompressSync(body, { ...limit, finishFlush: constants.BROTLI_OPERATION_FLUSH });
      case 'zstd':
        if (body.length < 4 || body.readUInt32LE() !== 0xfd2fb528) return body;
        return zstdDecompressSync(body, { ...limit, finishFlush: constants.ZSTD_e_flush });
      default:
        return body;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code !== 'ERR_BUFFER_TOO_LARGE' && body.length > 0 && isUtf8(body) ? body : undefined;
  }
}

function isGzip(body: Buffer): boolean {
  return body[0] === 0x1f && body[1] === 0x8b;
}

function inflateGzip(body: Buffer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    const header = gzipHeaderLength(body);
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' || header === undefined) throw error;
    return inflated(body.subarray(header));
  }
}

/** A deflate stream as far as it goes. */
function inflated(stream: Buffer): Buffer {
  return inflateRawSync(stream, { maxOutputLength: MAX_BODY_BYTES, finishFlush: constants.Z_SYNC_FLUSH });
}

function looksLikeText(body: Buffer): boolean {
  return /^(\uFEFF|ï»¿)?\s*</.test(body.toString('latin1', 0, 64));
}
