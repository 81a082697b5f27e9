/** Answers to what is no HTTP: the parser gives up before there is a request, so that the socket itself is written to. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorBody, type Language, preferredLanguage } from '@tunan/protocol';
import { caller, type ErrorRow } from './error-row.ts';

type Refusal = ErrorRow & { readonly message: Readonly<Record<Language, string>> };

const KINDS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    ...caller(431, 'headers_too_large', 'the headers are too large', '请求头过大'),
    message: {
      en: 'the headers of the request are too large; send fewer or shorter ones',
      zh: '请求头过大；请减少或缩短',
    },
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    ...caller(408, 'request_timeout', 'the request did not arrive in time', '请求未及时到齐'),
    message: { en: 'the request did not arrive in time; send it again', zh: '请求未及时到齐；请重新发送' },
  },
};
const MALFORMED: Refusal = {
  ...caller(400, 'malformed_request', 'what came is no HTTP', '收到的不是 HTTP'),
  message: {
    en: 'this is not HTTP/1.1; the server speaks http://, not https://',
    zh: '这不是 HTTP/1.1；本服务器使用 http://，而非 https://',
  },
};

export const CLIENT_ERROR_ROWS: readonly ErrorRow[] = [MALFORMED, ...Object.values(KINDS)];

export function answerClientError(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, message } = KINDS[error.code ?? ''] ?? MALFORMED;
  const language = languageOf(error.rawPacket);
  const body: ErrorBody = { error: { message: message[language], type: 'invalid_request_error', param: null, code } };
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}

/** Of a header that stands in what came, where there is one to be read. */
function languageOf(packet: unknown): Language {
  const text = Buffer.isBuffer(packet) ? packet.toString('latin1') : '';
  return preferredLanguage(/^accept-language:(.*)$/im.exec(text)?.[1]);
}
