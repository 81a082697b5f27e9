/** `tunan account limit remove` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';
import { limitOptions, readLimitName } from '../../limit-options.ts';

export default defineCommand({
  positionals: { metric: { help: text('as account limit list names it', '名称见 account limit list') } },
  options: { ...accountsOption, ...limitOptions },
  examples: ['tunan account limit remove tokens_per_day --organisation 图南大学 --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, metric, organisation, account, key, model }) =>
    await withAccounts(place, async (accounts) => {
      const name = await readLimitName(accounts, { organisation, account, key, model }, metric);
      const removed = await accounts.limits.remove(name);
      const line = removed ? text('removed', '已删除') : text('there is no such line', '没有这一行');
      return { data: { ...name, removed }, lines: [line], failed: !removed };
    }),
});
