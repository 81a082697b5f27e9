/** `tunan account limit set` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { text } from '../../language.ts';
import { limitOptions, readLimitName } from '../../limit-options.ts';

export default defineCommand({
  positionals: {
    metric: {
      help: text(
        'requests_per_… or tokens_per_minute, day, week, month, quarter; concurrent_requests; tokens_per_request',
        'requests_per_… 或 tokens_per_minute、day、week、month、quarter；concurrent_requests；tokens_per_request',
      ),
    },
    amount: { help: text('whole number, or none to lift a default', '整数；none 取消默认限额') },
  },
  options: { ...accountsOption, ...limitOptions },
  examples: [
    'tunan account limit set tokens_per_day 200000 --organisation 图南大学 --accounts accounts.sqlite',
    "tunan account limit set requests_per_minute 60 --key '*' --accounts accounts.sqlite",
  ],
  reports: true,
  run: async ({ accounts: place, metric, amount: given, organisation, account, key, model }) => {
    const amount = given === 'none' ? undefined : Number(given.trim() === '' ? Number.NaN : given);
    if (Number.isNaN(amount)) {
      throw new UsageError(
        text(`AMOUNT must be a whole number or none, not '${given}'`, `AMOUNT 应为整数或 none，而不是“${given}”`),
      );
    }
    return await withAccounts(place, async (accounts) => {
      const name = await readLimitName(accounts, { organisation, account, key, model }, metric);
      const { limits } = accounts;
      await limits.seed(); // a new database has its defaults first, which this line may replace
      await limits.set({ ...name, amount });
      const whose = organisation ?? account ?? key ?? name.subject;
      const line = `${name.scope} ${whose}  ${name.model}  ${name.metric}  ${amount ?? text('no limit', '不限')}`;
      return { data: { ...name, amount: amount ?? null }, lines: [line] };
    });
  },
});
