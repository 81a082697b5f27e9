/** What can go wrong when a model becomes a file of another program's, or comes from one. One class, told apart by `code`. */
import { UserMistake } from '@tunan/files';

export type ExportErrorCode =
  /** The format, or the type of its numbers, cannot hold this model. */
  | 'EXPORT_UNFIT'
  /** A file to read is damaged, or of a kind that is not read. */
  | 'EXPORT_UNREADABLE'
  /** What would be written is there already. */
  | 'EXPORT_EXISTS';

export class ExportError extends UserMistake<ExportErrorCode> {}

export function unfit(en: string, zh: string): ExportError {
  return new ExportError('EXPORT_UNFIT', { en, zh });
}
