/** What the command line itself can find wrong. Errors of the packages carry `userMistake` too, and are shown alike. */
import { UserMistake } from '@tunan/files';

type CommandLineErrorCode =
  | 'CLI_BATCH'
  | 'CLI_DAMAGED'
  | 'CLI_EMPTY_SPLIT'
  | 'CLI_INPUT'
  | 'CLI_NO_UNSAFE_LABEL'
  | 'CLI_OUTPUT'
  | 'CLI_STOPPED'
  | 'CLI_UNKNOWN_APP'
  | 'CLI_UNKNOWN_RECIPE';

/** A wish that cannot be fulfilled as it stands: one line, exit code 1. */
export class CommandLineError extends UserMistake<CommandLineErrorCode> {}

/** A command line that cannot be read: one line and a hint at --help, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What ended the command was told to who started it, and is not said again: exit code 1. */
export class AlreadySaid extends Error {}
