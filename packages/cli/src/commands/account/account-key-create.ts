/** `tunan account key create` */
import { accountsOption, readMoment, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: { account: { help: text('e-mail address or id', '邮箱或编号') } },
  options: {
    ...accountsOption,
    name: { type: 'string', value: 'NAME', required: true, help: text('what the key is for', '密钥的用途') },
    models: {
      type: 'strings',
      value: 'NAME',
      help: text('models that it may name (default: all)', '可用的模型（默认全部）'),
    },
    routes: {
      type: 'strings',
      value: 'ROUTE',
      help: text(
        'routes that it may call, as behind /v1/, such as chat/completions (default: all)',
        '可调用的路由，写 /v1/ 之后的部分，例如 chat/completions（默认全部）',
      ),
    },
    expires: { type: 'string', value: 'DATE', help: text('last moment (default: none)', '过期时间（默认不过期）') },
  },
  examples: ['tunan account key create li@example.org --name laptop --expires 2027-03-31 --accounts accounts.sqlite'],
  reports: true,
  run: async ({ accounts: place, account: named, name, models, routes, expires }) => {
    const expiresAt = readMoment('expires', expires);
    return await withAccounts(place, async ({ members, keys }) => {
      const { id } = await members.find(named);
      const { key, text: made } = await keys.make(id, { name, models, routes, expiresAt });
      return { data: { key: made, details: key }, lines: [`${made} (${text('told this once', '只显示这一次')})`] };
    });
  },
});
