/** Files and batches: from a file of requests to a file of answers, across a restart, cancelled, and held to whose they are. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Accounts, BatchStore, Ledger, type ServerOptions, serve, usageReport } from '@tunan/api';
import type { Batch, StoredFile } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, tokenizer, close } = await tinyEngine();
after(close);
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-batches-'));
after(() => rmSync(folder, { recursive: true }));
const failures: unknown[] = [];
const base: ServerOptions = {
  models: new Map([['yuan-tiny', engine]]),
  onFailure: (error) => void failures.push(error),
};

/** A server over a folder, and how it is asked. */
async function open(place: string, options: Partial<ServerOptions> = {}, key?: string) {
  const store = new BatchStore(path.join(folder, place));
  const serving = await serve({ ...base, ...options, batches: store, port: 0, drainMilliseconds: 200 });
  const ask = async (method: string, url: string, body?: object | FormData, as = key) => {
    const isForm = body instanceof FormData;
    const response = await fetch(serving.url + url, {
      method,
      headers: {
        ...(as !== undefined && { authorization: `Bearer ${as}` }),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined };
  };
  const upload = async (content: string, as = key): Promise<StoredFile> => {
    const form = new FormData();
    form.set('purpose', 'batch');
    form.set('file', new File([content], '../in\u0000put.jsonl'));
    const { status, json, text } = await ask('POST', '/v1/files', form, as);
    assert.equal(status, 200, text);
    return json;
  };
  const begin = async (file: StoredFile, endpoint = '/v1/completions', as = key): Promise<Batch> =>
    (await ask('POST', '/v1/batches', { input_file_id: file.id, endpoint, completion_window: '24h' }, as)).json;
  const ended = async (id: string, as = key): Promise<Batch> => {
    for (;;) {
      const { json } = await ask('GET', `/v1/batches/${id}`, undefined, as);
      if (json.status !== 'in_progress' && json.status !== 'cancelling') return json;
      await pause(10);
    }
  };
  const lines = async (id: string | null) =>
    (await ask('GET', `/v1/files/${id}/content`)).text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const stop = async () => {
    await serving.close();
    store[Symbol.dispose]();
  };
  return { ask, upload, begin, ended, lines, stop };
}

const NO_END = { [tokenizer.eod]: -100 };
const line = (id: string, body: object = {}, url = '/v1/completions') =>
  `${JSON.stringify({ custom_id: id, method: 'POST', url, body: { prompt: id, max_tokens: 4, temperature: 0, logit_bias: NO_END, ...body } })}\n`;

test('answers are those of the route, the good ones in one file and the others in another', async () => {
  const { ask, upload, begin, ended, lines, stop } = await open('answers');
  const file = await upload(line('春') + line('夏', { temperature: 9 }) + line('秋'));
  assert.deepEqual([file.filename, file.purpose], ['../input.jsonl', 'batch']);
  const batch = await ended((await begin(file)).id);
  assert.deepEqual([batch.status, batch.request_counts], ['completed', { total: 3, completed: 2, failed: 1 }]);
  const good = await lines(batch.output_file_id);
  assert.deepEqual(good.map(({ custom_id }) => custom_id).sort(), ['春', '秋'].sort());
  for (const { custom_id, response } of good) {
    const direct = await ask('POST', '/v1/completions', {
      prompt: custom_id,
      max_tokens: 4,
      temperature: 0,
      logit_bias: NO_END,
    });
    assert.equal(response.body.choices[0].text, direct.json.choices[0].text);
  }
  const [bad] = await lines(batch.error_file_id);
  assert.deepEqual(
    [bad.custom_id, bad.response.status_code, bad.response.body.error.param],
    ['夏', 400, 'temperature'],
  );
  const chats = await upload(line('a', { messages: [{ role: 'user', content: '春' }] }, '/v1/chat/completions'));
  const chat = await ended((await begin(chats, '/v1/chat/completions')).id);
  assert.equal((await lines(chat.output_file_id))[0].response.body.object, 'chat.completion');
  assert.equal((await ask('GET', '/v1/batches')).json.data.length, 2);
  assert.equal((await ask('DELETE', `/v1/files/${file.id}`)).json.deleted, true);
  assert.equal((await ask('GET', `/v1/files/${file.id}`)).status, 404);
  await stop();
});

test('a file with a wrong line does not begin, and each wrong line is told', async () => {
  const { ask, upload, begin, stop } = await open('wrong');
  const wrong = `${line('a')}{"custom_id"\n${line('a')}${line('b', { stream: true })}${line('c', {}, '/v1/embeddings')}`;
  const batch = await begin(await upload(wrong));
  assert.equal(batch.status, 'failed');
  assert.deepEqual(
    batch.errors!.data.map(({ line, code }) => [line, code]),
    [
      [2, 'invalid_line'],
      [3, 'duplicate_custom_id'],
      [4, 'invalid_line'],
      [5, 'invalid_line'],
    ],
  );
  assert.equal((await ask('POST', '/v1/files', { file: 'x' })).status, 400);
  assert.equal((await ask('POST', '/v1/files', new FormData())).status, 400);
  assert.equal((await ask('POST', '/v1/completions', new FormData())).status, 415);
  assert.equal((await ask('GET', '/v1/files/..%2Flock')).status, 404);
  await stop();
});

test('a batch goes on after a restart: what was answered is not asked again', async () => {
  const ids = Array.from({ length: 40 }, (_, place) => `n${place}`);
  const first = await open('restart');
  const { id } = await first.begin(await first.upload(ids.map((one) => line(one, { max_tokens: 60 })).join('')));
  for (;;) {
    const { json } = await first.ask('GET', `/v1/batches/${id}`);
    if (json.request_counts.completed > 0) break;
    await pause(2);
  }
  await first.stop();
  const kept = path.join(folder, 'restart/batches');
  const answers = readdirSync(kept).find((name) => name.endsWith('.jsonl'))!;
  // As a killed process leaves it.
  appendFileSync(path.join(kept, answers), '{"id":"batch_req_');
  const second = await open('restart');
  const batch = await second.ended(id);
  assert.deepEqual([batch.status, batch.request_counts], ['completed', { total: 40, completed: 40, failed: 0 }]);
  const given = (await second.lines(batch.output_file_id)).map(({ custom_id }) => custom_id);
  assert.deepEqual(given.sort(), ids.sort());
  assert.throws(() => new BatchStore(path.join(folder, 'restart')), { code: 'API_DATA_FOLDER' });
  await second.stop();
});

test('a batch that is cancelled keeps what it has, and others are answered meanwhile', async () => {
  const { ask, upload, begin, ended, stop } = await open('cancel');
  const many = Array.from({ length: 200 }, (_, place) => line(`n${place}`, { max_tokens: 300 }));
  const file = await upload(many.join(''));
  const { id } = await begin(file);
  assert.equal((await ask('DELETE', `/v1/files/${file.id}`)).status, 409);
  assert.equal((await ask('POST', '/v1/completions', { prompt: '春', max_tokens: 2 })).status, 200);
  assert.equal((await ask('POST', `/v1/batches/${id}/cancel`)).json.status, 'cancelling');
  const batch = await ended(id);
  assert.equal(batch.status, 'cancelled');
  assert.ok(batch.request_counts.completed < 200);
  assert.equal((await ask('POST', `/v1/batches/${id}/cancel`)).status, 409);
  await stop();
});

test('with accounts: of the own organisation, counted for the key, within its scopes, and ended with it', async () => {
  const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2, environment: {} });
  const ledger = await Ledger.open(accounts.database);
  const key = async (organisation: string, more: object = {}, name = organisation) => {
    const { account } = await accounts.members.add({ organisation, email: `${name}@x`, name });
    return await accounts.keys.make(account.id, { name, ...more });
  };
  const [own, other, narrow] = [
    await key('own'),
    await key('other'),
    await key('narrow', { routes: ['files', 'batches'] }),
  ];
  const { ask, upload, begin, ended, stop } = await open('accounts', { accounts, ledger }, own.text);
  const file = await upload(line('春') + line('夏'));
  assert.equal((await ask('GET', `/v1/files/${file.id}`, undefined, other.text)).status, 404);
  assert.equal((await ask('GET', '/v1/files', undefined, other.text)).json.data.length, 0);
  const batch = await ended((await begin(file)).id);
  assert.equal(batch.status, 'completed');
  assert.equal((await ask('GET', `/v1/batches/${batch.id}`, undefined, other.text)).status, 404);
  while (ledger.open > 0) await pause(5);
  const [used] = await usageReport(accounts.database, { keyId: own.key.id });
  assert.deepEqual([used!.requests, used!.completionTokens], [2, 8]);
  const refused = await begin(await upload(line('春'), narrow.text), '/v1/completions', narrow.text);
  assert.equal((refused as unknown as { error: { code: string } }).error.code, 'forbidden');
  const long = await upload(
    Array.from({ length: 200 }, (_, place) => line(`n${place}`, { max_tokens: 300 })).join(''),
    other.text,
  );
  const { id } = await begin(long, '/v1/completions', other.text);
  await accounts.keys.revoke(other.key.id);
  const again = await accounts.keys.make(other.key.accountId, { name: 'again' });
  const cut = await ended(id, again.text);
  assert.equal(cut.status, 'failed');
  assert.match(cut.errors!.data[0]!.message, /revoked/);

  const colleague = await key('other', {}, 'colleague');
  const { id: second } = await begin(long, '/v1/completions', again.text);
  await accounts.members.suspend(again.key.accountId);
  const ceased = await ended(second, colleague.text);
  assert.equal(ceased.status, 'failed');
  assert.match(ceased.errors!.data[0]!.message, /the account is suspended/);
  await stop();
  await ledger.close();
  await accounts.close();
  assert.deepEqual(failures, []);
});
