/**
 * Every route of the OpenAPI document, asked by those who may not: without a key or a session, with keys that are unknown, revoked, expired or
 * out of scope, as a lesser role, without the token against forged requests; and with what attackers send. docs/security.md names these tests.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Validator } from '@seriousme/openapi-schema-validator';
import {
  Accounts,
  AppStore,
  BatchStore,
  buildServer,
  OpenStudy,
  type RequestEntry,
  ResponseMemory,
  serve,
  Workspace,
} from '@tunan/api';
import { pageFolder } from '@tunan/playground';
import { errorBodySchema } from '@tunan/protocol';
import { studyOf } from './study-texts.ts';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-security-'));
after(() => rmSync(folder, { recursive: true }));
const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
after(() => accounts.close());
const admin = (await accounts.members.addFirstAdmin())!;
const entries: RequestEntry[] = [];
const failures: unknown[] = [];
const batches = new BatchStore(path.join(folder, 'data'));
after(() => batches[Symbol.dispose]());
const { folder: studyFolder } = await studyOf();
const study = new OpenStudy(studyFolder);
after(() => study[Symbol.dispose]());
const options = {
  models: new Map([['m', engine]]),
  accounts,
  batches,
  studies: [study],
  workspace: new Workspace(folder),
  responses: new ResponseMemory(),
  apps: { gallery: [], store: new AppStore(accounts.database) },
  page: await pageFolder(),
  trustedProxies: ['10.0.0.0/8'],
  requestMilliseconds: 400,
  bodyLimit: 10_000,
  onRequest: (entry: RequestEntry) => void entries.push(entry),
  onFailure: (error: unknown) => void failures.push(error),
};
const { app } = buildServer(options);
after(() => app.close());

interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly template: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly access: string | undefined;
  readonly hasBody: boolean;
}

interface DocumentOperation {
  readonly security: Operation['security'];
  readonly 'x-access'?: string;
  readonly requestBody?: unknown;
}

const document = (await app.inject('/openapi.json')).json() as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>;
};
const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, { security, 'x-access': access, requestBody }]) => ({
    ...{ method: method.toUpperCase() as Operation['method'], template, security, access },
    ...{
      url: template.replace(/\{\w+\}/g, 'x'),
      hasBody: JSON.stringify(requestBody ?? '').includes('application/json'),
    },
  })),
);
const withKey = operations.filter(({ security }) => security.some(({ key }) => key !== undefined));
const withSession = operations.filter(({ security }) => security.some(({ session }) => session !== undefined));
const named = ({ method, template }: Operation) => `${method} ${template}`;

async function ask(
  { method, url, hasBody }: Operation,
  headers: Record<string, string> = {},
  payload?: string | Buffer,
) {
  const body = payload ?? (hasBody ? '{}' : undefined);
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return await app.inject({
    method,
    url,
    headers: { ...type, ...headers },
    ...(body !== undefined && { payload: body }),
  });
}

const codeOf = (response: { json(): unknown }): string | null => errorBodySchema.parse(response.json()).error.code;

/** Cookie and csrf token of somebody who signs in. */
async function signIn(email: string, password: string) {
  const response = await app.inject({ method: 'POST', url: '/accounts/session', payload: { email, password } });
  assert.equal(response.statusCode, 200, response.body);
  const cookie = String(response.headers['set-cookie']).split(';')[0]!;
  return { cookie, 'x-csrf-token': (response.json() as { csrf_token: string }).csrf_token };
}
const person = { organisation: '某某大学', kind: 'academic', role: 'user' } as const;
// The first of an organisation is its owner.
await accounts.members.add({ ...person, email: 'owner@example.org', name: '李四' });
const member = await accounts.members.add({ ...person, email: 'user@example.org', name: '张三' });
const user = await signIn('user@example.org', member.password);
const adminSession = await signIn(admin.account.email, admin.password);
const key = (given: object = {}) => accounts.keys.make(member.account.id, { name: 'k', ...given });

test('the document is valid OpenAPI 3.1, has every route, and speaks both languages', async () => {
  const result = await new Validator().validate(structuredClone(document));
  assert.deepEqual(result.errors, undefined);
  assert.equal(result.valid, true);
  const chinese = await app.inject({ url: '/openapi.json', headers: { 'accept-language': 'zh' } });
  assert.match(chinese.body, /所服务的模型/);
  for (const place of [
    '/v1/completions',
    '/v1/models/{id}',
    '/v1/apps',
    '/v1/apps/{id}',
    '/v1/apps/{id}/versions/{revision}',
    '/v1/batches',
    '/v1/files/{id}',
    '/v1/responses/{id}',
    '/v1/responses/{id}/input_items',
    '/accounts/keys',
    '/accounts/workspace/runs/{id}/log',
    '/healthz',
    '/readyz',
    '/metrics',
  ])
    assert.ok(place in document.paths, place);
  assert.ok(withKey.length >= 3 && withSession.length >= 15, JSON.stringify(operations.map(named)));
});

