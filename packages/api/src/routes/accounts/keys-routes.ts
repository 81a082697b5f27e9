/** `/accounts/keys`: everyone has their own; an admin may see and end those of others. */
import {
  apiKeyListSchema,
  apiKeyMadeSchema,
  apiKeySchema,
  keyRequestSchema,
  rotationRequestSchema,
} from '@tunan/protocol';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.ts';
import type { ZodFastify } from '../../context.ts';
import { sessionOf } from '../../sign-in.ts';
import { keyBody, listOf, madeKeyBody } from './bodies.ts';

const user = { access: 'user' } as const;
const params = z.object({ id: z.string() });

export function addKeysRoutes(app: ZodFastify, { keys, members }: Accounts): void {
  const listing = { querystring: z.object({ account: z.string().optional() }), response: { 200: apiKeyListSchema } };
  app.get('/accounts/keys', { config: user, schema: listing }, async (request) => {
    const { account } = sessionOf(request);
    const other = account.role === 'admin' ? request.query.account : undefined;
    const id = other === undefined ? account.id : (await members.find(other)).id;
    return listOf((await keys.list(id)).map(keyBody));
  });

  const making = { body: keyRequestSchema, response: { 201: apiKeyMadeSchema } };
  app.post('/accounts/keys', { config: user, schema: making }, async (request, reply) => {
    const { expires_at: end, ...given } = request.body;
    const expiresAt = end === undefined ? undefined : end * 1000;
    const made = await keys.make(sessionOf(request).account.id, { ...given, expiresAt });
    return reply.code(201).send(madeKeyBody(made));
  });

  const rotating = { params, body: rotationRequestSchema, response: { 201: apiKeyMadeSchema } };
  app.post('/accounts/keys/:id/rotate', { config: user, schema: rotating }, async (request, reply) => {
    const own = sessionOf(request).account.id;
    const made = await keys.rotate(request.params.id, request.body.overlap_seconds, own);
    return reply.code(201).send(madeKeyBody(made));
  });

  const revoking = { params, response: { 200: apiKeySchema } };
  app.delete('/accounts/keys/:id', { config: user, schema: revoking }, async (request) => {
    const { id, role } = sessionOf(request).account;
    return keyBody(await keys.revoke(request.params.id, role === 'admin' ? undefined : id));
  });
}
