/** Accounts over HTTP: the form, review, sign-in, keys and their scopes, and what is refused. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Accounts, buildServer, type RequestEntry, serve } from '@tunan/api';
import { pageFolder } from '@tunan/playground';
import { type AuditList, modelListSchema, type SessionBody } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-accounts-'));
after(() => rmSync(folder, { recursive: true }));
const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
after(() => accounts.close());
const admin = (await accounts.members.addFirstAdmin())!;

const log: RequestEntry[] = [];
const failures: unknown[] = [];
const { app } = buildServer({
  models: new Map([
    ['yuan-tiny', engine],
    ['secret-model', engine],
  ]),
  accounts,
  page: await pageFolder(),
  onRequest: (entry) => void log.push(entry),
  onFailure: (error) => void failures.push(error),
});

interface Asked {
  readonly body?: unknown;
  readonly key?: string;
  readonly cookie?: string | undefined;
  readonly csrf?: string | undefined;
}
type Method = 'GET' | 'POST' | 'DELETE' | 'PUT';

async function ask(method: Method, url: string, { body, key, cookie, csrf }: Asked = {}) {
  const headers: Record<string, string> = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
    ...(cookie !== undefined && { cookie }),
    ...(csrf !== undefined && { 'x-csrf-token': csrf }),
  };
  const response = await app.inject({ method, url, headers, payload: JSON.stringify(body) });
  return {
    status: response.statusCode,
    headers: response.headers,
    json: response.body === '' ? undefined : response.json(),
  };
}

async function signIn(email: string, password: string) {
  const { status, headers, json } = await ask('POST', '/accounts/session', { body: { email, password } });
  assert.equal(status, 200, JSON.stringify(json));
  const [cookie = '', ...attributes] = String(headers['set-cookie']).split('; ');
  assert.deepEqual(attributes, ['Path=/accounts', 'Max-Age=43200', 'HttpOnly', 'SameSite=Strict']);
  const { csrf_token: csrf } = json as SessionBody;
  return { cookie, csrf };
}

const form = {
  organisation: '图南大学',
  kind: 'academic',
  purpose: '古诗研究',
  name: '李白',
  email: 'libai@example.org',
  password: '床前明月光疑是地上霜举头',
};
const completion = { model: 'yuan-tiny', prompt: '春', max_tokens: 2 };

test('from the form to an answer, and to a key that is refused', async () => {
  const made = await ask('POST', '/accounts/applications', { body: form });
  assert.equal(made.status, 201);
  assert.equal(made.json.status, 'pending');
  assert.equal((await ask('POST', '/accounts/session', { body: form })).json.error.code, 'sign_in_failed');

  const reviewer = await signIn(admin.account.email, admin.password);
  const waiting = await ask('GET', '/accounts/applications?status=pending', reviewer);
  assert.deepEqual(
    waiting.json.data.map(({ purpose, password }: Record<string, string>) => [purpose, password]),
    [['古诗研究', undefined]],
  );
  const approved = await ask('POST', `/accounts/applications/${made.json.id}/approve`, reviewer);
  assert.match(approved.json.account_id, /^acc_/);

  const own = await signIn(form.email, form.password);
  assert.equal((await ask('GET', '/accounts/session', own)).json.account.owner, true);
  const named = { name: 'laptop', models: ['yuan-tiny'], routes: ['completions', 'models'] };
  const key = await ask('POST', '/accounts/keys', { ...own, body: named });
  assert.equal(key.status, 201);
  assert.equal(key.headers['cache-control'], 'no-store');
  const text: string = key.json.key;
  assert.ok(text.startsWith(key.json.details.prefix));
  assert.ok(!JSON.stringify((await ask('GET', '/accounts/keys', own)).json).includes(text));

  const answer = await ask('POST', '/v1/completions', { key: text, body: completion });
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  const listed = modelListSchema.parse((await ask('GET', '/v1/models', { key: text })).json);
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    ['yuan-tiny'],
  );
  const other = await ask('POST', '/v1/completions', { key: text, body: { ...completion, model: 'secret-model' } });
  assert.deepEqual([other.status, other.json.error.code, other.json.error.param], [403, 'forbidden', 'model']);
  const route = await ask('POST', '/v1/chat/completions', { key: text, body: {} });
  assert.equal(route.status, 403);

  const rotated = await ask('POST', `/accounts/keys/${key.json.details.id}/rotate`, {
    ...own,
    body: { overlap_seconds: 60 },
  });
  assert.equal(rotated.status, 201);
  for (const one of [text, rotated.json.key]) {
    assert.equal((await ask('POST', '/v1/completions', { key: one, body: completion })).status, 200);
  }
  const revoked = await ask('DELETE', `/accounts/keys/${rotated.json.details.id}`, own);
  assert.ok(revoked.json.revoked_at > 0);
  const refused = await ask('POST', '/v1/completions', { key: rotated.json.key, body: completion });
  assert.deepEqual([refused.status, refused.json.error.code], [401, 'invalid_api_key']);
  assert.equal(refused.headers['www-authenticate'], 'Bearer');
  assert.match(refused.json.error.message, /has been revoked/);
});

test('members: an owner sees to the own organisation alone', async () => {
  const own = await signIn(form.email, form.password);
  const member = { email: 'dufu@example.org', name: '杜甫' };
  const made = await ask('POST', '/accounts/members', { ...own, body: member });
  assert.deepEqual([made.status, made.json.account.organisation], [201, '图南大学']);
  for (const more of [{ organisation: 'tunan' }, { role: 'admin' }]) {
    const wider = await ask('POST', '/accounts/members', { ...own, body: { ...member, email: 'x@y', ...more } });
    assert.equal(wider.status, 403);
  }
  const list = await ask('GET', '/accounts/members?organisation=tunan', own);
  assert.deepEqual(list.json.data.map(({ name }: { name: string }) => name).sort(), ['李白', '杜甫'].sort());
  const foreign = await ask('DELETE', `/accounts/members/${admin.account.id}`, own);
  assert.equal(foreign.status, 404);
  const second = await signIn(member.email, made.json.password);
  assert.equal((await ask('POST', '/accounts/members', { ...second, body: { ...member, email: 'a@b' } })).status, 403);
  const firstKey = (await ask('GET', '/accounts/keys', own)).json.data[0].id;
  assert.equal((await ask('DELETE', `/accounts/keys/${firstKey}`, second)).status, 404);
  assert.equal((await ask('DELETE', `/accounts/members/${made.json.account.id}`, own)).status, 204);
  assert.equal((await ask('GET', '/accounts/session', second)).json.error.code, 'signed_out');
});

test('what a route changes is recorded as done by whoever is signed in, and admins read it page by page', async () => {
  const chief = await signIn(admin.account.email, admin.password);
  const newest = async (query = 'limit=1') => (await ask('GET', `/accounts/audit?${query}`, chief)).json as AuditList;
  const [{ id: begun } = { id: 0 }] = (await newest()).data;
  const person = { email: 'baijuyi@example.org', name: '白居易', organisation: '长安大学' };
  const made = await ask('POST', '/accounts/members', { ...chief, body: person });
  const member = `/accounts/members/${made.json.account.id}`;
  const organisation = `/accounts/organisations/${made.json.account.organisation_id}`;
  const own = await signIn(person.email, made.json.password);
  const key = await ask('POST', '/accounts/keys', { ...own, body: { name: 'k' } });
  const line = { scope: 'account', subject: made.json.account.id, model: '*', metric: 'tokens_per_day' };
  const place = `/accounts/keys/${key.json.details.id}`;
  const apply = async (email: string) =>
    `/accounts/applications/${(await ask('POST', '/accounts/applications', { body: { ...form, email } })).json.id}`;
  const driven = new Set(['POST /accounts/members', 'POST /accounts/keys']);
  for (const [method, url, session, body] of [
    ['POST', `${place}/rotate`, own, { overlap_seconds: 9 }],
    ['DELETE', place, chief, undefined],
    ['PUT', '/accounts/limits/table', chief, { ...line, amount: 5 }],
    ['POST', '/accounts/limits/table/remove', chief, line],
    ['POST', '/accounts/password', own, { password: made.json.password, new_password: '野火烧不尽，春风吹又生。' }],
    ['POST', `${member}/role`, chief, { role: 'reviewer' }],
    ['POST', `${member}/suspend`, chief, undefined],
    ['POST', `${member}/reinstate`, chief, undefined],
    ['POST', `${organisation}/suspend`, chief, undefined],
    ['POST', `${organisation}/reinstate`, chief, undefined],
    ['DELETE', member, chief, undefined],
    ['DELETE', organisation, chief, undefined],
    ['POST', `${await apply('wangwei@example.org')}/approve`, chief, undefined],
    ['POST', `${await apply('nobody@example.org')}/reject`, chief, { reason: '用途不明' }],
  ] as const) {
    driven.add(`${method} ${url.replace(/(?<=\/)[a-z]+_\w+/, '{id}')}`);
    const { status, json } = await ask(method, url, { ...session, ...(body !== undefined && { body }) });
    assert.ok(status < 300, `${method} ${url}: ${JSON.stringify(json)}`);
  }
  const { data } = await newest('limit=200');
  const [by, self] = [admin.account.id, made.json.account.id];
  assert.deepEqual(
    data
      .filter(({ id }) => id > begun)
      .map(({ actor, action }) => [actor.id, action])
      .reverse(),
    [
      [by, 'organisation_made'],
      [by, 'account_made'],
      [self, 'key_made'],
      [self, 'key_rotated'],
      [by, 'key_revoked'],
      [by, 'limit_set'],
      [by, 'limit_removed'],
      [self, 'password_changed'],
      [by, 'role_set'],
      [by, 'account_suspended'],
      [by, 'account_reinstated'],
      [by, 'organisation_suspended'],
      [by, 'organisation_reinstated'],
      [by, 'account_removed'],
      [by, 'organisation_removed'],
      [by, 'account_made'],
      [by, 'application_approved'],
      [by, 'application_rejected'],
    ],
  );
  // All that change something but these: they change no account, or take a code (packages/api/src/accounts/accounts.test.ts).
  const others = /^(POST|DELETE) \/accounts\/(session|applications|second-factor(\/\w+)?)$/;
  const { paths } = (await app.inject('/openapi.json')).json() as { paths: Record<string, Record<string, unknown>> };
  const changing = Object.entries(paths).flatMap(([url, methods]) =>
    Object.keys(methods).flatMap((method) => (method === 'get' ? [] : `${method.toUpperCase()} ${url}`)),
  );
  assert.deepEqual(
    changing.filter((one) => one.includes(' /accounts/') && !others.test(one)).sort(),
    [...driven].sort(),
    'every route that changes accounts is asked here',
  );
  const first = await newest('limit=2');
  assert.equal(first.has_more, true);
  const second = await newest(`limit=2&before=${first.data[1]!.id}`);
  assert.deepEqual(
    [...first.data, ...second.data].map(({ id }) => id),
    data.slice(0, 4).map(({ id }) => id),
  );
  assert.equal((await newest('limit=200')).data.at(-1)?.id, 1, 'from the first change on');
  assert.equal((await newest(`limit=200&account=${self}`)).data.length, 10);
  const wrong = await ask('GET', '/accounts/audit?limit=201', chief);
  assert.deepEqual([wrong.status, wrong.json.error.param], [400, 'limit']);
});

test('every route below /accounts says who may call it, and others are refused', async () => {
  const routes: (readonly [Method, string])[] = [];
  const everyone: string[] = [];
  const above: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods] = /^([│ ]*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    const depth = indent.length / 4;
    above.splice(depth, above.length, part);
    const url = above.join('');
    if (!url.startsWith('/accounts')) continue;
    for (const method of methods?.split(', ') ?? []) routes.push([method as Method, url.replace(':id', 'x')]);
  }
  assert.ok(routes.length >= 18, `${routes.length} routes`);
  for (const [method, url] of routes) {
    const { status, json } = await ask(method, url, {});
    if (status === 401 && json?.error?.code === 'signed_out') continue;
    if ((method as string) === 'HEAD' && status === 401) continue;
    everyone.push(`${method} ${url}`);
  }
  assert.deepEqual(everyone.sort(), ['POST /accounts/applications', 'POST /accounts/session']);
  const second = await accounts.members.add({ organisation: 'c', email: 'plain@c', name: 'c' });
  const plain = await signIn('plain@c', second.password);
  for (const [method, url] of routes.filter(([method]) => method !== 'GET' && (method as string) !== 'HEAD')) {
    if (everyone.includes(`${method} ${url}`)) continue;
    const { json } = await ask(method, url, { cookie: plain.cookie });
    assert.equal(json.error.code, 'csrf_token', `${method} ${url} without the token`);
    const foreign = await signIn(admin.account.email, admin.password);
    const wrong = await ask(method, url, { cookie: plain.cookie, csrf: foreign.csrf });
    assert.equal(wrong.json.error.code, 'csrf_token', "another session's token");
  }
  for (const url of ['/accounts/applications', '/accounts/organisations', '/accounts/audit']) {
    assert.equal((await ask('GET', url, plain)).json.error.code, 'forbidden');
  }
});

test('below /v1 nothing is answered without a key; page, health and metrics are open', async () => {
  for (const [method, url] of [
    ['GET', '/v1/models'],
    ['GET', '/v1/models/yuan-tiny'],
    ['POST', '/v1/completions'],
    ['POST', '/v1/chat/completions'],
    ['GET', '/v1'],
    ['GET', '/v1/nothing'],
    ['GET', '/v1?x=1'],
    ['GET', '/%761/models'],
    ['GET', '/v%31/models'],
    ['POST', '/v1/%63ompletions'],
  ] as const) {
    for (const authorization of [undefined, 'Bearer', 'Bearer x', 'Basic eDp5', `Bearer ${'x'.repeat(5000)}`]) {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await app.inject({ method, url, headers });
      assert.equal(response.statusCode, 401, `${method} ${url} ${authorization}`);
    }
  }
  for (const url of ['/%61ccounts/keys', '/accounts/%6Beys'])
    assert.equal((await app.inject(url)).statusCode, 401, url);
  const { app: keyed } = buildServer({ models: new Map([['yuan-tiny', engine]]), apiKeys: ['k'] });
  for (const url of ['/v1/models', '/%761/models', '/v%31/models'])
    assert.equal((await keyed.inject(url)).statusCode, 401, url);
  for (const url of ['/', '/healthz', '/metrics']) assert.equal((await app.inject(url)).statusCode, 200);
});

test('a key in the address is refused and logged nowhere', async () => {
  const { text } = await accounts.keys.make(admin.account.id, { name: 'leaky' });
  for (const url of [
    `/v1/models?api_key=${text}`,
    `/v1/models/${text}`,
    `/v1/models?x=${text}`,
    '/v1/models?key=abc',
    `/${text}`,
  ]) {
    const { status, json } = await ask('GET', url, { key: text });
    assert.deepEqual([status, json.error.code], [400, 'key_in_url'], url);
    assert.ok(!JSON.stringify(json).includes(text));
  }
  assert.equal((await ask('GET', '/v1/models?x=1', { key: text })).status, 200);
  // Entries are written when answers have been sent.
  await new Promise(setImmediate);
  assert.ok(log.length > 0 && !JSON.stringify(log).includes(text.slice(-40)));
  assert.deepEqual(failures, []);
});

test('a wider address needs accounts, keys, or the word that it is meant', async () => {
  const models = new Map([['yuan-tiny', engine]]);
  const refused = { code: 'API_OPEN_ADDRESS', message: /--accounts FILE, set a key with --api-key, or say --open/ };
  await assert.rejects(serve({ models, host: '0.0.0.0', port: 0 }), refused);
  await assert.rejects(serve({ models, host: '::', port: 0, apiKeys: [] }), refused);
  for (const guarded of [{ open: true }, { accounts }, { apiKeys: ['k'] }]) {
    await (await serve({ models, host: '0.0.0.0', port: 0, ...guarded })).close();
  }
});