test('what is open to everyone is this and no more', () => {
  const open = operations.filter(({ security }) => security.length === 0).map(named);
  const expected = [
    ...['GET /', 'GET /page/{file}', 'GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json'],
    ...['POST /accounts/applications', 'POST /accounts/session'],
    // Judges have no account; what is theirs they reach by the number that they were given.
    ...['GET /studies/{study}', 'POST /studies/{study}/judges'],
    // These check the original's own token and answer in its form; tests/e2e/yuan*.test.ts.
    ...['GET /v1/interface/api/infer/getRequestId', 'GET /v1/interface/api/result'],
  ];
  assert.deepEqual(open.sort(), expected.sort());
});

test('without a key, and with one that is unknown, revoked or expired, no route below /v1 answers', async () => {
  const revoked = await key();
  await accounts.keys.revoke(revoked.key.id);
  const end = Date.now() + 1_000;
  const expired = await key({ expiresAt: end });
  while (Date.now() <= end) await new Promise((resolve) => setTimeout(resolve, 100));
  const good = await key();
  const bearers = [
    undefined,
    'x',
    good.text.slice(0, -1),
    `${good.text}x`,
    revoked.text,
    expired.text,
    `${good.text} x`,
  ];
  for (const operation of withKey) {
    for (const bearer of bearers) {
      const response = await ask(operation, bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
      assert.deepEqual(
        [response.statusCode, codeOf(response)],
        [401, 'invalid_api_key'],
        `${named(operation)} ${bearer}`,
      );
    }
    for (const authorization of [`Basic ${good.text}`, good.text, 'Bearer', 'Bearer ']) {
      assert.equal((await ask(operation, { authorization })).statusCode, 401, `${named(operation)} ${authorization}`);
    }
    assert.equal((await ask(operation, user)).statusCode, 401, `${named(operation)}: a session is no key`);
    assert.notEqual((await ask(operation, { authorization: `Bearer ${good.text}` })).statusCode, 401, named(operation));
  }
});

test('of a suspended account, and of a suspended organisation, no route answers a key, and nobody signs in', async () => {
  const put = (what: string) => app.inject({ method: 'POST', url: `/accounts/${what}`, headers: adminSession });
  const person = { organisation: '停用大学', email: 'suspended@example.org', name: '赵六' };
  const { account, password } = await accounts.members.add(person);
  const { text } = await accounts.keys.make(account.id, { name: 'k' });
  const credentials = { email: person.email, password };
  for (const place of [`members/${account.id}`, `organisations/${account.organisationId}`]) {
    const session = await signIn(person.email, password);
    const suspended = await put(`${place}/suspend`);
    assert.equal(suspended.statusCode, 200, suspended.body);
    assert.ok((suspended.json() as { suspended_at: number }).suspended_at > 0);
    for (const operation of withKey) {
      const response = await ask(operation, { authorization: `Bearer ${text}`, 'accept-language': 'zh' });
      assert.deepEqual([response.statusCode, codeOf(response)], [403, 'account_suspended'], named(operation));
      assert.match(response.body, /停用/);
    }
    assert.equal(codeOf(await app.inject({ url: '/accounts/session', headers: session })), 'signed_out');
    const refused = await app.inject({ method: 'POST', url: '/accounts/session', payload: credentials });
    assert.deepEqual([refused.statusCode, codeOf(refused)], [403, 'account_suspended']);
    assert.equal(refused.headers['set-cookie'], undefined);
    assert.equal((await put(`${place}/reinstate`)).statusCode, 200);
  }
  assert.equal((await app.inject({ url: '/v1/models', headers: { authorization: `Bearer ${text}` } })).statusCode, 200);
  const last = await put(`members/${admin.account.id}/suspend`);
  assert.deepEqual([last.statusCode, codeOf(last)], [409, 'conflict']);
});

test('what is of one judge answers nobody without the number that the judge was given', async () => {
  const ofJudges = operations.filter(({ security }) => security.some(({ judge }) => judge !== undefined));
  assert.equal(ofJudges.length, 3);
  const { text } = await key();
  for (const operation of ofJudges) {
    const url = operation.template.replace('{study}', study.study.id);
    const body = JSON.stringify({ item: 'x', answer: 'human', confidence: 1, seen_seconds: 0 });
    for (const headers of [{}, { 'x-judge': 'x' }, { authorization: `Bearer ${text}` }, adminSession]) {
      const response = await ask({ ...operation, url }, headers, operation.hasBody ? body : undefined);
      assert.deepEqual([response.statusCode, codeOf(response)], [401, 'unknown_judge'], named(operation));
    }
  }
});

test('a key calls the routes and models of its scope alone', async () => {
  const elsewhere = await key({ routes: ['somewhere'] });
  for (const operation of withKey) {
    const response = await ask(operation, { authorization: `Bearer ${elsewhere.text}` });
    assert.deepEqual([response.statusCode, codeOf(response)], [403, 'forbidden'], named(operation));
  }
  const other = await key({ models: ['other'] });
  const headers = { authorization: `Bearer ${other.text}` };
  const refused = await app.inject({
    method: 'POST',
    url: '/v1/completions',
    headers,
    payload: { model: 'm', prompt: '春' },
  });
  assert.equal(refused.statusCode, 403);
});

test('below /accounts nothing is told or changed without a session, with a key in place of one, or with an ended one', async () => {
  const { text } = await key();
  const ended = await signIn('user@example.org', member.password);
  await app.inject({ method: 'DELETE', url: '/accounts/session', headers: ended });
  for (const operation of withSession) {
    const none: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${text}` },
      { cookie: 'tunan_session=x' },
      ended,
    ];
    for (const headers of none) {
      const response = await ask(operation, headers);
      assert.deepEqual([response.statusCode, codeOf(response)], [401, 'signed_out'], named(operation));
      assert.equal(response.headers['cache-control'], 'no-store');
    }
  }
});

test('a change without the right token against forged requests is refused', async () => {
  const { 'x-csrf-token': _, ...cookie } = adminSession;
  for (const operation of withSession.filter(({ method }) => method !== 'GET')) {
    for (const headers of [cookie, { ...cookie, 'x-csrf-token': user['x-csrf-token'] }]) {
      const response = await ask(operation, headers);
      assert.deepEqual([response.statusCode, codeOf(response)], [403, 'csrf_token'], named(operation));
    }
  }
});

test('a role does what is its own alone', async () => {
  const above = withSession.filter(({ access }) => access === 'admin' || access === 'reviewer' || access === 'owner');
  assert.ok(above.length >= 8);
  for (const operation of above) {
    const response = await ask(operation, user);
    // What is wrong with the body may be told first; nothing is done in either case.
    assert.ok([400, 403].includes(response.statusCode), `${named(operation)} ${response.statusCode}`);
    if (!operation.hasBody) assert.equal(response.statusCode, 403, named(operation));
  }
});

test('a key of another account is neither seen, rotated nor revoked', async () => {
  const theirs = await accounts.keys.make(admin.account.id, { name: 'admin' });
  const listed = (await app.inject({ url: '/accounts/keys', headers: user })).body;
  assert.ok(!listed.includes(theirs.key.id));
  for (const [method, end] of [
    ['DELETE', ''],
    ['POST', '/rotate'],
  ] as const) {
    const url = `/accounts/keys/${theirs.key.id}${end}`;
    const response = await app.inject({
      method,
      url,
      headers: user,
      ...(method === 'POST' && { payload: { overlap_seconds: 0 } }),
    });
    assert.equal(response.statusCode, 404);
  }
  assert.equal((await accounts.keys.find(theirs.key.id)).revokedAt, undefined);
});

test('a response of another organisation is neither seen, gone on from nor deleted', async () => {
  const bearerOf = async (accountId: string, more: object = {}) => ({
    authorization: `Bearer ${(await accounts.keys.make(accountId, { name: 'r', ...more })).text}`,
  });
  const owner = await bearerOf(member.account.id);
  const post = (headers: Record<string, string>, payload: object) =>
    app.inject({ method: 'POST', url: '/v1/responses', headers, payload: { max_output_tokens: 1, ...payload } });
  const { id, output } = (await post(owner, { input: '春' })).json() as { id: string; output: { id: string }[] };
  const others = await bearerOf(admin.account.id);
  for (const [method, url] of [
    ['GET', `/v1/responses/${id}`],
    ['GET', `/v1/responses/${id}/input_items`],
    ['DELETE', `/v1/responses/${id}`],
  ] as const) {
    const response = await app.inject({ method, url, headers: others });
    assert.deepEqual([response.statusCode, codeOf(response)], [404, 'not_found'], `${method} ${url}`);
  }
  for (const asked of [
    { input: '夏', previous_response_id: id },
    { input: [{ type: 'item_reference', id: output[0]!.id }] },
  ]) {
    assert.equal(codeOf(await post(others, asked)), 'previous_response_not_found');
  }
  const colleague = await accounts.members.add({ ...person, email: 'colleague@example.org', name: '王五' });
  const scoped = await bearerOf(colleague.account.id, { models: ['other'] });
  assert.equal((await app.inject({ url: `/v1/responses/${id}`, headers: scoped })).statusCode, 403);
  const same = await bearerOf(colleague.account.id);
  assert.equal((await app.inject({ url: `/v1/responses/${id}`, headers: same })).statusCode, 200);
});

test('what looks like SQL or a path is a name like any other', async () => {
  const { text } = await key();
  const bearer = { authorization: `Bearer ${text}` };
  const before = (await accounts.keys.list()).length;
  const attacks = [
    "' OR '1'='1",
    "x'; DROP TABLE keys; --",
    '../../../etc/passwd',
    '..\\..\\windows',
    '%00',
    '\u0000',
    '{{7*7}}',
  ];
  for (const attack of attacks) {
    for (const operation of operations.filter(({ template }) => template.includes('{'))) {
      const url = operation.template.replace(/\{\w+\}/g, encodeURIComponent(attack));
      const response = await ask({ ...operation, url }, { ...adminSession, ...bearer });
      assert.ok(
        [400, 404].includes(response.statusCode),
        `${named(operation)} ${attack}: ${response.statusCode} ${response.body}`,
      );
      assert.doesNotMatch(response.body, /root:|SQL|sqlite|syntax error/i);
    }
  }
  for (const url of [
    '/../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
    '/v1/../accounts/keys',
  ])
    assert.ok([400, 401, 404].includes((await app.inject(url)).statusCode), url);
  assert.equal((await accounts.keys.list()).length, before);
});

test('bodies that are too large, compressed or no JSON are refused by every route that takes one', async () => {
  // What operators alone may call is refused to others before their bodies are read.
  const { text } = await accounts.keys.make(admin.account.id, { name: 'k' });
  const headers = { ...adminSession, authorization: `Bearer ${text}` };
  for (const operation of operations.filter(({ hasBody }) => hasBody)) {
    const large = await ask(operation, headers, `{"x":"${'x'.repeat(20_000)}"}`);
    assert.deepEqual([large.statusCode, codeOf(large)], [413, 'request_too_large'], named(operation));
    const bomb = await ask(operation, { ...headers, 'content-encoding': 'gzip' }, gzipSync('0'.repeat(1_000_000)));
    assert.deepEqual([bomb.statusCode, codeOf(bomb)], [415, 'unsupported_encoding'], named(operation));
    for (const broken of ['{', '[[[[', '{"__proto__": {"admin": true}', 'null', '\uFEFF']) {
      assert.equal((await ask(operation, headers, broken)).statusCode, 400, `${named(operation)} ${broken}`);
    }
    const deep = await ask(operation, headers, '['.repeat(4_000) + ']'.repeat(4_000));
    assert.equal(deep.statusCode, 400, named(operation));
    const type = await ask(operation, { ...headers, 'content-type': 'text/plain' }, '{}');
    assert.equal(type.statusCode, 415, named(operation));
  }
  assert.equal(Object.hasOwn(Object.prototype, 'admin'), false);
});

/** What a server answers to bytes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  try {
    for await (const chunk of socket) text += String(chunk);
  } catch (error) {
    // Who is cut off while it writes may miss the answer.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    text ||= 'reset';
  }
  return text;
}

test('slow and malformed requests on a socket are ended; headers are not split, requests not smuggled', async () => {
  await using serving = await serve({ ...options, port: 0 }).then((one) => ({
    ...one,
    [Symbol.asyncDispose]: one.close,
  }));
  const port = Number(new URL(serving.url).port);
  const head = 'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const bearing = `${head}authorization: Bearer ${(await key()).text}\r\n`;
  assert.match(await raw(port, `${bearing}content-length: 100\r\n\r\n{"prompt"`), /^HTTP\/1\.1 408/);
  assert.match(await raw(port, 'GET / HTTP/1.1\r\nhost: x\r\nx-slow: '), /^HTTP\/1\.1 408/);
  assert.match(
    await raw(port, `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    /^HTTP\/1\.1 400/,
  );
  assert.match(await raw(port, 'GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n'), /^HTTP\/1\.1 400/);
  assert.match(
    await raw(port, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(300_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431|^reset$/,
  );
});

test('names that a client chooses come back in no header as they are', async () => {
  const { text } = await key();
  const payload = { prompt: '春', max_tokens: 1, 'x\r\nset-cookie: a=b': 1 };
  const response = await app.inject({
    method: 'POST',
    url: '/v1/completions',
    headers: { authorization: `Bearer ${text}` },
    payload,
  });
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['set-cookie'], undefined);
  assert.match(String(response.headers['x-ignored-fields']), /^x%0D%0Aset-cookie/);
});

/** A request is logged when its socket has closed, which may be after its answer. */
async function logged(count: number): Promise<void> {
  while (entries.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('an address is believed of proxies that are trusted alone', async () => {
  const { text } = await key();
  const clientOf = async (remoteAddress: string) => {
    entries.length = 0;
    const headers = { authorization: `Bearer ${text}`, 'x-forwarded-for': '203.0.113.9' };
    await app.inject({ url: '/v1/models', headers, remoteAddress });
    await logged(1);
    return entries[0]?.client;
  };
  assert.equal(await clientOf('10.1.2.3'), '203.0.113.9');
  assert.equal(await clientOf('192.0.2.1'), '192.0.2.1');
});

test('logs have no keys, cookies, passwords, prompts or answers, and a line for each request', async () => {
  entries.length = 0;
  const { text } = await key();
  const secrets = [text, user.cookie.split('=')[1]!, user['x-csrf-token'], member.password, '秘密的提示'];
  const headers = { ...user, authorization: `Bearer ${text}`, 'user-agent': 'a\tb' };
  const answered = await app.inject({
    method: 'POST',
    url: '/v1/completions',
    headers,
    payload: { prompt: '秘密的提示', max_tokens: 8 },
  });
  await app.inject({ url: `/v1/models/${text}`, headers });
  await app.inject({ url: `/v1/models?api_key=${text}`, headers });
  await app.inject({ url: '/v1/models/a%0A%7B%22fake%22%3A1%7D', headers });
  await app.inject({
    method: 'POST',
    url: '/accounts/session',
    payload: { email: 'user@example.org', password: '秘密的提示' },
  });
  await logged(4);
  const metrics = (await app.inject('/metrics')).body;
  const told = [...entries.map((entry) => JSON.stringify(entry)), ...failures.map(String), metrics];
  for (const secret of [...secrets, answered.json().choices[0].text].filter((one) => one.length > 3))
    assert.ok(!told.join('').includes(secret), secret);
  for (const line of told.slice(0, entries.length)) assert.ok(!line.includes('\n'));
  assert.deepEqual(failures, []);
});

test('the page may run its own script alone, and in no frame', async () => {
  const { headers } = await app.inject('/');
  assert.match(
    String(headers['content-security-policy']),
    /default-src 'none'; script-src 'self' 'sha256-[^']+'; .*frame-ancestors 'none'/,
  );
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('readiness tells what is missing', async () => {
  assert.deepEqual((await app.inject('/readyz')).json(), { status: 'ready' });
  const gone = await Accounts.open(path.join(folder, 'other.sqlite'), { passwordCost: 2, environment: {} });
  const other = buildServer({ ...options, accounts: gone }).app;
  await gone.close();
  const response = await other.inject('/readyz');
  assert.deepEqual([response.statusCode, response.json()], [503, { status: 'not ready', missing: ['accounts'] }]);
});

test('while it closes, a server says so on connections that are kept, in the form of the API, and running answers end', async () => {
  const serving = await serve({ ...options, accounts: undefined, port: 0, drainMilliseconds: 20_000 });
  const { hostname, port } = new URL(serving.url);
  const kept = connect(Number(port), hostname);
  let text = '';
  kept.on('data', (chunk) => {
    text += String(chunk);
  });
  kept.on('error', () => undefined);
  const until = async (pattern: RegExp) => {
    while (!pattern.test(text) && !kept.closed) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const body = JSON.stringify({ prompt: '春', max_tokens: 400, stream: true, ignore_eos: true });
  const head = `host: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  kept.write(`POST /v1/completions HTTP/1.1\r\n${head}\r\n\r\n${body}`);
  await until(/data: \{/);
  const closed = serving.close();
  // On the connection of the running answer, behind which their answers come.
  kept.write('GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n');
  await until(/"missing":\["closing"\]/);
  assert.match(text, /data: \[DONE\]\n\n/);
  await closed;
  kept.destroy();
});

test('the word by which the server asks itself is known to nobody else', async () => {
  for (const word of ['', 'undefined', 'x'.repeat(64), '0'.repeat(64)]) {
    const response = await app.inject({ url: '/v1/models', headers: { 'x-tunan-inside': word } });
    assert.equal(response.statusCode, 401, word);
  }
});
