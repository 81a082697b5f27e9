/**
 * The bodies of the routes below `/accounts`: applications, sign-in, keys, members. Moments are Unix time in seconds, as OpenAI writes
 * them. What a route does and who may call it: docs/accounts.md.
 */
import { z } from 'zod';
import { optional } from './field.ts';
import { inBoth } from './mistakes/said.ts';

const LONGEST = 2_000;
const text = (en: string, zh: string) => z.string().max(LONGEST).describe(inBoth(en, zh));
const moment = (en: string, zh: string) => z.int().describe(inBoth(en, zh));
const suspendedAt = z
  .int()
  .nullable()
  .describe(
    inBoth(
      'Since when it is suspended: keys and sign-ins are refused; null where it is not.',
      '停用时间：其密钥与登录均被拒绝；未停用时为 null。',
    ),
  );

const kind = z
  .enum(['academic', 'industry'])
  .describe(inBoth('What the organisation is: academic or industry.', '机构性质：academic 学术，industry 产业。'));
const role = z
  .enum(['user', 'reviewer', 'admin'])
  .describe(
    inBoth(
      'user calls models; reviewer decides on applications too; admin may do everything.',
      'user 调用模型；reviewer 还可审核申请；admin 可做一切。',
    ),
  );

export const applicationRequestSchema = z.object({
  organisation: text('Name of the organisation.', '机构名称。'),
  kind,
  purpose: text('What the models will be used for; the reviewer reads it.', '使用模型的用途，供审核人阅读。'),
  name: text('Your name.', '申请人姓名。'),
  email: text('E-mail address, for signing in.', '邮箱，用于登录。'),
  phone: optional(
    z.string().max(40),
    'Telephone number; clients of the original protocol need it.',
    '电话号码；沿用源 1.0 协议的客户端需要。',
  ),
  password: text('At least 12 characters.', '至少 12 个字符。'),
});

export const applicationSchema = z.object({
  id: z.string(),
  status: z.enum(['pending', 'approved', 'rejected']),
  organisation: z.string(),
  kind,
  purpose: z.string(),
  name: z.string(),
  email: z.string(),
  phone: z.string().nullable(),
  created_at: moment('When it was sent.', '提交时间。'),
  reviewed_at: z.int().nullable(),
  reason: z.string().nullable().describe(inBoth('Why it was rejected.', '拒绝的理由。')),
  account_id: z.string().nullable(),
});

export const applicationListSchema = z.object({ object: z.literal('list'), data: z.array(applicationSchema) });
export const applicationMadeSchema = applicationSchema.pick({ id: true, status: true });
export const applicationApprovedSchema = z.object({ account_id: z.string() });
export const rejectionSchema = z.object({ reason: text('Told to nobody but reviewers.', '只有审核人可见。') });

export const accountSchema = z.object({
  id: z.string(),
  organisation_id: z.string(),
  organisation: z.string(),
  email: z.string(),
  name: z.string(),
  phone: z.string().nullable(),
  role,
  owner: z.boolean().describe(inBoth('May add members of the organisation and take them out.', '可增减本机构的成员。')),
  second_factor: z.boolean(),
  created_at: z.int(),
  suspended_at: suspendedAt,
  organisation_suspended_at: suspendedAt,
});

export const accountListSchema = z.object({ object: z.literal('list'), data: z.array(accountSchema) });

export const memberRequestSchema = z.object({
  email: text('E-mail address, for signing in.', '邮箱，用于登录。'),
  name: text('Name.', '姓名。'),
  phone: optional(z.string().max(40), 'Telephone number.', '电话号码。'),
  organisation: optional(z.string().max(LONGEST), 'Of another organisation; admins alone.', '其他机构，仅限管理员。'),
  kind: optional(kind, 'Of an organisation that is new; admins alone.', '新机构的性质，仅限管理员。'),
  role: optional(role, 'Other than user; admins alone.', 'user 以外的角色，仅限管理员。'),
});

export const accountMadeSchema = z.object({
  account: accountSchema,
  password: z.string().describe(inBoth('Told this once.', '只显示这一次。')),
});

export const roleRequestSchema = z.object({ role });

export const organisationSchema = z.object({
  ...{ id: z.string(), name: z.string(), kind, created_at: z.int() },
  suspended_at: suspendedAt,
});
export const organisationListSchema = z.object({ object: z.literal('list'), data: z.array(organisationSchema) });

