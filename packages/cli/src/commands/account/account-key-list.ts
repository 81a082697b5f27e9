/** `tunan account key list` */
import type { ApiKey } from '@tunan/api';
import { accountsOption, dayOf, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';
import { alignedTable } from '../../table.ts';

export default defineCommand({
  positionals: {
    account: { optional: true, help: text('e-mail address or id (default: all)', '邮箱或编号（默认全部）') },
  },
  options: accountsOption,
  examples: ['tunan account key list li@example.org --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, account: named }) =>
    await withAccounts(place, async ({ members, keys }) => {
      const id = named === undefined ? undefined : (await members.find(named)).id;
      const found = await keys.list(id);
      const heads = [
        ...[
          text('prefix', '前缀'),
          text('name', '名称'),
          text('state', '状态'),
          text('made', '创建'),
          text('expires', '过期'),
        ],
        ...[text('models', '模型'), text('routes', '路由'), text('account', '账户')],
      ];
      const all = text('all', '全部');
      const rows = found.map((key) => [
        ...[`${key.prefix}…`, key.name, stateOf(key), dayOf(key.createdAt), dayOf(key.expiresAt)],
        ...[key.models?.join(' ') ?? all, key.routes?.join(' ') ?? all, key.accountId],
      ]);
      return { data: found, lines: alignedTable(heads, rows) };
    }),
});

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== undefined) return text('revoked', '已吊销');
  return expiresAt !== undefined && expiresAt <= Date.now() ? text('expired', '已过期') : text('valid', '有效');
}
