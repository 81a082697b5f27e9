/** A server of ours in front of two of ours that run one model: as one, while one of them stops, and with conversations. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts, buildServer, type Serving, serve } from '@tunan/api';
import { collect, openEngine, RemoteEngine, TorchEngine } from '@tunan/inference';
import { chatCompletionSchema, completionSchema, type Usage } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, model, tokenizer, close } = await tinyEngine();
const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-workers-'));
{
  const tokenizerFile = path.join(directory, 'trained.json');
  tokenizer.save(tokenizerFile);
  model.save(directory, { tokenizerFile });
  writeFileSync(
    path.join(directory, 'chat_template.jinja'),
    '{% for message in messages %}{{ message.role }}：{{ message.content }}\n{% endfor %}assistant：',
  );
}
const other = TorchEngine.load(directory);
after(() => {
  close();
  other.close();
  rmSync(directory, { recursive: true });
});

/** Two servers behind, one of which has a chat template, and one in front. */
async function threeServers(
  use: (servers: { behind: Serving[]; front: Serving }) => Promise<void>,
  engines = [other, other],
) {
  const behind = await Promise.all(engines.map((one) => serve({ models: new Map([['m', one]]), port: 0 })));
  const source = behind.map(({ url }) => `${url}/v1`).join(',');
  const { engine: remote, name } = await openEngine(source, { remote: { checkSeconds: 0.2 } });
  const front = await serve({ models: new Map([[name, remote]]), port: 0, onFailure: () => undefined });
  try {
    await use({ behind, front });
  } finally {
    remote.close();
    await Promise.all([front, ...behind].map((server) => server.close()));
  }
}

async function post(url: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}
const complete = (url: string, body: object) => post(`${url}/v1/completions`, body);
const chat = (url: string, body: object) => post(`${url}/v1/chat/completions`, body);

/** What a prefix cache had depends on who asked before. */
const counted = (usage: Usage | null | undefined) => usage && { ...usage, prompt_tokens_details: undefined };

test('one of two stops in the middle: what it has begun it finishes, and everybody is answered', () =>
  threeServers(async ({ behind, front }) => {
    const body = { prompt: '春', max_tokens: 60, seed: 3, logit_bias: { [tokenizer.eod]: -100 } };
    const asked = Array.from({ length: 8 }, () => complete(front.url, body));
    await Promise.race(asked);
    const stopping = behind[0]!.close();
    const later = Array.from({ length: 8 }, () => complete(front.url, body));
    const texts = new Set<string>();
    for (const response of await Promise.all([...asked, ...later])) {
      assert.equal(response.status, 200);
      texts.add(completionSchema.parse(await response.json()).choices[0]!.text);
    }
    assert.equal(texts.size, 1);
    await stopping;
  }));

test('a conversation in front is one behind: whole, in parts, with the usage', () =>
  threeServers(async ({ behind, front }) => {
    const body = {
      messages: [
        { role: 'system', content: '你是诗人。' },
        { role: 'user', content: [{ type: 'text', text: '写一句' }] },
      ],
      max_tokens: 20,
      temperature: 0,
      repetition_penalty: 1.1,
    };
    const whole = async (url: string) => {
      const { choices, usage } = chatCompletionSchema.parse(await (await chat(url, body)).json());
      return { choices, usage: counted(usage) };
    };
    assert.deepEqual(await whole(front.url), await whole(behind[0]!.url));
    const parts = async (url: string) => {
      const response = await chat(url, { ...body, stream: true, stream_options: { include_usage: true } });
      const events = (await response.text()).trim().split('\n\n');
      return events.map((line) => {
        const data = line.slice('data: '.length);
        if (data === '[DONE]') return data;
        const { choices, usage } = JSON.parse(data);
        return { choices, usage: counted(usage) };
      });
    };
    const answer = await parts(front.url);
    assert.deepEqual(answer, await parts(behind[1]!.url));
    assert.equal(answer.at(-1), '[DONE]');
  }));

test('a base model behind answers conversations in the plain form', () =>
  threeServers(
    async ({ front }) => {
      const asked = { messages: [{ role: 'user', content: '好' }], temperature: 0, max_tokens: 8 };
      const { choices } = chatCompletionSchema.parse(await (await chat(front.url, asked)).json());
      const plain = { prompts: ['用户：好\n助手：'], beginDocument: true, stop: ['\n用户：'] };
      const { sequences } = await collect(engine.submit({ ...plain, temperature: 0, maxTokens: 8 }));
      assert.equal(choices[0]!.message.content, sequences[0]!.text);
    },
    [engine, engine],
  ));

test('a server behind that has no conversations says so', async () => {
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void response.end('{"data":[{"id":"m"}]}');
    request.resume();
    response.statusCode = 404;
    response.end('{"error":{"message":"no such address","code":"unknown_url"}}');
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  using remote = await RemoteEngine.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
  const messages = [{ role: 'user', content: '好' }];
  await assert.rejects(collect(remote.submit({ prompts: [], messages })), {
    option: 'model',
    message: /it continues texts: call POST \/v1\/completions/,
  });
  server.closeAllConnections();
  server.close();
});

