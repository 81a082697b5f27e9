/** `tunan account audit` */
import type { AuditEvent } from '@tunan/api';
import { accountsOption, dayOf, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { text } from '../../language.ts';
import { alignedTable } from '../../table.ts';

export default defineCommand({
  positionals: {},
  options: {
    ...accountsOption,
    account: {
      type: 'string',
      value: 'ADDRESS',
      help: text('what one account did, and what was done to it', '仅限一个账户：其所做，以及对其所做的变更'),
    },
    limit: { type: 'number', value: 'N', default: 50, help: text('so many, the newest first', '条数，新的在前') },
    before: { type: 'number', value: 'ID', help: text('only those of lower numbers', '只要序号更小的') },
  },
  examples: ['tunan account audit --account li@example.org --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, account, limit, before }) => {
    for (const [flag, value] of Object.entries({ limit, before })) requireCount(flag, value);
    return await withAccounts(place, async (accounts) => {
      // An account that is gone is still named by its id.
      const accountId = account?.includes('@') === true ? (await accounts.members.find(account)).id : account;
      const events = await accounts.events({ before, limit, accountId });
      const heads = [
        ...[text('no.', '序号'), text('when (UTC)', '时间 (UTC)'), text('by', '操作者')],
        ...[text('what', '变更'), text('whom', '对象'), text('more', '说明')],
      ];
      const rows = events.map((event) => [
        ...[String(event.id), dayOf(event.at), actorOf(event), event.action],
        ...[event.target.name ?? event.target.id, moreOf(event)],
      ]);
      return { data: events, lines: alignedTable(heads, rows) };
    });
  },
});

function actorOf({ actor }: AuditEvent): string {
  if (actor.kind === 'account') return actor.name ?? actor.id ?? '';
  return { command: 'tunan account', server: text('server', '服务器'), nobody: text('nobody', '未登录者') }[actor.kind];
}

const moreOf = ({ details }: AuditEvent): string =>
  Object.entries(details)
    .map(([name, value]) => `${name} ${value ?? text('none', '无')}`)
    .join(', ');

/** @throws UsageError */
function requireCount(flag: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return;
  throw new UsageError(
    text(`--${flag} must be a whole number above 0, not ${value}`, `--${flag} 应为大于 0 的整数，而不是 ${value}`),
  );
}
