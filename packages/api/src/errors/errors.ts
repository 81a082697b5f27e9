/** What can go wrong in starting a server; one class, told apart by `code`. Errors of requests: error-table.ts. */

export type ApiErrorCode =
  /** Another program listens on the port. */
  | 'API_PORT_IN_USE'
  /** The system does not let this user listen on the port. */
  | 'API_PORT_FORBIDDEN'
  /** The host is no address of this machine, or the port no port. */
  | 'API_BAD_ADDRESS';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly userMistake = true;
  readonly code: ApiErrorCode;
  /** The message in Chinese; undefined where nobody has said it in Chinese. */
  readonly chinese: string | undefined;

  constructor(
    code: ApiErrorCode,
    message: string | { readonly en: string; readonly zh: string },
    options?: ErrorOptions,
  ) {
    super(typeof message === 'string' ? message : message.en, options);
    this.chinese = typeof message === 'string' ? undefined : message.zh;
    this.code = code;
  }
}
