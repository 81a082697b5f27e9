/** Mistakes in what the user gave this package: one line each that says what is wrong and what to do. */
import { cannotWrite, UserMistake, WriteError } from '@tunan/files';

type CorpusErrorCode =
  | 'CORPUS_RECIPE'
  | 'CORPUS_SOURCE_MISSING'
  | 'CORPUS_SOURCE_READ'
  | 'CORPUS_SOURCE_FORMAT'
  | 'CORPUS_DOWNLOAD'
  | 'CORPUS_MALFORMED_LINE'
  | 'CORPUS_TRUNCATED'
  | 'CORPUS_EMPTY'
  | 'CORPUS_OUTPUT'
  | 'CORPUS_NOT_A_CORPUS'
  | 'CORPUS_NOT_FOUND'
  | 'CORPUS_CHECKSUM'
  | 'CORPUS_SHARD_MISSING'
  | 'CORPUS_SPARK'
  | 'CORPUS_MODEL'
  | 'CORPUS_TOKENS';

/** An error that a person can fix; `tunan` prints its message as one line and exits with 1. */
export class CorpusError extends UserMistake<CorpusErrorCode> {}

/** Turns an operating-system error met while writing `path` into a one-line CorpusError, which crosses threads; other errors pass unchanged. */
export function writeProblem(path: string, error: unknown): unknown {
  if (error instanceof CorpusError) return error;
  const known = error instanceof WriteError ? { en: error.message, zh: error.chinese ?? error.message } : undefined;
  const said = known ?? cannotWrite(path, error);
  return said === undefined ? error : new CorpusError('CORPUS_OUTPUT', said, { cause: error });
}

/** What crosses a thread boundary: a class instance would arrive as a plain Error without its code. */
export interface CarriedError {
  code: string | undefined;
  message: string;
  chinese: string | undefined;
  stack: string | undefined;
  user: boolean;
}

/** Packs an error for postMessage. */
export function packError(error: unknown): CarriedError {
  const known = error instanceof Error ? error : new Error(String(error));
  return {
    code: (known as NodeJS.ErrnoException).code,
    message: known.message,
    chinese: known instanceof CorpusError ? known.chinese : undefined,
    stack: known.stack,
    user: known instanceof CorpusError,
  };
}

/** The error that packError packed, with its class, code and stack of origin. */
export function unpackError(carried: CarriedError): Error {
  const { message, chinese } = carried;
  const said = chinese === undefined ? message : { en: message, zh: chinese };
  if (carried.user) return new CorpusError(carried.code as CorpusErrorCode, said);
  return Object.assign(new Error(carried.message), { code: carried.code, stack: carried.stack });
}
