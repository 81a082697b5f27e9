/** `GET /accounts/audit`: who changed what about accounts, for admins, page by page. */
import { auditListSchema, auditQuerySchema } from '@tunan/protocol';
import type { Accounts } from '../../accounts/accounts.ts';
import type { ZodFastify } from '../../context.ts';
import { auditEventBody, listOf } from './bodies.ts';

export function addAuditRoute(app: ZodFastify, accounts: Accounts): void {
  const schema = { querystring: auditQuerySchema, response: { 200: auditListSchema } };
  app.get('/accounts/audit', { config: { access: 'admin' }, schema }, async ({ query: { before, limit, account } }) => {
    // An account that is gone is still named by its id.
    const accountId = account?.includes('@') === true ? (await accounts.members.find(account)).id : account;
    // One more tells whether there is another page.
    const events = await accounts.events({ before, limit: limit + 1, accountId });
    return { ...listOf(events.slice(0, limit).map(auditEventBody)), has_more: events.length > limit };
  });
}
