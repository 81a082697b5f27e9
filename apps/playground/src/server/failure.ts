/** What the client of the open API tells of a failure, for whoever uses the page. */
import type { EndpointError } from '@tunan/protocol/client';
import { language } from '../language.ts';

/** What went wrong, in the language of the page. */
export function failureOf(error: unknown): string {
  if (!isEndpointError(error)) return String(error);
  const { answered, chinese, message } = error;
  return answered?.message ?? (language.peek() === 'zh' ? chinese : message);
}

/** Told by its name, because its class comes with the client, which may be what could not be loaded. */
export const isEndpointError = (error: unknown): error is EndpointError =>
  error instanceof Error && error.name === 'EndpointError';
