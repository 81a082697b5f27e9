/** What can go wrong with the database of accounts; one class, told apart by `code`. */
import { UserMistake } from '@tunan/files';

export type StorageErrorCode =
  /** It cannot be reached now, or refuses to write: try again later. */
  | 'STORAGE_DOWN'
  /** The file cannot be opened, or the address is none. */
  | 'STORAGE_CANNOT_OPEN'
  /** The file, its folder or its file system is read-only. */
  | 'STORAGE_READ_ONLY'
  /** The file lies on a network file system. */
  | 'STORAGE_NETWORK'
  /** A newer version of this program has written it. */
  | 'STORAGE_NEWER'
  /** A backup that is none, or a database that is not empty. */
  | 'STORAGE_BACKUP';

export class StorageError extends UserMistake<StorageErrorCode> {}
