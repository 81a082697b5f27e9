/** What can go wrong with limits and the ledger; one class, told apart by `code`. error-table.ts makes answers of them. */
import { type Said, UserMistake } from '@tunan/files';

export type QuotaErrorCode =
  /** A limit of a minute, or of requests at once: it comes again soon. */
  | 'QUOTA_RATE'
  /** A limit of a day or longer. */
  | 'QUOTA_USED_UP'
  /** One request wants more than a limit ever gives. */
  | 'QUOTA_REQUEST_TOO_LARGE'
  /** A limit that is none: below zero, of an unknown kind. */
  | 'QUOTA_BAD_LIMIT'
  /** This process did not show for too long, and others closed its requests. */
  | 'QUOTA_LEASE_LOST';

export class QuotaError extends UserMistake<QuotaErrorCode> {
  /** Seconds until there is more; undefined where waiting does not help. */
  readonly retryAfter: number | undefined;
  /** Headers of the answer, such as x-ratelimit-remaining-tokens. */
  readonly headers: Readonly<Record<string, string>>;
  /** What was counted; undefined where nothing was. */
  readonly counts: 'requests' | 'tokens' | undefined;

  constructor(
    code: QuotaErrorCode,
    message: Said,
    options: ErrorOptions & {
      readonly retryAfter?: number | undefined;
      readonly headers?: Readonly<Record<string, string>>;
      readonly counts?: 'requests' | 'tokens' | undefined;
    } = {},
  ) {
    super(code, message, options);
    this.retryAfter = options.retryAfter;
    this.headers = options.headers ?? {};
    this.counts = options.counts;
  }
}
