/** Limits and the ledger over HTTP with a real engine: headers, refusals, cut streams, engines that refuse and fail. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts, Ledger, type Limit, serve, usageReport } from '@tunan/api';
import { type Engine, type Generation, InferenceError, TorchEngine } from '@tunan/inference';
import {
  type Completion,
  errorBodySchema,
  limitListSchema,
  limitStateListSchema,
  sessionSchema,
  usageListSchema,
} from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, model, tokenizer, close } = await tinyEngine();
after(close);
/** One sequence runs, none waits. */
const narrow = new TorchEngine(model, tokenizer, { batchSize: 1, waitingSize: 1 });
after(() => narrow.close());

/** The engine, but every answer breaks after some chunks. */
function breaking(after: number): Engine {
  const submit: Engine['submit'] = (request, signal) => {
    const inner = engine.submit(request, signal);
    async function* broken() {
      let chunks = 0;
      for await (const chunk of inner) {
        if (chunks++ === after) throw new InferenceError('INFERENCE_UPSTREAM_DOWN', { en: 'it broke', zh: '已中断' });
        yield chunk;
      }
    }
    const generation: Generation = {
      accepted: inner.accepted,
      seed: undefined,
      get usage() {
        return inner.usage;
      },
      [Symbol.asyncIterator]: broken,
    };
    return generation;
  };
  return { ...engineFields(), submit };
}

const engineFields = (): Engine => ({
  ...{ kind: 'torch', device: 'cpu', contextLength: engine.contextLength, prefixCache: undefined },
  occupancy: { running: 0, waiting: 0 },
  measure: (request) => engine.measure(request),
  ...{ submit: engine.submit.bind(engine), close: () => undefined, [Symbol.dispose]: () => undefined },
});

const folder = mkdtempSync(path.join(tmpdir(), 'tunan-quotas-'));
after(() => rmSync(folder, { recursive: true }));
const place = path.join(folder, 'accounts.sqlite');
const accounts = await Accounts.open(place, { passwordCost: 2, environment: {} });
const ledger = await Ledger.open(accounts.database);
const models = new Map<string, Engine>([
  ['yuan-tiny', engine],
  ['narrow', narrow],
  ['breaks-late', breaking(3)],
  ['breaks-early', breaking(0)],
]);
const serving = await serve({ models, accounts, ledger, port: 0, onFailure: () => undefined });
after(async () => {
  await serving.close();
  await ledger.close();
  await accounts.close();
});

/** A key of an organisation of its own. */
let people = 0;
async function newKey() {
  const n = ++people;
  const { account } = await accounts.members.add({ organisation: `org-${n}`, email: `${n}@x`, name: 'x' });
  const { key, text } = await accounts.keys.make(account.id, { name: 'x' });
  const limit = (metric: Limit['metric'], amount: number) =>
    ledger.limits.set({ scope: 'key', subject: key.id, model: '*', metric, amount });
  const used = async () => {
    const rows = await usageReport(accounts.database, { keyId: key.id });
    const sum = (of: 'requests' | 'promptTokens' | 'completionTokens') => rows.reduce((all, row) => all + row[of], 0);
    return [sum('requests'), sum('promptTokens'), sum('completionTokens')];
  };
  return { text, id: key.id, account, limit, used };
}

const NO_END = { [tokenizer.eod]: -100 };
const PROMPT = '春眠不觉晓，';
const promptTokens = tokenizer.encode(PROMPT).length;
const body = (more: object = {}) => ({
  model: 'yuan-tiny',
  prompt: PROMPT,
  max_tokens: 8,
  logit_bias: NO_END,
  ...more,
});