export const signInRequestSchema = z.object({
  email: text('E-mail address.', '邮箱。'),
  password: text('Password.', '密码。'),
  code: optional(z.string().max(20), 'Of the second factor, where there is one.', '两步验证码，启用时须填。'),
});

export const sessionSchema = z.object({
  account: accountSchema,
  csrf_token: z
    .string()
    .describe(
      inBoth(
        'To be sent as x-csrf-token with every request that changes something.',
        '凡有改动的请求，须在 x-csrf-token 中发送。',
      ),
    ),
  expires_at: z.int(),
});

export const passwordRequestSchema = z.object({
  password: text('The present one.', '当前密码。'),
  new_password: text('At least 12 characters; ends all sessions.', '至少 12 个字符；会结束所有登录。'),
});

export const secondFactorSchema = z.object({
  secret: z
    .string()
    .describe(
      inBoth('Base 32, for an authenticator program; told this once.', 'Base 32，填入验证器程序；只显示这一次。'),
    ),
  address: z.string().describe(inBoth('otpauth://, the same for a QR code.', 'otpauth:// 地址，可制成二维码。')),
});
export const codeRequestSchema = z.object({ code: z.string().max(20).describe(inBoth('Six digits.', '六位数字。')) });

const scopes = z.array(z.string().max(200)).max(100);

export const keyRequestSchema = z.object({
  name: text('What the key is for.', '密钥的用途。'),
  models: optional(scopes, 'Models that it may name; absent for all.', '可用的模型，省略表示全部。'),
  routes: optional(
    scopes,
    'Routes that it may call, as behind /v1/, such as chat/completions; absent for all.',
    '可调用的路由，写 /v1/ 之后的部分，例如 chat/completions；省略表示全部。',
  ),
  expires_at: optional(z.int(), 'Unix time, seconds; never when absent.', 'Unix 时间（秒），省略表示不过期。'),
});

export const apiKeySchema = z.object({
  id: z.string(),
  account_id: z.string(),
  name: z.string(),
  prefix: z.string().describe(inBoth('What may be shown of the key.', '密钥中可以显示的部分。')),
  models: z.array(z.string()).nullable(),
  routes: z.array(z.string()).nullable(),
  created_at: z.int(),
  expires_at: z.int().nullable(),
  revoked_at: z.int().nullable(),
});

export const apiKeyListSchema = z.object({ object: z.literal('list'), data: z.array(apiKeySchema) });
export const apiKeyMadeSchema = z.object({
  key: z.string().describe(inBoth('The key itself, told this once.', '密钥本身，只显示这一次。')),
  details: apiKeySchema,
});
export const rotationRequestSchema = z.object({
  overlap_seconds: z
    .int()
    .min(0)
    .describe(inBoth('How long the old key counts on; 0 ends it at once.', '旧密钥继续有效的秒数；0 表示立即失效。')),
});

export type ApplicationInput = z.input<typeof applicationRequestSchema>;
export type ApplicationBody = z.infer<typeof applicationSchema>;
export type MadeAccountBody = z.infer<typeof accountMadeSchema>;
export type MadeKeyBody = z.infer<typeof apiKeyMadeSchema>;
export type SecondFactorBody = z.infer<typeof secondFactorSchema>;
export type OrganisationBody = z.infer<typeof organisationSchema>;
export type AccountBody = z.infer<typeof accountSchema>;
export type ApiKeyBody = z.infer<typeof apiKeySchema>;
export type SessionBody = z.infer<typeof sessionSchema>;

const count = (en: string, zh: string) => z.int().describe(inBoth(en, zh));

export const limitSchema = z.object({
  scope: z.enum(['organisation', 'account', 'key']),
  subject: z
    .string()
    .describe(
      inBoth('Id; * is the default of all that have no line of their own.', '编号；* 为没有单独设置者的默认值。'),
    ),
  model: z.string().describe(inBoth('* for all models together.', '* 表示全部模型合计。')),
  metric: z
    .string()
    .describe(
      inBoth(
        'requests_per_ or tokens_per_ with minute, day, week, month or quarter; concurrent_requests; tokens_per_request.',
        'requests_per_ 或 tokens_per_ 加 minute、day、week、month、quarter；concurrent_requests；tokens_per_request。',
      ),
    ),
  amount: z.number().nullable().describe(inBoth('null lifts a default.', 'null 取消默认限额。')),
});
export const limitListSchema = z.object({ object: z.literal('list'), data: z.array(limitSchema) });
export const limitNameSchema = limitSchema.omit({ amount: true });

