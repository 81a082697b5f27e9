/** `tunan account reinstate` */
import { readWhose, whoseAccount, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  ...whoseAccount,
  examples: [
    'tunan account reinstate li@example.org --accounts accounts.sqlite',
    'tunan account reinstate --organisation 图南大学 --accounts accounts.sqlite',
  ],
  reports: true,
  run: async ({ accounts: place, ...given }) => {
    const whose = readWhose(given);
    return await withAccounts(place, async ({ members }) => {
      const changed =
        'organisation' in whose
          ? { organisation: await members.reinstateOrganisation(whose.organisation) }
          : { account: await members.reinstate(whose.account) };
      const name = 'organisation' in changed ? changed.organisation.name : changed.account.email;
      const line = text(
        `${name} is taken again: keys work, and who was signed out may sign in`,
        `已恢复 ${name}：密钥可用，成员可重新登录`,
      );
      return { data: changed, lines: [line] };
    });
  },
});
