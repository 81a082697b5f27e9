/** `tunan account suspend` */
import { readWhose, whoseAccount, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  ...whoseAccount,
  examples: [
    'tunan account suspend li@example.org --accounts accounts.sqlite',
    'tunan account suspend --organisation 图南大学 --accounts accounts.sqlite',
  ],
  reports: true,
  run: async ({ accounts: place, ...given }) => {
    const whose = readWhose(given);
    return await withAccounts(place, async ({ members }) => {
      const changed =
        'organisation' in whose
          ? { organisation: await members.suspendOrganisation(whose.organisation) }
          : { account: await members.suspend(whose.account) };
      const name = 'organisation' in changed ? changed.organisation.name : changed.account.email;
      const line = text(
        `${name} is suspended: keys and sign-ins are refused, answers that run end`,
        `已停用 ${name}：密钥与登录均被拒绝，正在进行的回答将中止`,
      );
      return { data: changed, lines: [line] };
    });
  },
});
