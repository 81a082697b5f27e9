/** What can go wrong in starting a server; one class, told apart by `code`. Errors of requests: error-table.ts. */
import { UserMistake } from '@tunan/files';

export type ApiErrorCode =
  /** Another program listens on the port. */
  | 'API_PORT_IN_USE'
  /** The system does not let this user listen on the port. */
  | 'API_PORT_FORBIDDEN'
  /** The host is no address of this machine, or the port no port. */
  | 'API_BAD_ADDRESS'
  /** The address is open to other machines, and nothing guards it. */
  | 'API_OPEN_ADDRESS'
  /** The folder of files and batches is held by another server, or damaged. */
  | 'API_DATA_FOLDER'
  /** A folder of a study is none, is damaged, or is held by another server. */
  | 'API_STUDY'
  /** Which traces are to be sent is said in a way that is none. */
  | 'API_TRACES'
  /** The folder of corpora, runs and evaluations is none, or would be shown to everyone. */
  | 'API_WORKSPACE';

export class ApiError extends UserMistake<ApiErrorCode> {}
