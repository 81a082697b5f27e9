import { words } from '../../language.ts';

export const say = words(
  {
    noAccounts: '这个服务器没有启用账户，无须登录即可使用（启用：tunan serve --accounts 文件）。',
    email: '邮箱',
    password: '密码',
    code: '两步验证码',
    codeHint: '启用了两步验证才需要填。',
    signIn: '登录',
    signOut: '退出登录',
    limits: '额度',
    noLimits: '没有限额。',
    limit: '项目',
    model: '模型',
    allModels: '全部',
    used: '已用',
    amount: '限额',
    resets: '恢复时间',
    roles: { user: '用户', reviewer: '审核人', admin: '管理员' },
    signedIn: (name: string, email: string, organisation: string, role: string) =>
      `已登录：${name}（${email}），${organisation}，${role}。`,
  },
  {
    noAccounts:
      'This server has no accounts, and is used without signing in (to have them: tunan serve --accounts FILE).',
    email: 'E-mail address',
    password: 'Password',
    code: 'Code of the second factor',
    codeHint: 'Only where a second factor was set up.',
    signIn: 'Sign in',
    signOut: 'Sign out',
    limits: 'Quota',
    noLimits: 'There are no limits.',
    limit: 'Of',
    model: 'Model',
    allModels: 'all',
    used: 'Used',
    amount: 'Limit',
    resets: 'Again from',
    roles: { user: 'user', reviewer: 'reviewer', admin: 'admin' },
    signedIn: (name, email, organisation, role) => `Signed in: ${name} (${email}), ${organisation}, ${role}.`,
  },
);
