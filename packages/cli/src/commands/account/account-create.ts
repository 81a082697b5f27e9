/** `tunan account create` */
import { accountsOption, readChoice, withAccounts } from '../../accounts-place.ts';
import { defineCommand } from '../../command.ts';
import { text } from '../../language.ts';

export default defineCommand({
  positionals: {},
  options: {
    ...accountsOption,
    email: {
      type: 'string',
      value: 'ADDRESS',
      required: true,
      help: text('e-mail address, for signing in', '邮箱，用于登录'),
    },
    name: { type: 'string', value: 'NAME', required: true, help: text('name of the person', '姓名') },
    organisation: {
      type: 'string',
      value: 'NAME',
      required: true,
      help: text('organisation, made where there is none of that name', '机构，没有同名机构时新建'),
    },
    kind: {
      type: 'string',
      value: 'KIND',
      help: text(
        'of a new organisation: academic or industry (the default)',
        '新机构的性质：academic 或 industry（默认）',
      ),
    },
    role: {
      type: 'string',
      value: 'ROLE',
      help: text('user (the default), reviewer or admin', 'user（默认）、reviewer 或 admin'),
    },
    phone: { type: 'string', value: 'NUMBER', help: text('telephone number', '电话号码') },
    key: {
      type: 'string',
      value: 'NAME',
      help: text('make an API key of this name too', '同时新建此名称的 API 密钥'),
    },
  },
  examples: [
    'tunan account create --accounts accounts.sqlite --email li@example.org --name 李白 --organisation 图南大学 --key laptop',
  ],
  reports: true,
  run: async ({ accounts: place, kind, role, key, ...person }) => {
    const { KINDS, ROLES } = await import('@tunan/api');
    const choices = { kind: readChoice('kind', kind, KINDS), role: readChoice('role', role, ROLES) };
    return await withAccounts(
      place,
      async ({ members, keys }) => {
        const { account, password } = await members.add({ ...person, ...choices });
        const made = key === undefined ? undefined : await keys.make(account.id, { name: key });
        const once = text('told this once', '只显示这一次');
        return {
          data: { account, password, key: made?.text },
          lines: [
            `${account.email}  ${account.organisation}  ${account.role}  ${account.id}`,
            `${text('password', '密码')} ${password} (${once})`,
            ...(made === undefined ? [] : [`${text('key', '密钥')} ${made.text} (${once})`]),
          ],
        };
      },
      { mustExist: false },
    );
  },
});
