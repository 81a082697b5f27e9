/** A refusal that only HTTP knows, thrown by routes and hooks; error-table.ts makes an answer of it. */
import type { Said } from '@tunan/files';
export type RequestErrorKind =
  /** A field of the request. */
  | 'invalid'
  /** A text that the rules of the server refuse. */
  | 'contentFiltered'
  | 'malformedJson'
  | 'malformedBody'
  /** A compressed body. */
  | 'encodedBody'
  | 'unauthorized'
  /** An API key in the address. */
  | 'keyInAddress'
  /** Nobody is signed in. */
  | 'signedOut'
  /** A change without the token against forged requests. */
  | 'forged'
  | 'forbidden'
  /** A file, a batch, or a response. */
  | 'notFound'
  /** A response to go on from. */
  | 'previousNotFound'
  /** As things stand it cannot be done. */
  | 'conflict'
  /** Nobody judges under the token that was sent. */
  | 'unknownJudge'
  /** A judgement of a text that the judge has judged. */
  | 'answeredAlready'
  /** A judgement before the text can have been read. */
  | 'tooSoon'
  | 'modelNotFound'
  | 'routeNotFound'
  | 'methodNotAllowed';

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly kind: RequestErrorKind;
  readonly chinese: string;
  /** The field at fault. */
  readonly param: string | null;

  constructor(kind: RequestErrorKind, message: Said, param: string | null = null) {
    super(message.en);
    this.kind = kind;
    this.chinese = message.zh;
    this.param = param;
  }
}
