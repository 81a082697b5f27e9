/** `/accounts/applications`: everyone may apply, reviewers decide. */
import {
  applicationApprovedSchema,
  applicationListSchema,
  applicationMadeSchema,
  applicationRequestSchema,
  applicationSchema,
  rejectionSchema,
} from '@tunan/protocol';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.ts';
import type { ZodFastify } from '../../context.ts';
import { sessionOf } from '../../sign-in.ts';
import { applicationBody, listOf } from './bodies.ts';

const params = z.object({ id: z.string() });
const everyone = { access: 'everyone' } as const;
const reviewer = { access: 'reviewer' } as const;

export function addApplicationsRoutes(app: ZodFastify, accounts: Accounts): void {
  const { applications } = accounts;
  const applying = { body: applicationRequestSchema, response: { 201: applicationMadeSchema } };
  app.post('/accounts/applications', { config: everyone, schema: applying }, async ({ body }, reply) => {
    const id = await applications.apply(body);
    return reply.code(201).send({ id, status: 'pending' });
  });

  const querystring = z.object({ status: applicationSchema.shape.status.optional() });
  const listing = { querystring, response: { 200: applicationListSchema } };
  app.get('/accounts/applications', { config: reviewer, schema: listing }, async ({ query }) =>
    listOf((await applications.list(query.status)).map(applicationBody)),
  );

  const approving = { params, response: { 200: applicationApprovedSchema } };
  app.post('/accounts/applications/:id/approve', { config: reviewer, schema: approving }, async (request) => {
    const by = accounts.by(sessionOf(request).account);
    return { account_id: await by.applications.approve(request.params.id) };
  });

  const rejecting = { params, body: rejectionSchema };
  app.post('/accounts/applications/:id/reject', { config: reviewer, schema: rejecting }, async (request, reply) => {
    const by = accounts.by(sessionOf(request).account);
    await by.applications.reject(request.params.id, request.body.reason);
    return reply.code(204).send();
  });
}
