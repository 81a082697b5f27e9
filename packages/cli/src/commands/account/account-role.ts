/** `tunan account role` */
import { accountsOption, readChoice, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: {
    account: { help: text('e-mail address or id', '邮箱或编号') },
    role: { help: text('user, reviewer or admin', 'user、reviewer 或 admin') },
  },
  options: accountsOption,
  examples: ['tunan account role li@example.org reviewer --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, account: named, role }) => {
    const { ROLES } = await import('@tunan/api');
    const chosen = readChoice('role', role, ROLES) ?? 'user';
    return await withAccounts(place, async ({ members }) => {
      const account = await members.setRole(named, chosen);
      return { data: { account }, lines: [`${account.email}  ${account.role}`] };
    });
  },
});