async function post(key: string, more: object = {}, signal?: AbortSignal): Promise<Response> {
  return await fetch(`${serving.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body(more)),
    ...(signal && { signal }),
  });
}

const errorOf = async (response: Response) => errorBodySchema.parse(await response.json()).error;

/** When no request is open any more; a minute is far more than any takes whose database answers. */
async function settled(): Promise<void> {
  const end = Date.now() + 60_000;
  while (ledger.open > 0) {
    assert.ok(Date.now() < end, `${ledger.open} requests stay open`);
    await sleep(5);
  }
}

test('an answer is counted by the engine: prompt once, every sequence, whole and streamed alike', async () => {
  const { text, used, limit } = await newKey();
  await limit('tokens_per_day', 1000);
  const whole = await post(text, { n: 2 });
  const { usage } = (await whole.json()) as Completion;
  assert.deepEqual([usage?.prompt_tokens, usage?.completion_tokens], [promptTokens, 16]);
  assert.equal(whole.headers.get('x-ratelimit-limit-tokens'), '1000');
  assert.equal(whole.headers.get('x-ratelimit-remaining-tokens'), String(1000 - promptTokens - 16));
  assert.match(whole.headers.get('x-ratelimit-reset-tokens') ?? '', /^(\d+h)?\d+m\d+s$/);
  assert.equal(whole.headers.get('x-ratelimit-limit-requests'), '30000');
  assert.equal(whole.headers.get('x-ratelimit-remaining-requests'), '29999');
  await settled();
  assert.deepEqual(await used(), [1, promptTokens, 16]);
  const streamed = await post(text, { stream: true });
  assert.equal(streamed.headers.get('x-ratelimit-remaining-requests'), '29998');
  await streamed.text();
  await settled();
  assert.deepEqual(await used(), [2, 2 * promptTokens, 24]);
  const best = await post(text, { best_of: 3, echo: true, logprobs: 0 });
  assert.equal(best.status, 200);
  await settled();
  const [requests] = await used();
  assert.equal(requests, 3, 'the second part of a request is no second request');
});

test('a stream that its client leaves is billed for what was produced, and its place is free again', async () => {
  const { text, used, limit } = await newKey();
  await limit('concurrent_requests', 1);
  const leave = new AbortController();
  const response = await post(text, { stream: true, max_tokens: 400 }, leave.signal);
  const reader = response.body!.getReader();
  let received = 0;
  while (received < 5) received += new TextDecoder().decode((await reader.read()).value).split('data: ').length - 1;
  const second = await post(text);
  assert.equal(second.status, 429);
  assert.equal(second.headers.get('retry-after'), '1');
  const error = await errorOf(second);
  assert.deepEqual([error.type, error.code], ['requests', 'rate_limit_exceeded']);
  assert.match(error.message, /^the limit of the key, 1 requests at once, is reached/);
  leave.abort();
  await settled();
  const [requests, prompt, completion] = await used();
  assert.deepEqual([requests, prompt], [1, promptTokens]);
  assert.ok(completion! >= received && completion! < 400, `${completion} tokens billed, ${received} events received`);
  assert.equal((await post(text)).status, 200);
});

test('requests at once do not pass a limit, through HTTP either', async () => {
  const { text, used, limit } = await newKey();
  const one = promptTokens + 8;
  await limit('tokens_per_month', 3 * one);
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(text)));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [...Array(3).fill(200), ...Array(9).fill(429)]);
  for (const answer of answers) await answer.text();
  await settled();
  const refused = await post(text);
  assert.equal(refused.headers.get('x-should-retry'), 'false');
  const error = await errorOf(refused);
  assert.deepEqual([error.type, error.code], ['insufficient_quota', 'insufficient_quota']);
  assert.deepEqual(await used(), [3, 3 * promptTokens, 24]);
  const chinese = await fetch(`${serving.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${text}`, 'accept-language': 'zh-CN' },
    body: JSON.stringify(body({ max_tokens: 500 })),
  });
  assert.match(
    (await errorOf(chinese)).message,
    /^该请求最多需要 \d+ 个词元，超过密钥的限额（每月 \d+ 个词元）：请缩短提示，或减小 max_tokens 与 n$/,
  );
});

test('what the engine refuses is not counted; what breaks is, as far as it came', async () => {
  const { text, used } = await newKey();
  assert.equal((await post(text, { max_tokens: -1 })).status, 400);
  assert.equal((await post(text, { prompt: '春'.repeat(3000) })).status, 400);
  assert.equal((await post(text, { logit_bias: { 5000: 1 } })).status, 400);
  assert.equal((await post(text, { model: 'narrow', n: 5 })).status, 400);
  assert.equal((await post(text, { model: 'breaks-early' })).status, 502);
  await settled();
  const [requests, , completion] = await used();
  // The engine may have produced tokens before its answer broke; without any nothing is counted.
  assert.ok(requests === (completion === 0 ? 0 : 1));
  const before = await used();
  const broken = await post(text, { model: 'breaks-late', stream: true });
  const stream = await broken.text();
  assert.match(stream, /"error"/);
  await settled();
  const tokens = stream.split('data: ').length - 2;
  const afterwards = await used();
  assert.ok(afterwards[2]! - before[2]! >= tokens - 1 && afterwards[2]! - before[2]! <= 8);
});

test('an engine whose queue is full: the refused are not counted', async () => {
  const { text, used } = await newKey();
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(text, { model: 'narrow', max_tokens: 100 })));
  const through = answers.filter(({ status }) => status === 200).length;
  assert.ok(answers.every(({ status }) => status === 200 || status === 503) && through >= 1);
  for (const answer of answers) await answer.text();
  await settled();
  assert.deepEqual(await used(), [through, through * promptTokens, through * 100]);
});

test('a database that goes away: 503, and answers again when it is back', async () => {
  const { text, used } = await newKey();
  assert.equal((await post(text)).status, 200);
  renameSync(place, `${place}.away`);
  // Back before anything is asserted: the tests that follow need it, whatever this one finds.
  const refused = await post(text).finally(() => renameSync(`${place}.away`, place));
  assert.equal(refused.status, 503);
  const error = await errorOf(refused);
  assert.deepEqual([error.code, refused.headers.get('retry-after')], ['storage_unavailable', '1']);
  assert.ok(!error.message.includes(folder), 'where it lies is not told');
  assert.equal((await post(text)).status, 200);
  await settled();
  assert.deepEqual(await used(), [2, 2 * promptTokens, 16]);
});

test('limits and usage below /accounts: own ones for everyone, the table for admins', async () => {
  const admin = (await accounts.members.addFirstAdmin())!;
  const { text, account, id } = await newKey();
  await post(text);
  await settled();
  const { password } = await accounts.members.reset(account.id);
  const signIn = async (email: string, secret: string) => {
    const response = await fetch(`${serving.url}/accounts/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: secret }),
    });
    const { csrf_token: csrf } = sessionSchema.parse(await response.json());
    return { cookie: response.headers.get('set-cookie')!.split(';')[0]!, 'x-csrf-token': csrf };
  };
  const own = await signIn(account.email, password);
  const get = (url: string, headers: Record<string, string>) => fetch(`${serving.url}/accounts/${url}`, { headers });
  const [quarter] = limitStateListSchema.parse(await (await get('limits', own)).json()).data;
  assert.deepEqual([quarter?.metric, quarter?.amount, quarter?.used], ['requests_per_quarter', 30_000, 1]);
  const usage = usageListSchema.parse(await (await get('usage?organisation=org-1', own)).json());
  assert.deepEqual(usage.total, { requests: 1, prompt_tokens: promptTokens, completion_tokens: 8 });
  assert.ok(usage.data.every(({ organisation }) => organisation === account.organisation));
  const csv = await get('usage?format=csv', own);
  assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.match(
    await csv.text(),
    /^day,organisation,account,.*\r\n\d{4}-\d\d-\d\d,org-\d+,acc_\w+,sk-tunan-\w{8},x,yuan-tiny,1,\d+,8,\d+\r\n$/,
  );
  const ofOne = usageListSchema.parse(await (await get(`usage?key=${id}&from=2026-01-01`, own)).json());
  assert.equal(ofOne.total.requests, 1);
  for (const wrong of ['from=yesterday', 'format=xml'])
    assert.equal((await get(`usage?${wrong}`, own)).status, 400, wrong);
  assert.equal((await get('keys?account=%00', own)).status, 200);
  assert.equal((await get('limits/table', own)).status, 403);
  const boss = await signIn(admin.account.email, admin.password);
  const line = {
    scope: 'organisation',
    subject: account.organisationId,
    model: '*',
    metric: 'requests_per_day',
    amount: 1,
  };
  const put = (change: object) =>
    fetch(`${serving.url}/accounts/limits/table`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...boss },
      body: JSON.stringify({ ...line, ...change }),
    });
  assert.equal((await put({})).status, 200);
  assert.equal((await post(text)).status, 200, 'counted from the moment the limit is set');
  assert.equal((await post(text)).status, 429);
  for (const wrong of [{ amount: -1 }, { amount: 2 ** 60 }, { amount: 0.5 }, { metric: 'euros' }]) {
    const response = await put(wrong);
    assert.equal(response.status, 400, JSON.stringify(wrong));
    assert.equal((await errorOf(response)).code, 'invalid_value');
  }
  assert.ok(limitListSchema.parse(await (await get('limits/table', boss)).json()).data.length >= 2);
});

test('embeddings count their tokens, and are refused when there are none left', async () => {
  const { text, used, limit } = await newKey();
  await limit('tokens_per_day', promptTokens + 2);
  const embed = () =>
    fetch(`${serving.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${text}` },
      body: JSON.stringify({ model: 'yuan-tiny', input: PROMPT }),
    });
  const first = await embed();
  assert.deepEqual([first.status, first.headers.get('x-ratelimit-remaining-tokens')], [200, '2']);
  await settled();
  assert.deepEqual(await used(), [1, promptTokens, 0]);
  assert.equal((await errorOf(await embed())).code, 'insufficient_quota');
  assert.deepEqual(await used(), [1, promptTokens, 0]);
});
