/** What the command line itself can find wrong. Errors of the packages carry `userMistake` too, and are shown alike. */

type CommandLineErrorCode =
  | 'CLI_DAMAGED'
  | 'CLI_EMPTY_SPLIT'
  | 'CLI_INPUT'
  | 'CLI_NO_UNSAFE_LABEL'
  | 'CLI_OUTPUT'
  | 'CLI_STOPPED'
  | 'CLI_UNKNOWN_RECIPE';

/** A wish that cannot be fulfilled as it stands: one line, exit code 1. */
export class CommandLineError extends Error {
  readonly userMistake = true;
  readonly code: CommandLineErrorCode;

  constructor(code: CommandLineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandLineError';
    this.code = code;
  }
}

/** A command line that cannot be read: one line and a hint at --help, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
