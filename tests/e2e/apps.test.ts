/** Applications over HTTP with a real engine: the gallery, own copies, two people who edit one, sharing, runs whole and streamed, quotas. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts, AppStore, buildServer, Ledger } from '@tunan/api';
import { checkApp } from '@tunan/applications';
import {
  type AppBody,
  type AppInput,
  type AppRun,
  appListSchema,
  appRunPartSchema,
  appRunSchema,
} from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-apps-'));
after(() => rmSync(folder, { recursive: true }));
const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
after(() => accounts.close());
const ledger = await Ledger.open(accounts.database);
after(() => ledger.close());

const both = (text: string) => ({ zh: text, en: text });
const fields = { tunan_app: 1, group: 'verse', title: both('诗'), description: both('作诗') } as const;
const poem: AppInput = {
  ...{ ...fields, name: 'poem' },
  inputs: [{ name: 'theme', label: both('题') }],
  prompt: { input_suffix: '：', output_prefix: '“', output_suffix: '”\n' },
  examples: [{ inputs: { theme: '登楼' }, output: '白日依山尽，黄河入海流。' }],
  sampling: { max_tokens: 8 },
  checks: [{ use: 'length', least: 400 }],
  retries: 1,
};
const talk: AppInput = { ...poem, name: 'talk', needs: 'chat', checks: [], model: 'm' };
const acrostic: AppInput = {
  ...{ ...fields, name: 'acrostic', inputs: poem.inputs, sampling: { max_tokens: 60 } },
  checks: [{ use: 'acrostic', of: 'theme', characters: 5 }],
};
const quality = new Map([
  [
    'm',
    [
      {
        app: 'poem',
        measure: 'form',
        metric: 'form',
        value: 0.5,
        low: 0.4,
        high: 0.6,
        items: 100,
        measured: '2026-11-30',
      } as const,
    ],
  ],
]);
const gallery = [poem, talk, acrostic].map((app) => checkApp(app, app.name));
const store = new AppStore(accounts.database);
const server = buildServer({ models: new Map([['m', engine]]), accounts, ledger, apps: { gallery, store, quality } });
const { app } = server;
after(() => app.close());

test('an adapter that an application asks for answers where it is served, unless a model is named', async () => {
  const tuned = checkApp({ ...poem, adapter: 'poems', checks: [] }, 'tuned');
  const modelOf = async (names: readonly string[], body: object) => {
    const models = new Map(names.map((name) => [name, engine]));
    const { app: served } = buildServer({ models, apps: { gallery: [tuned], store } });
    const answer = await served.inject({ method: 'POST', url: '/v1/apps/poem', payload: { input: '秋', ...body } });
    await served.close();
    return answer.json<AppRun>().model;
  };
  assert.equal(await modelOf(['m', 'poems'], {}), 'poems');
  assert.equal(await modelOf(['m', 'poems'], { model: 'm' }), 'm');
  assert.equal(await modelOf(['m'], {}), 'm');
});

let people = 0;
async function newKey(organisation = `org-${++people}`) {
  const { account } = await accounts.members.add({ organisation, email: `${++people}@x`, name: 'x' });
  return (await accounts.keys.make(account.id, { name: 'x' })).text;
}
const [lin, su] = [await newKey('书院'), await newKey('书院')];
const stranger = await newKey();

async function ask(key: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) {
  const headers = { authorization: `Bearer ${key}`, 'accept-language': 'zh' };
  return await app.inject({ method, url, headers, ...(payload && { payload }) });
}
const code = (response: { json(): unknown }) =>
  (response.json() as { error: { code: string; message: string; param: string } }).error;
const made = async (key: string, payload: object): Promise<AppBody> => {
  const response = await ask(key, 'POST', '/v1/apps', payload);
  assert.equal(response.statusCode, 201, response.body);
  return response.json() as AppBody;
};

test('the gallery is listed with its quality for the served model, and with what no model here can do', async () => {
  const { data } = appListSchema.parse((await ask(lin, 'GET', '/v1/apps')).json());
  assert.deepEqual(
    data.map(({ id, origin, revision }) => `${id} ${origin} ${revision}`),
    ['poem gallery 0', 'talk gallery 0', 'acrostic gallery 0'],
  );
  assert.equal(data[0]!.quality[0]!.model, 'm');
  const refused = await ask(lin, 'POST', '/v1/apps/talk', { input: '你好' });
  assert.equal(refused.statusCode, 400);
  assert.match(code(refused).message, /需要带对话模板的模型/);
  assert.equal(code(refused).code, 'unfit_model');
});

test('a run answers with its attempts, and the tokens of all of them count as one request', async () => {
  const key = await newKey();
  const response = await ask(key, 'POST', '/v1/apps/poem', { input: '雪', seed: 3, show_prompt: true });
  assert.equal(response.statusCode, 200, response.body);
  const run = appRunSchema.parse(response.json());
  assert.equal(run.passed, false);
  assert.equal(run.attempts.length, 2);
  assert.match(run.attempts[0]!.findings[0]!.message.zh, /字数为 \d+，应为 ≥ 400/);
  assert.equal(run.prompt, '登楼：“白日依山尽，黄河入海流。”\n雪：“');
  assert.equal(run.usage.completion_tokens, 16);
  const used = async () => {
    const [row] = await accounts.database.rows<{ requests: number; tokens: number }>(
      'SELECT COUNT(DISTINCT request) AS requests, SUM(completion_tokens) AS tokens FROM requests WHERE route = ? AND ended_at IS NOT NULL',
      '/v1/apps/:id',
    );
    return { ...row! };
  };
  // Settlements are written a moment behind the answer.
  for (let tries = 0; (await used()).tokens !== 16 && tries < 100; tries++) await sleep(50);
  assert.deepEqual(await used(), { requests: 1, tokens: 16 });
  const again = appRunSchema.parse((await ask(key, 'POST', '/v1/apps/poem', { input: '雪', seed: 3 })).json());
  assert.deepEqual(again.attempts, run.attempts);
  assert.ok(again.usage.prompt_tokens_details.cached_tokens > 20, 'the examples come from the prefix cache');
});

test('a streamed run gives its parts, the findings of each attempt, and the whole', async () => {
  const response = await ask(lin, 'POST', '/v1/apps/acrostic', { inputs: { theme: '春夏' }, stream: true, seed: 1 });
  assert.match(String(response.headers['content-type']), /^text\/event-stream/);
  const events = response.body
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^data: /, ''));
  assert.equal(events.pop(), '[DONE]');
  const run = JSON.parse(events.pop()!) as AppRun;
  const parts = events.map((event) => appRunPartSchema.parse(JSON.parse(event)));
  assert.match(run.output, /^春....，夏....。$/u);
  assert.ok(run.passed);
  assert.equal(parts.map(({ text }) => text).join(''), run.output);
  assert.equal(parts.at(-1)!.findings?.[0]?.passed, true);
});

test('inputs that do not fit are refused before anything runs, streams too', async () => {
  const refused: [object, RegExp][] = [
    [{}, /缺少输入“theme”/],
    [{ inputs: { them: '春' } }, /没有输入“them”；现有输入：theme/],
    [{ input: '春', model: 'n', stream: true }, /没有模型“n”/],
    [{ input: '春', turns: [{ input: 'a', output: 'b' }], stream: true }, /不保留对话/],
    [{ input: '山'.repeat(1500), stream: true }, /即使不带示例也放不下.*须缩短的是输入/],
    [{ input: '春', sed: 1 }, /未知字段“sed”；.*是否想写“seed”/],
  ];
  for (const [payload, message] of refused) {
    const response = await ask(lin, 'POST', '/v1/apps/poem', payload);
    assert.ok(response.statusCode === 400 || response.statusCode === 404, response.body);
    assert.match(code(response).message, message);
  }
});

test('a copy is edited, and of two who edit it at once the second is told, and loses nothing', async () => {
  const copy = await made(lin, { copy: 'poem' });
  assert.match(copy.id, /^app_/);
  assert.equal(copy.copied_from, 'poem');
  const url = `/v1/apps/${copy.id}`;
  const edit = (title: string) => ({ app: { ...copy.app, title: both(title) }, revision: 1 });
  const saved = (await ask(su, 'PUT', url, edit('苏的'))).json() as AppBody;
  assert.equal(saved.revision, 2);
  const late = await ask(lin, 'PUT', url, edit('林的'));
  assert.equal(late.statusCode, 409);
  assert.match(code(late).message, /读取的是第 1 版，其间他人已保存第 2 版：未作任何保存/);
  assert.equal(((await ask(lin, 'GET', url)).json() as AppBody).title.zh, '苏的');
  const versions = (await ask(lin, 'GET', `${url}/versions`)).json() as { data: { revision: number }[] };
  assert.deepEqual(
    versions.data.map(({ revision }) => revision),
    [2, 1],
  );
  const first = (await ask(lin, 'GET', `${url}/versions/1`)).json() as { app: AppInput };
  assert.equal(first.app.title.zh, '诗');
  assert.equal((await ask(lin, 'GET', `${url}/versions/9`)).statusCode, 404);
  const both2 = await Promise.all(['a', 'b'].map((title) => ask(su, 'PUT', url, { ...edit(title), revision: 2 })));
  assert.deepEqual(both2.map(({ statusCode }) => statusCode).sort(), [200, 409]);
});

test('what is not shared is not there for others; what is shared can be read, run and copied, not changed', async () => {
  const { id } = await made(lin, { app: { ...poem, title: both('私') } });
  const url = `/v1/apps/${id}`;
  for (const [method, payload] of [
    ['GET', undefined],
    ['POST', { input: '春' }],
    ['DELETE', undefined],
  ] as const)
    assert.equal((await ask(stranger, method, url, payload)).statusCode, 404);
  assert.equal((await ask(lin, 'POST', `${url}/sharing`, { shared: true })).statusCode, 200);
  assert.equal(((await ask(stranger, 'GET', url)).json() as AppBody).origin, 'shared');
  assert.equal((await ask(stranger, 'POST', url, { input: '春' })).statusCode, 200);
  const change = await ask(stranger, 'PUT', url, { app: poem, revision: 1 });
  assert.equal(change.statusCode, 403);
  assert.match(code(change).message, /只可查看和运行，不能修改：请用 POST \/v1\/apps/);
  assert.equal((await ask(stranger, 'DELETE', url)).statusCode, 403);
  assert.equal((await ask(lin, 'PUT', '/v1/apps/poem', { app: poem, revision: 1 })).statusCode, 403);
  const copy = await made(stranger, { copy: id });
  assert.equal((await ask(lin, 'DELETE', url)).statusCode, 204);
  assert.equal((await ask(stranger, 'GET', `/v1/apps/${copy.id}`)).statusCode, 200);
});

test('a file goes out and comes back the same, whatever stands in its fields', async () => {
  const script = '<script>alert("x")</script>$& {theme} \u2028';
  const { id, app: first } = await made(su, {
    app: { ...poem, title: both(script), author: script, examples: [{ inputs: { theme: script }, output: script }] },
  });
  for (const format of ['yaml', 'json']) {
    const file = await ask(su, 'GET', `/v1/apps/${id}/file?format=${format}`);
    assert.equal(file.headers['x-content-type-options'], 'nosniff');
    assert.match(String(file.headers['content-disposition']), /^attachment; filename="poem\.\w+"$/);
    assert.match(String(file.headers['content-type']), format === 'yaml' ? /^application\/yaml/ : /^application\/json/);
    const again = await made(su, { file: file.body });
    assert.deepEqual(checkApp(again.app, 'again'), checkApp(first, 'first'));
  }
});

test('what is no application is refused with the place of its mistake', async () => {
  const refused: [object, RegExp][] = [
    [{ app: { ...poem, exmaples: [] } }, /app：未知字段“exmaples”；.*是否想写“examples”/],
    [{ app: { ...poem, checks: [{ use: 'couplet', of: 'upper' }] } }, /app\.checks\.0\.of：没有输入“upper”/],
    [{ file: 'name: [' }, /file 不是有效的 YAML：第 1 行/],
    [{ file: 'name: x' }, /file：有 \d+ 处错误/],
    [{ copy: 'poem', app: poem }, /须恰好给出 copy、app、file 之一/],
    [{ copy: 'nothing' }, /没有应用“nothing”/],
  ];
  for (const [payload, message] of refused) {
    const response = await ask(su, 'POST', '/v1/apps', payload);
    assert.ok(response.statusCode === 400 || response.statusCode === 404, `${response.statusCode} ${response.body}`);
    assert.match(code(response).message, message);
  }
});

test('without a store the gallery is there to read and run, and a page of another origin may save where it is allowed', async () => {
  const open = buildServer({ models: new Map([['m', engine]]), apps: { gallery }, corsOrigins: ['https://x.org'] });
  after(() => open.app.close());
  assert.equal((await open.app.inject('/v1/apps')).statusCode, 200);
  assert.equal(
    (await open.app.inject({ method: 'POST', url: '/v1/apps/poem', payload: { input: '春' } })).statusCode,
    200,
  );
  assert.equal((await open.app.inject({ method: 'POST', url: '/v1/apps', payload: { copy: 'poem' } })).statusCode, 405);
  const headers = { origin: 'https://x.org', 'access-control-request-method': 'PUT' };
  const preflight = await open.app.inject({ method: 'OPTIONS', url: '/v1/apps/x', headers });
  assert.match(String(preflight.headers['access-control-allow-methods']), /PUT/);
});

test('an adapter that is not for the caller’s key is not taken in its name', async () => {
  const tuned = checkApp({ ...poem, adapter: 'poems', checks: [] }, 'tuned');
  const { account } = await accounts.members.add({ organisation: '诗社', email: 'poet@x', name: 'x' });
  const statusOf = async (scope: readonly string[]) => {
    const key = await accounts.keys.make(account.id, { name: 'x', models: scope });
    const models = new Map(['m', 'poems'].map((name) => [name, engine]));
    const { app: served } = buildServer({ models, accounts, ledger, apps: { gallery: [tuned], store } });
    const headers = { authorization: `Bearer ${key.text}` };
    const answer = await served.inject({ method: 'POST', url: '/v1/apps/poem', headers, payload: { input: '秋' } });
    await served.close();
    return answer.statusCode;
  };
  assert.equal(await statusOf(['m', 'poems']), 200);
  assert.equal(await statusOf(['m']), 400); // «name one»: two models are served, and none is the only one
});
