/**
 * Mistakes a user of training can make or meet: bad recipe, lost data, full disk, a run that cannot go on. Every message
 * is one line and says what to do. Broken invariants are plain Errors.
 */

export type TrainingErrorCode =
  | 'TRAINING_BAD_RECIPE'
  | 'TRAINING_MISSING_DATA'
  | 'TRAINING_DATA_EXHAUSTED'
  | 'TRAINING_RUN_EXISTS'
  | 'TRAINING_OTHER_RECIPE'
  | 'TRAINING_NOT_A_RUN'
  | 'TRAINING_CHECKPOINT_DAMAGED'
  | 'TRAINING_NON_FINITE_LOSS'
  | 'TRAINING_WRITE_FAILED';

export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  readonly userMistake = true;
  readonly code: TrainingErrorCode;
  /** The message in Chinese; undefined where nobody has said it in Chinese. */
  readonly chinese: string | undefined;

  constructor(
    code: TrainingErrorCode,
    message: string | { readonly en: string; readonly zh: string },
    options?: { cause?: unknown },
  ) {
    super(typeof message === 'string' ? message : message.en, options);
    this.chinese = typeof message === 'string' ? undefined : message.zh;
    this.code = code;
  }
}

/** What the file system says when it will not take our bytes, in the words of someone who can mend it. */
const WRITE_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space',
  EROFS: 'the file system is read-only: choose another output directory',
  EACCES: 'permission denied: choose an output directory you may write to',
  EPERM: 'permission denied: choose an output directory you may write to',
  ENOTDIR: 'a part of the path is a file: choose another output directory',
  EIO: 'the disk reports an input/output error: check it before going on',
};

/**
 * Turns a failed write into a TrainingError that names the place and the mend; any other error comes back as it is.
 * `after` is said at the end, such as which checkpoint is still good.
 */
export function explainWriteFailure(error: unknown, place: string, after = ''): unknown {
  const code = systemErrorCode(error);
  const reason = code === undefined ? undefined : WRITE_FAILURES[code];
  if (reason === undefined) return error;
  const tail = after === '' ? '' : `; ${after}`;
  return new TrainingError('TRAINING_WRITE_FAILED', `cannot write ${place}: ${reason}${tail}`, { cause: error });
}

/** The errno name of a system error, looked for along the chain of causes. */
function systemErrorCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code;
    if (code !== undefined && code in WRITE_FAILURES) return code;
  }
  return undefined;
}
