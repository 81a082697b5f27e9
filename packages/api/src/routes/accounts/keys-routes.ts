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

export function addKeysRoutes(app: ZodFastify, accounts: Accounts): void {
  const { keys, members } = accounts;
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
    const { account } = sessionOf(request);
    const made = await accounts.by(account).keys.make(account.id, { ...given, expiresAt });
    return reply.code(201).send(madeKeyBody(made));
  });

  const rotating = { params, body: rotationRequestSchema, response: { 201: apiKeyMadeSchema } };
  app.post('/accounts/keys/:id/rotate', { config: user, schema: rotating }, async (request, reply) => {
    const { account } = sessionOf(request);
    const { keys } = accounts.by(account);
    const made = await keys.rotate(request.params.id, request.body.overlap_seconds, account.id);
    return reply.code(201).send(madeKeyBody(made));
  });

  const revoking = { params, response: { 200: apiKeySchema } };
  app.delete('/accounts/keys/:id', { config: user, schema: revoking }, async (request) => {
    const { account } = sessionOf(request);
    const whose = account.role === 'admin' ? undefined : account.id;
    return keyBody(await accounts.by(account).keys.revoke(request.params.id, whose));
  });
}
