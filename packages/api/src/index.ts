/**
 * The open API of the served models, in OpenAI's words, with Yuan's extensions.
 *
 * @module @tunan/api
 */

export type { ErrorRow } from './errors/error-row.ts';
export { errorRows } from './errors/error-table.ts';
export { ApiError, type ApiErrorCode } from './errors/errors.ts';
export { type ServeOptions, type Serving, serve } from './serve.ts';
export { buildServer, type Server, type ServerOptions } from './server.ts';
export type { RequestEntry } from './telemetry.ts';
