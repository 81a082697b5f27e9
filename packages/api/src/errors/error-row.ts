/** One kind of refusal: its status and code, and when it happens, for the reference. */

import type { Said } from '@tunan/files';
/** A status of 499 is nobody's to read: its client has gone. */
export interface ErrorRow {
  readonly status: number;
  /** Of limits OpenAI's own: what is counted, or that it is used up for long. */
  readonly type: 'invalid_request_error' | 'server_error' | 'requests' | 'tokens' | 'insufficient_quota';
  /** `error.code` */
  readonly code: string;
  readonly when: Said;
}

export const caller = (status: number, code: string, en: string, zh: string): ErrorRow => ({
  ...{ status, type: 'invalid_request_error', code, when: { en, zh } },
});

export const server = (status: number, code: string, en: string, zh: string): ErrorRow => ({
  ...{ status, type: 'server_error', code, when: { en, zh } },
});
