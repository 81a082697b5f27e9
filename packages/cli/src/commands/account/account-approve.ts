/** `tunan account approve` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { application: { help: text('id of the application, see account list', '申请编号，见 account list') } },
  options: accountsOption,
  examples: ['tunan account approve app_1f0c… --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, application }) =>
    await withAccounts(place, async ({ applications, members }) => {
      const account = await members.find(await applications.approve(application));
      return { data: { account }, lines: [`${account.email}  ${account.organisation}  ${account.id}`] };
    }),
});
