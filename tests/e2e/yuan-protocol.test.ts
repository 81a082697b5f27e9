/** Yuan 1.0's own protocol: a client that knows its two addresses, its token and its form of reply alone, against the server. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts, Ledger, type ServerOptions, serve, usageReport } from '@tunan/api';
import { collect } from '@tunan/inference';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
after(close);
const failures: unknown[] = [];
const base: ServerOptions = { models: new Map([['yuan-tiny', engine]]), onFailure: (error) => failures.push(error) };

/** As the original's clients are written: nothing of ours is used. */
class OriginalClient {
  readonly host: string;
  readonly account: string;
  readonly phone: string;
  polls = 0;

  constructor(host: string, account: string, phone: string) {
    this.host = host;
    this.account = account;
    this.phone = phone;
  }

  get headers() {
    const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date());
    return { token: createHash('md5').update(`${this.account}${this.phone}${day}`).digest('hex') };
  }

  async get(route: string, query: Record<string, string | number>, headers: Record<string, string> = this.headers) {
    const values = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const response = await fetch(`${this.host}${route}?${values.join('&')}`, { headers });
    assert.equal(response.status, 200);
    const reply = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(reply), ['flag', 'errCode', 'errMessage', 'exceptionMsg', 'resData']);
    return reply;
  }

  submit(data: string, change: Record<string, string | number> = {}) {
    return this.get('/v1/interface/api/infer/getRequestId', {
      ...{ engine: 'base_10B', account: this.account, data, temperature: 0.9, topP: 0.9, topK: 1 },
      ...{ tokensToGenerate: 12, type: 'api', frequencyPenalty: 1.2, responsePenalty: 1.2, noRepeatNgramSize: 2 },
      ...change,
    });
  }

  async result(requestId: unknown) {
    for (;;) {
      const reply = await this.get('/v1/interface/api/result', { account: this.account, requestId: String(requestId) });
      this.polls++;
      if (reply.flag !== true || reply.resData !== null) return reply;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function served(options: Partial<ServerOptions> = {}, afterwards?: () => Promise<void>) {
  const serving = await serve({ ...base, ...options, port: 0 });
  after(async () => {
    await serving.close();
    await afterwards?.();
  });
  return serving.url;
}

const open = await served({ yuanEngines: new Map([['poems', 'yuan-tiny']]) });

test('ask, wait, read: the text is what the engine writes with the same options', async () => {
  const client = new OriginalClient(open, 'reader', '13800000000');
  const asked = await client.submit('春眠不觉晓');
  assert.match(String(asked.resData), /^[0-9a-f]{32}$/);
  assert.deepEqual(
    { ...asked, resData: null },
    { flag: true, errCode: null, errMessage: null, exceptionMsg: null, resData: null },
  );
  const done = await client.result(asked.resData);
  const same = await collect(
    engine.submit({
      ...{ prompts: ['春眠不觉晓'], maxTokens: 12, temperature: 0.9, topK: 1, topP: 0.9 },
      ...{ frequencyPenalty: 1.2, responsePenalty: 1.2, noRepeatNgramSize: 2 },
    }),
  );
  assert.deepEqual([done.flag, done.resData], [true, same.sequences[0]!.text]);
  assert.deepEqual(await client.result(asked.resData), done, 'it can be read again');
  const other = new OriginalClient(open, 'somebody-else', '1');
  assert.equal((await other.result(asked.resData)).errCode, 'IBASE_REQUEST_NOT_FOUND');
  for (const name of ['poems', 'yuan-tiny', 'dialog']) {
    const { resData } = await client.submit('春', { engine: name });
    assert.equal((await client.result(resData)).flag, true, name);
  }
});

test('while an answer is made the reply is flag true without data', async () => {
  const client = new OriginalClient(open, 'reader', '1');
  const options = { tokensToGenerate: 400, noRepeatNgramSize: 0, temperature: 1, topK: 0 };
  // On a busy machine an answer may be there before it is asked for: not one after another.
  for (let attempt = 0; client.polls <= 1 && attempt < 20; attempt++) {
    const { resData } = await client.submit('春', options);
    client.polls = 0;
    assert.equal((await client.result(resData)).flag, true);
  }
  assert.ok(client.polls > 1, 'a poll came before the end');
});

test('a prompt as long as the original allows stands in the address; what is wrong is told in its form', async () => {
  const client = new OriginalClient(open, 'reader', '1');
  const long = await client.submit('春'.repeat(9_000));
  assert.equal(long.flag, true);
  const refused = await client.result(long.resData);
  assert.deepEqual([refused.flag, refused.errCode, refused.resData], [false, 'IBASE_PARAM_ERROR', null]);
  assert.match(String(refused.exceptionMsg), /tokens/);
  const wrong = await client.submit('春', { temperature: 'hot' });
  assert.deepEqual([wrong.flag, wrong.errCode], [false, 'IBASE_PARAM_ERROR']);
  assert.match(String(wrong.exceptionMsg), /temperature/);
  const none = await client.result('0'.repeat(32));
  assert.equal(none.errCode, 'IBASE_REQUEST_NOT_FOUND');
});

test('where callers need keys, tokens count for listed accounts alone', async () => {
  const closed = await served({ apiKeys: ['k'] });
  const guarded = await served({ apiKeys: ['k'], yuanAccounts: new Map([['reader', '13800000000']]) });
  const denied = { flag: false, errCode: 'IBASE_TOKEN_ERROR', errMessage: 'token验签失败', resData: null };
  const right = new OriginalClient(guarded, 'reader', '13800000000');
  for (const client of [
    new OriginalClient(closed, 'reader', '13800000000'),
    new OriginalClient(closed, 'reader', ''),
    new OriginalClient(guarded, 'reader', '13800000001'),
    new OriginalClient(guarded, 'nobody', ''),
  ]) {
    const { exceptionMsg: _, ...reply } = await client.submit('春');
    assert.deepEqual(reply, denied);
  }
  const { resData } = await right.submit('春');
  assert.equal((await right.result(resData)).flag, true);
  const yesterday = createHash('md5').update(`reader138000000002020-01-01`).digest('hex');
  for (const headers of [{}, { token: '' }, { token: yesterday }]) {
    const query = { account: 'reader', requestId: String(resData) };
    assert.equal((await right.get('/v1/interface/api/result', query, headers)).errCode, 'IBASE_TOKEN_ERROR');
  }
  assert.equal((await fetch(`${guarded}/v1/models`)).status, 401, 'other routes ask for keys as before');
  const guesser = new OriginalClient(guarded, 'reader', 'x');
  for (let i = 0; i < 30; i++) await guesser.submit('春');
  assert.match(String((await right.submit('春')).exceptionMsg), /too many wrong tokens/);
});

test('accounts of the server sign with the telephone number that they gave, and are held to their limits', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-yuan-'));
  after(() => rmSync(folder, { recursive: true }));
  const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
  for (const [name, phone] of [
    ['libai', '13800000000'],
    ['dufu', undefined],
  ] as const) {
    await accounts.members.add({ organisation: 'tang', kind: 'academic', email: `${name}@x.cn`, name, phone });
  }
  const ledger = await Ledger.open(accounts.database);
  const url = await served({ accounts, ledger, yuanAccounts: 'stored' }, async () => {
    await ledger.close();
    await accounts.close();
  });
  const { id } = await accounts.members.find('libai@x.cn');
  await ledger.limits.set({ scope: 'account', subject: id, model: '*', metric: 'requests_per_day', amount: 1 });
  const client = new OriginalClient(url, 'libai@x.cn', '13800000000');
  const { resData } = await client.submit('春');
  assert.equal((await client.result(resData)).flag, true);
  assert.equal((await new OriginalClient(url, 'dufu@x.cn', '').submit('春')).errCode, 'IBASE_TOKEN_ERROR');
  while (ledger.open > 0) await sleep(5);
  const [used] = await usageReport(accounts.database);
  assert.deepEqual([used?.requests, used?.accountId, used?.keyPrefix], [1, id, `yuan:${id}`]);
  assert.ok(used!.completionTokens > 0);
  const over = await client.result((await client.submit('春')).resData);
  assert.deepEqual([over.flag, over.errCode], [false, 'IBASE_LIMIT_ERROR']);
  await accounts.members.suspend('libai@x.cn');
  const suspended = await client.submit('春');
  assert.equal(suspended.errCode, 'IBASE_TOKEN_ERROR');
  assert.match(String(suspended.exceptionMsg), /is suspended/);
  await accounts.members.reinstate('libai@x.cn');
  assert.equal((await client.submit('春')).flag, true);
  await accounts.members.remove('libai@x.cn');
  assert.equal((await client.submit('春')).errCode, 'IBASE_TOKEN_ERROR');
  assert.deepEqual(failures, []);
});
