/**
 * Mistakes a user of training can make or meet: bad recipe, lost data, full disk, a run that cannot go on. Every message
 * is one line and says what to do. Broken invariants are plain Errors.
 */
import { cannotWrite, UserMistake } from '@tunan/files';
import { listMistakes, type Mistake, type Said } from '@tunan/protocol/mistakes';

export type TrainingErrorCode =
  | 'TRAINING_BAD_EXAMPLES'
  | 'TRAINING_BAD_LAYOUT'
  | 'TRAINING_BAD_PLAN'
  | 'TRAINING_BAD_RECIPE'
  | 'TRAINING_MISSING_DATA'
  | 'TRAINING_DATA_EXHAUSTED'
  | 'TRAINING_RUN_EXISTS'
  | 'TRAINING_OTHER_MODEL'
  | 'TRAINING_OTHER_RECIPE'
  | 'TRAINING_NOT_A_RUN'
  | 'TRAINING_CHECKPOINT_DAMAGED'
  | 'TRAINING_NON_FINITE_LOSS'
  | 'TRAINING_RANK_FAILED'
  | 'TRAINING_RANKS_DIFFER'
  | 'TRAINING_WRITE_FAILED';

/** What the package throws. */
export class TrainingError extends UserMistake<TrainingErrorCode> {}

/** @param place the file or the name of the recipe */
export function badRecipe(place: string, mistakes: readonly Mistake[]): TrainingError {
  return new TrainingError('TRAINING_BAD_RECIPE', listMistakes(place, mistakes));
}

/**
 * Turns a failed write into a TrainingError that names the place and the fix; any other error comes back as it is.
 * `after` is said at the end, such as which checkpoint is still good.
 */
export function explainWriteFailure(error: unknown, place: string, after?: Said): unknown {
  const said = cannotWrite(place, error);
  if (said === undefined) return error;
  const { en, zh } = after === undefined ? said : { en: `${said.en}; ${after.en}`, zh: `${said.zh}；${after.zh}` };
  return new TrainingError('TRAINING_WRITE_FAILED', { en, zh }, { cause: error });
}
