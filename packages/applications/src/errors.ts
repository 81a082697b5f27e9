/** What users of this package can put right. */
import { UserMistake } from '@tunan/files';

export type AppErrorCode =
  /** A file of an application says something that there is not, or cannot be read. */
  | 'APP_BAD_FILE'
  /** There is no application of that name. */
  | 'APP_UNKNOWN'
  /** An input is missing, unknown, too long, or none of the choices. */
  | 'APP_BAD_INPUT'
  /** The model cannot do what the application needs. */
  | 'APP_UNFIT_MODEL';

export class AppError extends UserMistake<AppErrorCode> {}
