/** Where `tunan account` finds the accounts, and what its commands have in common. They need no running server, and disturb none. */
import type { Accounts } from '@tunan/api';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

export const accountsOption = {
  accounts: {
    type: 'string',
    value: 'PLACE',
    help: text(
      'where the accounts are: the file or URL of serve --accounts; TUNAN_ACCOUNTS does the same',
      '账户所在：与 serve --accounts 相同的文件或 URL；也可用环境变量 TUNAN_ACCOUNTS',
    ),
  },
} as const;

/** Of commands that are about one account or one organisation. */
export const whoseAccount = {
  positionals: { account: { optional: true, help: text('e-mail address or id', '邮箱或编号') } },
  options: {
    ...accountsOption,
    organisation: {
      type: 'string',
      value: 'NAME',
      help: text('a whole organisation with all its members', '整个机构及其全部成员'),
    },
  },
} as const;

/** One of the two, and which. @throws UsageError for none and for both */
export function readWhose({
  account,
  organisation,
}: {
  readonly account: string | undefined;
  readonly organisation: string | undefined;
}): { readonly account: string } | { readonly organisation: string } {
  if (account !== undefined && organisation === undefined) return { account };
  if (account === undefined && organisation !== undefined) return { organisation };
  throw new UsageError(text('give an account or --organisation NAME', '请给出账户，或 --organisation NAME'));
}

/** @throws UsageError */
export function readAccountsPlace(given: string | undefined): string {
  const place = given ?? (process.env.TUNAN_ACCOUNTS || undefined);
  if (place !== undefined) return place;
  throw new UsageError(
    text(
      'say where the accounts are: --accounts FILE, or TUNAN_ACCOUNTS',
      '请说明账户所在：--accounts FILE，或环境变量 TUNAN_ACCOUNTS',
    ),
  );
}

/** Opens the accounts, hands them over, and closes them. */
export async function withAccounts<T>(
  given: string | undefined,
  work: (accounts: Accounts) => Promise<T>,
  { mustExist = true } = {},
): Promise<T> {
  const place = readAccountsPlace(given);
  const { Accounts } = await import('@tunan/api');
  await using accounts = await Accounts.open(place, { mustExist, onBackup: tellBackup, actor: 'command' });
  return await work(accounts);
}

/** A line on standard error. */
export function tellBackup(file: string): void {
  process.stderr.write(
    text(
      `the database is brought to a newer form; a backup lies in ${file}\n`,
      `数据库将升级到新结构；备份位于 ${file}\n`,
    ),
  );
}

/** `2026-11-30`, or that with a time, in the clock of this machine. @throws UsageError */
export function readMoment(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const moment = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.test(given)
    ? new Date(given.length === 10 ? `${given}T00:00:00` : given).getTime()
    : Number.NaN;
  if (Number.isFinite(moment)) return moment;
  throw new UsageError(
    text(
      `--${flag} must be a date such as 2027-03-31, or 2027-03-31T18:00, not '${given}'`,
      `--${flag} 应为日期，例如 2027-03-31 或 2027-03-31T18:00，而不是“${given}”`,
    ),
  );
}

/** A choice of names. @throws UsageError */
export function readChoice<const Choice extends string>(
  flag: string,
  given: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  const found = choices.find((one) => one === given);
  if (given === undefined || found !== undefined) return found;
  throw new UsageError(
    text(
      `--${flag} is one of ${choices.join(', ')}, not '${given}'`,
      `--${flag} 可取 ${choices.join('、')}，而不是“${given}”`,
    ),
  );
}

export const dayOf = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '–' : new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ');
