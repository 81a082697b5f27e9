/** `/accounts/limits`: everyone sees what holds for them and what is left; admins see and change the table. */
import { limitListSchema, limitNameSchema, limitSchema, limitStateListSchema } from '@tunan/protocol';
import type { Accounts } from '../../accounts/accounts.ts';
import { notFound } from '../../accounts/errors.ts';
import type { ZodFastify } from '../../context.ts';
import { limitStates } from '../../quotas/limit-states.ts';
import type { Limit } from '../../quotas/limits.ts';
import type { Metric } from '../../quotas/metrics.ts';
import { sessionOf } from '../../sign-in.ts';
import { listOf, secondsOrNull } from './bodies.ts';

const user = { access: 'user' } as const;
const admin = { access: 'admin' } as const;

export function addLimitsRoutes(app: ZodFastify, accounts: Accounts): void {
  const { database, limits } = accounts;

  app.get(
    '/accounts/limits',
    { config: user, schema: { response: { 200: limitStateListSchema } } },
    async (request) => {
      const { id: accountId, organisationId } = sessionOf(request).account;
      const states = await limitStates(database, { organisationId, accountId, keyId: '' }, Date.now());
      return listOf(states.map(({ resetsAt, ...state }) => ({ ...state, resets_at: secondsOrNull(resetsAt) })));
    },
  );

  app.get('/accounts/limits/table', { config: admin, schema: { response: { 200: limitListSchema } } }, async () =>
    listOf((await limits.list()).map(bodyOf)),
  );

  const setting = { body: limitSchema, response: { 200: limitSchema } };
  app.put('/accounts/limits/table', { config: admin, schema: setting }, async (request) => {
    const { body } = request;
    const limit = { ...body, metric: body.metric as Metric, amount: body.amount ?? undefined };
    await accounts.by(sessionOf(request).account).limits.set(limit);
    return bodyOf(limit);
  });

  const removing = { body: limitNameSchema };
  app.post('/accounts/limits/table/remove', { config: admin, schema: removing }, async (request, reply) => {
    const line = { ...request.body, metric: request.body.metric as Metric };
    const removed = await accounts.by(sessionOf(request).account).limits.remove(line);
    if (!removed) throw notFound('such limit', '这一限额');
    return reply.code(204).send();
  });
}

const bodyOf = ({ amount, ...limit }: Limit) => ({ ...limit, amount: amount ?? null });
