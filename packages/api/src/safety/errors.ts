/** What can be wrong with a policy. */
import { UserMistake } from '@tunan/files';

export type SafetyErrorCode =
  /** The policy, or a file that it names, cannot be read or is wrong. */
  'SAFETY_BAD_POLICY';

export class SafetyError extends UserMistake<SafetyErrorCode> {}
