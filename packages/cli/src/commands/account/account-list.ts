/** `tunan account list` */
import type { Account } from '@tunan/api';
import { accountsOption, dayOf, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';
import { alignedTable } from '../../table.ts';

export default defineCommand({
  positionals: {},
  options: {
    ...accountsOption,
    organisation: { type: 'string', value: 'NAME', help: text('of one organisation alone', '仅列出该机构') },
  },
  examples: ['tunan account list --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, organisation }) =>
    await withAccounts(place, async ({ members, applications }) => {
      const accounts = await members.list(organisation);
      const waiting = organisation === undefined ? await applications.list('pending') : [];
      const heads = [
        text('e-mail', '邮箱'),
        text('name', '姓名'),
        text('organisation', '机构'),
        text('role', '角色'),
        'id',
      ];
      const rows = accounts.map((account) => [
        ...[account.email, account.name, account.organisation],
        stateOf(account),
        account.id,
      ]);
      const asked = waiting.flatMap(({ id, createdAt, email, name, organisation, kind, purpose }) => [
        `${id}  ${dayOf(createdAt)}  ${email}  ${name}  ${organisation} (${kind})`,
        `    ${purpose}`,
      ]);
      const title = text(`applications that wait: ${waiting.length}`, `待审核的申请：${waiting.length}`);
      return {
        data: { accounts, applications: waiting },
        lines: [...alignedTable(heads, rows), ...(asked.length === 0 ? [] : ['', title, ...asked])],
      };
    }),
});

function stateOf({ role, owner, suspendedAt, organisationSuspendedAt }: Account): string {
  const isSuspended = suspendedAt !== undefined || organisationSuspendedAt !== undefined;
  return [
    role,
    ...(owner ? [text('owner', '负责人')] : []),
    ...(isSuspended ? [text('suspended', '已停用')] : []),
  ].join(', ');
}
