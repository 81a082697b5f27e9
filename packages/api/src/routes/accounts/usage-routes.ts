/** `GET /accounts/usage`: by day, key and model, as JSON or CSV; of the own organisation, for admins of any. */
import { usageListSchema } from '@tunan/protocol';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.ts';
import type { ZodFastify } from '../../context.ts';
import { totalOf, type UsageRow, type UsageTotal, usageCsv, usageReport } from '../../quotas/usage-report.ts';
import { sessionOf } from '../../sign-in.ts';
import { listOf } from './bodies.ts';

const day = z.iso.date().optional();
const querystring = z.object({
  from: day,
  to: day,
  key: z.string().optional(),
  model: z.string().optional(),
  organisation: z.string().optional(),
  format: z.enum(['json', 'csv']).default('json'),
});

export function addUsageRoutes(app: ZodFastify, { database, members }: Accounts): void {
  const schema = { querystring, response: { 200: z.union([usageListSchema, z.string()]) } };
  app.get('/accounts/usage', { config: { access: 'user' }, schema }, async (request, reply) => {
    const { account } = sessionOf(request);
    const { query } = request;
    const { from, to, key: keyId, model, organisation } = query;
    const isAdmin = account.role === 'admin';
    const other = isAdmin && organisation !== undefined ? (await members.findOrganisation(organisation)).id : undefined;
    const organisationId = isAdmin ? other : account.organisationId;
    const rows = await usageReport(database, { from, to, keyId, model, organisationId });
    if (query.format === 'json') return { ...listOf(rows.map(rowBody)), total: totalBody(totalOf(rows)) };
    reply.header('content-disposition', 'attachment; filename="usage.csv"');
    return reply.type('text/csv; charset=utf-8').send(usageCsv(rows));
  });
}

const totalBody = ({ requests, promptTokens, completionTokens }: UsageTotal) => ({
  ...{ requests, prompt_tokens: promptTokens, completion_tokens: completionTokens },
});

const rowBody = (row: UsageRow) => ({
  ...{ day: row.day, organisation_id: row.organisationId, organisation: row.organisation, account_id: row.accountId },
  ...{ key_id: row.keyId, key: row.keyPrefix, key_name: row.keyName, model: row.model, ...totalBody(row) },
});
