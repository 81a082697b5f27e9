/** What was used, by day, key and model, as rows and as CSV. Requests that still run are not in it. */
import type { Database } from '../storage/database.ts';

export interface UsageFilter {
  /** `2026-11-30`, in China; both days are in. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly organisationId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly keyId?: string | undefined;
  readonly model?: string | undefined;
}

export interface UsageRow {
  readonly day: string;
  readonly organisationId: string;
  readonly organisation: string;
  readonly accountId: string;
  readonly keyId: string;
  /** What may be shown of the key, and its name. */
  readonly keyPrefix: string;
  readonly keyName: string;
  readonly model: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

const CONDITIONS = {
  from: 'u.day >= ?',
  to: 'u.day <= ?',
  organisationId: 'u.organisation_id = ?',
  accountId: 'u.account_id = ?',
  keyId: 'u.key_id = ?',
  model: 'u.model = ?',
} as const;

/** What was asked by Yuan's own protocol has no key: `yuan:` and the account stand in its place. */
export async function usageReport(database: Database, filter: UsageFilter = {}): Promise<UsageRow[]> {
  const given = Object.entries(CONDITIONS).flatMap(([name, condition]) => {
    const value = filter[name as keyof UsageFilter];
    return value === undefined ? [] : [{ condition, value }];
  });
  const where = given.length === 0 ? '' : `WHERE ${given.map(({ condition }) => condition).join(' AND ')}`;
  return (
    await database.rows<UsageRow>(
      `SELECT u.day, u.organisation_id AS "organisationId", o.name AS "organisation", u.account_id AS "accountId",
        u.key_id AS "keyId", COALESCE(k.prefix, u.key_id) AS "keyPrefix", COALESCE(k.name, '') AS "keyName", u.model,
        u.requests, u.prompt_tokens AS "promptTokens", u.completion_tokens AS "completionTokens"
      FROM usage_days u JOIN organisations o ON o.id = u.organisation_id LEFT JOIN keys k ON k.id = u.key_id
      ${where} ORDER BY u.day, o.name, "keyPrefix", u.model`,
      ...given.map(({ value }) => value),
    )
  ).map((row) => ({ ...row }));
}

export interface UsageTotal {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export function totalOf(rows: readonly UsageTotal[]): UsageTotal {
  const sum = (of: (row: UsageTotal) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    requests: sum(({ requests }) => requests),
    promptTokens: sum(({ promptTokens }) => promptTokens),
    completionTokens: sum(({ completionTokens }) => completionTokens),
  };
}

const HEADS = [
  ...['day', 'organisation', 'account', 'key', 'key_name', 'model'],
  ...['requests', 'prompt_tokens', 'completion_tokens', 'total_tokens'],
];

/** RFC 4180, with a head. */
export function usageCsv(rows: readonly UsageRow[]): string {
  const lines = rows.map((row) => [
    ...[row.day, row.organisation, row.accountId, row.keyPrefix, row.keyName, row.model],
    ...[row.requests, row.promptTokens, row.completionTokens, row.promptTokens + row.completionTokens],
  ]);
  return [HEADS, ...lines].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/** Names are others' words: a table program must not take one for a formula. */
function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const plain = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
