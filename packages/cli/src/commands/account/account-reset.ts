/** `tunan account reset` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { account: { help: text('e-mail address or id', '邮箱或编号') } },
  options: accountsOption,
  examples: ['tunan account reset admin@localhost --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, account: named }) =>
    await withAccounts(place, async ({ members }) => {
      const { account, password } = await members.reset(named);
      const once = text('told this once; second factor and sessions are gone', '只显示这一次；两步验证与登录均已清除');
      return {
        data: { account, password },
        lines: [`${account.email}  ${text('password', '密码')} ${password} (${once})`],
      };
    }),
});
