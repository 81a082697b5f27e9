/** What can go wrong with an endpoint; one class, told apart by `kind`. Callers add what their users can do about it. */
import type { Said } from '@tunan/files';
import type { ServedError } from './answers.ts';

export type EndpointErrorKind =
  /** It cannot be reached, or breaks off. */
  | 'down'
  /** Nothing comes for too long. */
  | 'slow'
  /** 429 or 503: later it may answer. */
  | 'busy'
  /** Any other 5xx. */
  | 'failed'
  /** 401 or 403. */
  | 'key'
  /** 404: the address or the model. */
  | 'unknown'
  /** Any other 4xx: what is asked. */
  | 'refused'
  /** The answer is of another form. */
  | 'malformed';

export interface EndpointErrorDetails extends ErrorOptions {
  readonly status?: number;
  /** Of the header Retry-After. */
  readonly retryAfterSeconds?: number | undefined;
  /** What the endpoint says in OpenAI's form. */
  readonly answered?: ServedError | undefined;
}

export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  readonly kind: EndpointErrorKind;
  readonly chinese: string;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly answered: ServedError | undefined;

  constructor(kind: EndpointErrorKind, said: Said, details: EndpointErrorDetails = {}) {
    super(said.en, details);
    this.kind = kind;
    this.chinese = said.zh;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.answered = details.answered;
  }
}
