/** `tunan account remove` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { account: { optional: true, help: text('e-mail address or id', '邮箱或编号') } },
  options: {
    ...accountsOption,
    organisation: {
      type: 'string',
      value: 'NAME',
      help: text('a whole organisation with all its members', '整个机构及其全部成员'),
    },
  },
  examples: [
    'tunan account remove li@example.org --accounts accounts.sqlite',
    'tunan account remove --organisation 图南大学 --accounts accounts.sqlite',
  ],
  reports: true,
  run: async ({ accounts: place, account, organisation }) => {
    if ((account === undefined) === (organisation === undefined)) {
      throw new UsageError(text('give an account or --organisation NAME', '请给出账户，或 --organisation NAME'));
    }
    return await withAccounts(place, async ({ members }) => {
      if (organisation !== undefined) await members.removeOrganisation(organisation);
      else await members.remove(account ?? '');
      const removed = organisation ?? account;
      const line = text(
        `${removed} is out; what was used stays in the reports`,
        `已移除 ${removed}；用量仍保留在报表中`,
      );
      return { data: { removed }, lines: [line] };
    });
  },
});
