/** `tunan account remove` */
import { readWhose, whoseAccount, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  ...whoseAccount,
  examples: [
    'tunan account remove li@example.org --accounts accounts.sqlite',
    'tunan account remove --organisation 图南大学 --accounts accounts.sqlite',
  ],
  reports: true,
  run: async ({ accounts: place, ...given }) => {
    const whose = readWhose(given);
    return await withAccounts(place, async ({ members }) => {
      if ('organisation' in whose) await members.removeOrganisation(whose.organisation);
      else await members.remove(whose.account);
      const removed = 'organisation' in whose ? whose.organisation : whose.account;
      const line = text(
        `${removed} is out; what was used stays in the reports`,
        `已移除 ${removed}；用量仍保留在报表中`,
      );
      return { data: { removed }, lines: [line] };
    });
  },
});
