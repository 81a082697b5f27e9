/** `tunan account limit list` */
import type { Accounts, Limit } from '@tunan/api';
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';
import { alignedTable } from '../../table.ts';

export default defineCommand({
  positionals: {},
  options: accountsOption,
  examples: ['tunan account limit list --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place }) =>
    await withAccounts(place, async (accounts) => {
      const { limits } = accounts;
      await limits.seed();
      const table = await limits.list();
      const names = await namesOf(accounts);
      const heads = [
        text('for', '对象'),
        text('whose', '谁'),
        text('model', '模型'),
        text('metric', '指标'),
        text('limit', '限额'),
      ];
      const rows = table.map(({ scope, subject, model, metric, amount }: Limit) => [
        ...[scope, names.get(subject) ?? subject, model, metric],
        amount === undefined ? text('none', '不限') : String(amount),
      ]);
      return {
        data: table.map((limit) => ({ ...limit, amount: limit.amount ?? null })),
        lines: alignedTable(heads, rows),
      };
    }),
});

async function namesOf({ members, keys }: Accounts): Promise<Map<string, string>> {
  return new Map([
    ...(await members.organisations()).map(({ id, name }) => [id, name] as const),
    ...(await members.list()).map(({ id, email }) => [id, email] as const),
    ...(await keys.list()).map(({ id, prefix }) => [id, `${prefix}…`] as const),
  ]);
}
