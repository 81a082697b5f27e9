/**
 * Mistakes a user of training can make or meet: bad recipe, lost data, full disk, a run that cannot go on. Every message
 * is one line and says what to do. Broken invariants are plain Errors.
 */
import { listMistakes, type Mistake, type Said, systemProblem } from '@tunan/protocol/mistakes';

export type TrainingErrorCode =
  | 'TRAINING_BAD_RECIPE'
  | 'TRAINING_MISSING_DATA'
  | 'TRAINING_DATA_EXHAUSTED'
  | 'TRAINING_RUN_EXISTS'
  | 'TRAINING_OTHER_MODEL'
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

  constructor(code: TrainingErrorCode, message: string | Said, options?: { cause?: unknown }) {
    super(typeof message === 'string' ? message : message.en, options);
    this.chinese = typeof message === 'string' ? undefined : message.zh;
    this.code = code;
  }
}

/** @param place the file or the name of the recipe */
export function badRecipe(place: string, mistakes: readonly Mistake[]): TrainingError {
  return new TrainingError('TRAINING_BAD_RECIPE', listMistakes(place, mistakes));
}

/** Errors of the system that a user can fix, looked for along the chain of causes. */
const MENDABLE = [
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'ENOTDIR',
  'EEXIST',
  'EISDIR',
  'EIO',
  'EFBIG',
  'EMFILE',
];

/**
 * Turns a failed write into a TrainingError that names the place and the fix; any other error comes back as it is.
 * `after` is said at the end, such as which checkpoint is still good.
 */
export function explainWriteFailure(error: unknown, place: string, after?: Said): unknown {
  for (let at = error; at instanceof Error; at = at.cause) {
    const reason = MENDABLE.includes((at as NodeJS.ErrnoException).code ?? '') ? systemProblem(at) : undefined;
    if (reason === undefined) continue;
    const said = {
      en: `cannot write ${place}: ${reason.en}${after === undefined ? '' : `; ${after.en}`}`,
      zh: `无法写入 ${place}：${reason.zh}${after === undefined ? '' : `；${after.zh}`}`,
    };
    return new TrainingError('TRAINING_WRITE_FAILED', said, { cause: error });
  }
  return error;
}
