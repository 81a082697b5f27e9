/** How the commands of limits name a line of the table: whose it is, for which model, and what is counted. */
import type { Accounts, Limit } from '@tunan/api';
import { readChoice } from './accounts-place.ts';
import { UsageError } from './errors.ts';
import { text } from './language.ts';

export const limitOptions = {
  organisation: {
    type: 'string',
    value: 'NAME',
    help: text('of an organisation; * for all that have no line of their own', '机构；* 表示没有单独设置的全部机构'),
  },
  account: {
    type: 'string',
    value: 'ADDRESS',
    help: text('of an account, by e-mail address or id; * for all', '账户（邮箱或编号）；* 表示全部'),
  },
  key: {
    type: 'string',
    value: 'PREFIX',
    help: text('of a key, by prefix or id; * for all', '密钥（前缀或编号）；* 表示全部'),
  },
  model: {
    type: 'string',
    value: 'NAME',
    default: '*',
    help: text('of one model alone; * for all', '仅限一个模型；* 为全部'),
  },
} as const;

interface Given {
  readonly organisation: string | undefined;
  readonly account: string | undefined;
  readonly key: string | undefined;
  readonly model: string;
}

/** @throws UsageError, AccountError */
export async function readLimitName(
  { members, keys }: Accounts,
  { organisation, account, key, model }: Given,
  metric: string,
): Promise<Omit<Limit, 'amount'>> {
  const { METRICS } = await import('@tunan/api');
  const given = { organisation, account, key };
  const named = Object.values(given).filter((one) => one !== undefined);
  if (named.length !== 1) {
    throw new UsageError(
      text(
        'say whose limit it is: --organisation, --account or --key, one of them',
        '请指明限额属于谁：--organisation、--account 或 --key，任选其一',
      ),
    );
  }
  const known = readChoice('metric', metric, METRICS)!;
  const all = named[0] === '*';
  if (organisation !== undefined) {
    const subject = all ? '*' : (await members.findOrganisation(organisation)).id;
    return { scope: 'organisation', subject, model, metric: known };
  }
  if (account !== undefined) {
    return { scope: 'account', subject: all ? '*' : (await members.find(account)).id, model, metric: known };
  }
  return { scope: 'key', subject: all ? '*' : (await keys.find(key ?? '')).id, model, metric: known };
}
