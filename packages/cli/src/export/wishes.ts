/** What `tunan model export` was asked for, whatever the format. */
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';

export interface Wishes {
  readonly dir: string;
  /** What is written is called after it, where that is not the directory. */
  readonly place?: string;
  readonly type: string | undefined;
  readonly out: string | undefined;
  readonly measure: string | undefined;
  /** Documents to measure on. */
  readonly limit: number;
}

export function notOneOf(option: string, given: string, known: readonly string[]): UsageError {
  return new UsageError(
    text(
      `--${option} is one of ${known.join(', ')}, not '${given}'`,
      `--${option} 应为 ${known.join('、')} 之一，而不是“${given}”`,
    ),
  );
}