export type LimitBody = z.infer<typeof limitSchema>;

const limitStateSchema = limitSchema.extend({
  amount: z.int(),
  used: count('Used or reserved in the window that runs.', '当前时段内已用或已预留。'),
  resets_at: z
    .int()
    .nullable()
    .describe(
      inBoth(
        'End of the window, Unix time; null where none runs.',
        '时段结束的 Unix 时间；没有进行中的时段时为 null。',
      ),
    ),
});
export type LimitState = z.infer<typeof limitStateSchema>;
export const limitStateListSchema = z.object({ object: z.literal('list'), data: z.array(limitStateSchema) });

const AUDIT_ACTIONS = [
  'application_approved',
  'application_rejected',
  'organisation_made',
  'organisation_suspended',
  'organisation_reinstated',
  'organisation_removed',
  'account_made',
  'account_suspended',
  'account_reinstated',
  'account_removed',
  'role_set',
  'password_changed',
  'password_reset',
  'second_factor_set',
  'second_factor_removed',
  'sign_in_locked',
  'key_made',
  'key_rotated',
  'key_revoked',
  'limit_set',
  'limit_removed',
  'restored',
  'secret_forgotten',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

const auditEventSchema = z.object({
  id: count('Rises by one from change to change.', '逐次加一的序号。'),
  created_at: moment('When.', '时间。'),
  actor: z.object({
    kind: z
      .enum(['account', 'command', 'server', 'nobody'])
      .describe(
        inBoth(
          'account: by a route; command: tunan account; server: of itself; nobody: somebody who has not signed in.',
          'account：通过路由；command：tunan account 命令；server：服务器自身；nobody：未登录者。',
        ),
      ),
    id: z.string().nullable(),
    name: z.string().nullable().describe(inBoth('E-mail address; null where it is gone.', '邮箱；已移除时为 null。')),
  }),
  action: z.enum(AUDIT_ACTIONS),
  target: z.object({
    kind: z.enum(['application', 'organisation', 'account', 'key', 'database']),
    id: z.string().describe(inBoth('* of limits: the default of all.', '限额的 * 表示全部的默认值。')),
    name: z
      .string()
      .nullable()
      .describe(
        inBoth(
          'E-mail address, name of an organisation or prefix of a key; null where it is gone.',
          '邮箱、机构名称或密钥前缀；已移除时为 null。',
        ),
      ),
  }),
  details: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe(inBoth('Such as the role before and after. No secrets.', '例如变更前后的角色；不含任何秘密。')),
});
export const auditListSchema = z.object({
  object: z.literal('list'),
  data: z.array(auditEventSchema),
  has_more: z.boolean(),
});
export const auditQuerySchema = z.object({
  before: z.coerce.number().int().min(1).optional().describe(inBoth('Only those of lower ids.', '只要序号更小的。')),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(50)
    .describe(inBoth('Most that are given, the newest first.', '最多返回多少条，新的在前。')),
  account: z
    .string()
    .optional()
    .describe(inBoth('What an account did, and what was done to it.', '该账户所做，以及对其所做的变更。')),
});
export type AuditEventBody = z.infer<typeof auditEventSchema>;
export type AuditList = z.infer<typeof auditListSchema>;

const usageRowSchema = z.object({
  day: z.string().describe(inBoth('In China.', '中国时间。')),
  organisation_id: z.string(),
  organisation: z.string(),
  account_id: z.string(),
  key_id: z.string(),
  key: z.string().describe(inBoth('What may be shown of it.', '密钥中可以显示的部分。')),
  key_name: z.string(),
  model: z.string(),
  requests: z.int(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
});
export const usageListSchema = z.object({
  object: z.literal('list'),
  data: z.array(usageRowSchema),
  total: usageRowSchema.pick({ requests: true, prompt_tokens: true, completion_tokens: true }),
});
export type UsageList = z.infer<typeof usageListSchema>;