test('log-probabilities of a conversation come in the form that all engines have', async () => {
  const bodies: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') return void response.end('{"data":[{"id":"m","owned_by":"vllm"}]}');
    bodies.push(JSON.parse(await text(request)));
    response.setHeader('content-type', 'text/event-stream');
    const top = [
      { token: '花', logprob: -0.5, bytes: null },
      { token: '月', logprob: -1.5 },
    ];
    for (const part of [
      { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
      {
        choices: [
          {
            index: 0,
            delta: { content: '花' },
            logprobs: { content: [{ token: '花', logprob: -0.5, top_logprobs: top }] },
          },
        ],
      },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } },
    ])
      response.write(`data: ${JSON.stringify(part)}\n\n`);
    response.end('data: [DONE]\n\n');
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  using remote = await RemoteEngine.connect(`http://127.0.0.1:${port}/v1`);
  const messages = [{ role: 'user', content: '好' }];
  const { sequences, usage } = await collect(remote.submit({ prompts: [], messages, logprobs: 2, topK: 5 }));
  const { promptTokens, completionTokens } = usage;
  assert.deepEqual([promptTokens, completionTokens], [9, 2]);
  const [{ text: said, tokens }] = sequences as [(typeof sequences)[number]];
  assert.equal(said, '花');
  assert.deepEqual(tokens, [
    {
      ...{ id: undefined, text: '花', offset: 0, logprob: -0.5, rank: undefined },
      alternatives: [
        { id: undefined, text: '花', logprob: -0.5 },
        { id: undefined, text: '月', logprob: -1.5 },
      ],
    },
  ]);
  const { messages: sent, logprobs, top_logprobs, top_k, prompt } = bodies[0]!;
  assert.deepEqual([sent, logprobs, top_logprobs, top_k, prompt], [messages, true, 2, 5, undefined]);
  server.closeAllConnections();
  server.close();
});

interface Answer {
  readonly data?: readonly { readonly url: string; readonly state: string }[];
  readonly state?: string;
  readonly error?: { readonly param: string; readonly message: string };
}

test('the operator sees workers, takes one out while it streams, and puts it back', async () => {
  const behind = await Promise.all([other, other].map((one) => serve({ models: new Map([['m', one]]), port: 0 })));
  const [first, second] = behind.map(({ url }) => `${url}/v1`);
  const { engine: remote } = await openEngine(`${first},${second}`);
  const front = await serve({ models: new Map([['m', remote]]), port: 0, adminKey: 'secret' });
  const asked = async (method: string, place: string, body?: object, key = 'secret') => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`${front.url}/admin/workers${place}`, init);
    return { status: response.status, answer: (await response.json()) as Answer };
  };
  const states = async () => (await asked('GET', '')).answer.data!.map(({ url, state }) => [url, state]);
  try {
    assert.equal((await asked('GET', '', undefined, 'wrong')).status, 401);
    assert.deepEqual(await states(), [
      [first, 'up'],
      [second, 'up'],
    ]);
    const streaming = { prompt: '春', max_tokens: 60, stream: true, seed: 3, logit_bias: { [tokenizer.eod]: -100 } };
    const streams = await Promise.all([1, 2].map(() => complete(front.url, streaming)));
    const drained = await asked('POST', '/drain', { model: 'm', url: first });
    assert.deepEqual([drained.status, drained.answer.state], [202, 'draining']);
    const texts = await Promise.all(streams.map((response) => response.text()));
    assert.ok(texts.every((each) => each.endsWith('data: [DONE]\n\n')));
    for (let turn = 0; (await states()).length > 1; turn++) {
      assert.ok(turn < 500, 'it has not gone');
      await sleep(10);
    }
    await behind[0]!.close();
    assert.equal((await complete(front.url, { prompt: '春', max_tokens: 2 })).status, 200);
    const gone = await asked('POST', '/drain', { model: 'm', url: first });
    assert.deepEqual([gone.status, gone.answer.error?.param], [404, 'url']);
    assert.match(gone.answer.error!.message, new RegExp(`there are ${second}$`));
    assert.equal((await asked('POST', '', { model: 'x', url: first })).status, 404);
    assert.equal((await asked('POST', '', { model: 'm', url: second })).status, 409);
    const added = await asked('POST', '', { model: 'm', url: first });
    assert.deepEqual([added.status, added.answer.state], [201, 'down'], 'it is closed');
  } finally {
    remote.close();
    await Promise.all([front, behind[1]!].map((server) => server.close()));
  }
});

test('where accounts are on an admin does it, with a key that may do everything', async () => {
  await using accounts = await Accounts.open(path.join(directory, 'accounts.sqlite'));
  const { id: adminId, organisation } = (await accounts.members.addFirstAdmin())!.account;
  const user = await accounts.members.add({ email: 'a@b.example', name: 'a', organisation });
  const { app } = buildServer({ models: new Map([['m', engine]]), accounts, adminKey: 'secret' });
  const statusWith = async (key: string | undefined) => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return (await app.inject({ url: '/admin/workers', headers })).statusCode;
  };
  const { text: whole } = await accounts.keys.make(adminId, { name: 'whole' });
  const { text: narrow } = await accounts.keys.make(adminId, { name: 'narrow', routes: ['completions'] });
  const { text: users } = await accounts.keys.make(user.account.id, { name: 'user' });
  const statuses = await Promise.all([undefined, 'secret', whole, narrow, users].map(statusWith));
  assert.deepEqual(statuses, [401, 401, 200, 403, 403]);
  await app.close();
  const { app: open } = buildServer({ models: new Map([['m', engine]]) });
  assert.equal((await open.inject({ url: '/admin/workers' })).statusCode, 404);
  await open.close();
});
