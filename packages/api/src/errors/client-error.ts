/** Answers to what is no HTTP: the parser gives up before there is a request, so that the socket itself is written to. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorBody } from '@tunan/protocol';
import { caller, type ErrorRow } from './error-row.ts';

type Refusal = ErrorRow & { readonly message: string };

const KINDS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    ...caller(431, 'headers_too_large', 'the headers are too large', '请求头过大'),
    message: 'the headers of the request are too large; send fewer or shorter ones',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    ...caller(408, 'request_timeout', 'the request did not arrive in time', '请求未及时到齐'),
    message: 'the request did not arrive in time; send it again',
  },
};
const MALFORMED: Refusal = {
  ...caller(400, 'malformed_request', 'what came is no HTTP', '收到的不是 HTTP'),
  message: 'this is not HTTP/1.1; the server speaks http://, not https://',
};

export const CLIENT_ERROR_ROWS: readonly ErrorRow[] = [MALFORMED, ...Object.values(KINDS)];

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, message } = KINDS[error.code ?? ''] ?? MALFORMED;
  const body: ErrorBody = { error: { message, type: 'invalid_request_error', param: null, code } };
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}
