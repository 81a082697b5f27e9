/**
 * Who may call, where accounts are on. Below `/v1` an API key says whose request it is (`request.caller`); below `/accounts` a session of
 * a person does (`request.session`), and each route says who may call it (`config.access`).
 *
 * The cookie of a session is sent by no page of another site (SameSite=Strict) and read by no script (HttpOnly); every change needs the
 * session's token in a header too. Answers below `/accounts` are kept by no cache.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isBelow } from './access.ts';
import type { Accounts } from './accounts/accounts.ts';
import { holdsApiKey } from './accounts/api-key.ts';
import type { Caller } from './accounts/keys.ts';
import { SESSION_SECONDS, type Session } from './accounts/sessions.ts';
import { RequestError } from './errors/request-error.ts';

/** Each may do what those before may; an owner is a member who may change who is in the organisation. */
export type Access = 'everyone' | 'user' | 'owner' | 'reviewer' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of routes below /accounts. */
    access?: Access;
    /** Of routes below /v1 that have another way than keys to know their callers. */
    checksCallers?: boolean;
  }
  interface FastifyRequest {
    /** Whose key was sent; undefined where accounts are off. */
    caller: Caller | undefined;
    /** Who has signed in. */
    session: Session | undefined;
  }
}

const COOKIE = 'tunan_session';

export function addCallers(app: FastifyInstance, accounts: Accounts): void {
  app.addHook('onRequest', async (request, reply) => {
    if (reply.sent || request.isInside) return;
    refuseKeyInAddress(request);
    if (request.routeOptions.config.checksCallers === true) return;
    if (isBelow(request, '/v1')) request.caller = await callerOf(request, accounts);
    else if (isBelow(request, '/accounts')) await checkPerson(request, reply, accounts);
  });
}

/** @throws RequestError, AccountError ACCOUNT_KEY */
async function callerOf(request: FastifyRequest, accounts: Accounts): Promise<Caller> {
  const given = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) {
    throw new RequestError('unauthorized', {
      en: 'there is no API key: send the header Authorization: Bearer KEY with a key of this server',
      zh: '没有 API 密钥：请用请求头 Authorization: Bearer KEY 发送本服务器的密钥',
    });
  }
  const caller = await accounts.keys.authenticate(given);
  requireRoute(caller, request.routeOptions.url ?? '');
  return caller;
}

/** @throws RequestError where a key may not call the route */
export function requireRoute(caller: Caller | undefined, url: string): void {
  const route = url.slice('/v1/'.length);
  const allowed = caller?.routes?.some((scope) => route === scope || route.startsWith(`${scope}/`)) ?? true;
  if (allowed) return;
  throw new RequestError('forbidden', {
    en: `this key may call ${caller?.routes?.join(', ')} alone: use another key`,
    zh: `此密钥只能调用 ${caller?.routes?.join('、')}：请换用其他密钥`,
  });
}

/** @throws RequestError where a key may not name the model */
export function requireModel(caller: Caller | undefined, model: string): void {
  if (caller?.models?.includes(model) ?? true) return;
  const message = {
    en: `model: this key may not use '${model}': name one of ${caller?.models?.join(', ')}`,
    zh: `model：此密钥不能使用“${model}”：可用的有 ${caller?.models?.join('、')}`,
  };
  throw new RequestError('forbidden', message, 'model');
}

const ADDRESS_FIELD = /[?&](api[-_]?key|key|access[-_]?token|auth(orization)?)=/i;

/** Addresses stand in logs of proxies and histories of browsers. @throws RequestError */
function refuseKeyInAddress(request: FastifyRequest): void {
  const { url } = request;
  const named = isBelow(request, '/v1') && ADDRESS_FIELD.test(url);
  if (!named && !holdsApiKey(url)) return;
  throw new RequestError('keyInAddress', {
    en: 'an API key in the address is seen by proxies and logs: send it as Authorization: Bearer KEY, and revoke it if it was one of yours',
    zh: '地址中的 API 密钥会被代理和日志看到：请用 Authorization: Bearer KEY 发送；若这是您的密钥，请将其吊销',
  });
}

async function checkPerson(request: FastifyRequest, reply: FastifyReply, accounts: Accounts): Promise<void> {
  reply.header('cache-control', 'no-store');
  const { access } = request.routeOptions.config;
  const token = sessionToken(request);
  request.session = token === undefined ? undefined : await accounts.sessions.find(token);
  // An address that there is not has no access, and is answered 404 to whoever is signed in.
  if (access === 'everyone') return;
  if (request.session === undefined) {
    throw new RequestError('signedOut', {
      en: 'sign in first: POST /accounts/session with email and password',
      zh: '请先登录：用 email 与 password 调用 POST /accounts/session',
    });
  }
  const safe = request.method === 'GET' || request.method === 'HEAD';
  const csrf = request.headers['x-csrf-token'];
  if (!safe && !(typeof csrf === 'string' && accounts.sessions.isCsrfOf(request.session.token, csrf))) {
    throw new RequestError('forged', {
      en: 'send the header x-csrf-token with the csrf_token of GET /accounts/session',
      zh: '请在请求头 x-csrf-token 中发送 GET /accounts/session 返回的 csrf_token',
    });
  }
  if (!isAllowed(request.session, access)) throw notAllowed(access);
}

function isAllowed({ account: { role, owner } }: Session, access: Access | undefined): boolean {
  if (access === 'admin') return role === 'admin';
  if (access === 'reviewer') return role === 'admin' || role === 'reviewer';
  if (access === 'owner') return role === 'admin' || owner;
  return true;
}

function notAllowed(access: Access | undefined): RequestError {
  const who = {
    admin: { en: 'admins', zh: '管理员' },
    reviewer: { en: 'reviewers', zh: '审核人' },
    owner: { en: 'owners of an organisation', zh: '机构负责人' },
  }[access as 'admin' | 'reviewer' | 'owner'];
  return new RequestError('forbidden', { en: `this is for ${who.en} alone`, zh: `仅限${who.zh}` });
}

/** The session that a request has, where its route asks for one. */
export function sessionOf({ session }: FastifyRequest): Session {
  if (session === undefined) throw new Error('the route has no access that asks for a session');
  return session;
}

function sessionToken({ headers }: FastifyRequest): string | undefined {
  const given = (headers.cookie ?? '').split(';').map((one) => one.trim());
  return given.find((one) => one.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
}

/** @param token undefined takes the cookie back */
export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, token: string | undefined): void {
  const age = token === undefined ? 0 : SESSION_SECONDS;
  const secure = request.protocol === 'https' ? '; Secure' : '';
  const cookie = `${COOKIE}=${token ?? ''}; Path=/accounts; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
  reply.header('set-cookie', cookie);
}
