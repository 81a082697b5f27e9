/** `/accounts/session`, `/accounts/password`, `/accounts/second-factor`: signing in and out, and what guards it. */
import {
  codeRequestSchema,
  passwordRequestSchema,
  secondFactorSchema,
  sessionSchema,
  signInRequestSchema,
} from '@tunan/protocol';
import type { Accounts } from '../../accounts/accounts.ts';
import type { ZodFastify } from '../../context.ts';
import { sessionOf, setSessionCookie } from '../../sign-in.ts';
import { sessionBody } from './bodies.ts';

const everyone = { access: 'everyone' } as const;
const user = { access: 'user' } as const;

export function addSessionRoutes(app: ZodFastify, { sessions, members }: Accounts): void {
  const signingIn = { body: signInRequestSchema, response: { 200: sessionSchema } };
  app.post('/accounts/session', { config: everyone, schema: signingIn }, async (request, reply) => {
    const { email, password, code } = request.body;
    const session = await sessions.signIn(email, password, code);
    setSessionCookie(request, reply, session.token);
    return sessionBody(session);
  });

  app.get('/accounts/session', { config: user, schema: { response: { 200: sessionSchema } } }, async (request) =>
    sessionBody(sessionOf(request)),
  );

  app.delete('/accounts/session', { config: user }, async (request, reply) => {
    await sessions.signOut(sessionOf(request).token);
    setSessionCookie(request, reply, undefined);
    return reply.code(204).send();
  });

  app.post('/accounts/password', { config: user, schema: { body: passwordRequestSchema } }, async (request, reply) => {
    const { password, new_password: next } = request.body;
    await members.changePassword(sessionOf(request).account.id, password, next);
    setSessionCookie(request, reply, undefined);
    return reply.code(204).send();
  });

  const beginning = { response: { 200: secondFactorSchema } };
  app.post('/accounts/second-factor', { config: user, schema: beginning }, async (request) =>
    sessions.beginSecondFactor(sessionOf(request).account),
  );

  const schema = { body: codeRequestSchema };
  app.post('/accounts/second-factor/confirm', { config: user, schema }, async (request, reply) => {
    await sessions.confirmSecondFactor(sessionOf(request).account, request.body.code);
    return reply.code(204).send();
  });
  app.post('/accounts/second-factor/remove', { config: user, schema }, async (request, reply) => {
    await sessions.endSecondFactor(sessionOf(request).account, request.body.code);
    return reply.code(204).send();
  });
}
