/** What an error says to a person: the words of the package that threw it, or of what the operating system refused. */
import { systemProblem } from '@tunan/protocol/mistakes';
import { UsageError } from './errors.ts';

/** What an error says; in Chinese where its package did, or the system refused something that has a name. */
export function errorMessage(error: unknown): { en: string; zh: string | undefined } {
  if (!(error instanceof Error)) return { en: String(error), zh: undefined };
  const { chinese } = error as { chinese?: unknown };
  if (typeof chinese === 'string') return { en: error.message, zh: chinese };
  const why = isUserMistake(error) ? undefined : systemProblem(error);
  if (why === undefined) return { en: error.message, zh: error instanceof UsageError ? error.message : undefined };
  const { path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const place =
    [path, dest].filter((one) => one !== undefined).join(' → ') || (error as NodeJS.ErrnoException).syscall || '';
  return {
    en: `${place}: ${why.en} (${error.message})`,
    zh: `${place}：${why.zh}（${(error as NodeJS.ErrnoException).code}）`,
  };
}

export function isUserMistake(error: unknown): boolean {
  return error instanceof Error && 'userMistake' in error && error.userMistake === true;
}
