/** `/accounts/members`, `/accounts/organisations`: owners see to their own organisation, admins to all. */
import {
  accountListSchema,
  accountMadeSchema,
  accountSchema,
  memberRequestSchema,
  organisationListSchema,
  organisationSchema,
  roleRequestSchema,
} from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.ts';
import { notFound } from '../../accounts/errors.ts';
import type { Account } from '../../accounts/people.ts';
import type { ZodFastify } from '../../context.ts';
import { RequestError } from '../../errors/request-error.ts';
import { sessionOf } from '../../sign-in.ts';
import { accountBody, listOf, organisationBody } from './bodies.ts';

const user = { access: 'user' } as const;
const owner = { access: 'owner' } as const;
const admin = { access: 'admin' } as const;
const params = z.object({ id: z.string() });

export function addMembersRoutes(app: ZodFastify, accounts: Accounts): void {
  const { members } = accounts;
  const by = (request: FastifyRequest) => accounts.by(sessionOf(request).account).members;
  const querystring = z.object({ organisation: z.string().optional() });
  app.get(
    '/accounts/members',
    { config: user, schema: { querystring, response: { 200: accountListSchema } } },
    async (request) => {
      const { account } = sessionOf(request);
      const organisation = account.role === 'admin' ? request.query.organisation : account.organisationId;
      return listOf((await members.list(organisation)).map(accountBody));
    },
  );

  const adding = { body: memberRequestSchema, response: { 201: accountMadeSchema } };
  app.post('/accounts/members', { config: owner, schema: adding }, async (request, reply) => {
    const own = sessionOf(request).account;
    const { organisation = own.organisation, role = 'user', kind, ...person } = request.body;
    const theirs = organisation !== own.organisation && organisation !== own.organisationId;
    if (own.role !== 'admin' && (theirs || role !== 'user')) {
      throw new RequestError('forbidden', {
        en: 'only an admin adds members of other organisations, reviewers and admins',
        zh: '只有管理员可以添加其他机构的成员、审核人或管理员',
      });
    }
    const made = await by(request).add({
      ...person,
      organisation: theirs ? organisation : own.organisation,
      kind,
      role,
    });
    return reply.code(201).send({ account: accountBody(made.account), password: made.password });
  });

  app.delete('/accounts/members/:id', { config: owner, schema: { params } }, async (request, reply) => {
    const { id } = request.params;
    requireOwn(sessionOf(request).account, await members.find(id), id);
    await by(request).remove(id);
    return reply.code(204).send();
  });

  const role = { params, body: roleRequestSchema, response: { 200: accountSchema } };
  app.post('/accounts/members/:id/role', { config: admin, schema: role }, async (request) =>
    accountBody(await by(request).setRole(request.params.id, request.body.role)),
  );

  const changed = { params, response: { 200: accountSchema } };
  app.post('/accounts/members/:id/suspend', { config: admin, schema: changed }, async (request) =>
    accountBody(await by(request).suspend(request.params.id)),
  );
  app.post('/accounts/members/:id/reinstate', { config: admin, schema: changed }, async (request) =>
    accountBody(await by(request).reinstate(request.params.id)),
  );

  const listing = { response: { 200: organisationListSchema } };
  app.get('/accounts/organisations', { config: admin, schema: listing }, async () =>
    listOf((await members.organisations()).map(organisationBody)),
  );

  const changedOrganisation = { params, response: { 200: organisationSchema } };
  app.post('/accounts/organisations/:id/suspend', { config: admin, schema: changedOrganisation }, async (request) =>
    organisationBody(await by(request).suspendOrganisation(request.params.id)),
  );
  app.post('/accounts/organisations/:id/reinstate', { config: admin, schema: changedOrganisation }, async (request) =>
    organisationBody(await by(request).reinstateOrganisation(request.params.id)),
  );

  app.delete('/accounts/organisations/:id', { config: admin, schema: { params } }, async (request, reply) => {
    await by(request).removeOrganisation(request.params.id);
    return reply.code(204).send();
  });
}

/** Of another organisation nobody learns whether there is such a member. @throws AccountError, RequestError */
function requireOwn(own: Account, other: Account, named: string): void {
  if (own.role === 'admin') return;
  if (own.organisationId !== other.organisationId) throw notFound(`account '${named}'`, `账户“${named}”`);
  if (other.role === 'user') return;
  throw new RequestError('forbidden', {
    en: 'only an admin takes out reviewers and admins',
    zh: '只有管理员可以移除审核人或管理员',
  });
}
