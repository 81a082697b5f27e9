/** `tunan account reject` */
import { accountsOption, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { application: { help: text('id of the application, see account list', '申请编号，见 account list') } },
  options: {
    ...accountsOption,
    reason: { type: 'string', value: 'TEXT', required: true, help: text('kept with the application', '随申请保存') },
  },
  examples: ["tunan account reject app_1f0c… --reason 'no purpose given' --accounts accounts.sqlite"],
  reports: true,
  run: async ({ accounts: place, application, reason }) =>
    await withAccounts(place, async ({ applications }) => {
      await applications.reject(application, reason);
      return {
        data: { application, status: 'rejected' },
        lines: [text(`${application} rejected`, `已拒绝 ${application}`)],
      };
    }),
});
