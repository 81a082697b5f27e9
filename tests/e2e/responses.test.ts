/** `/v1/responses`: the same answers as chat, whole and as events; what is kept of them, for whom, and how long. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { buildServer, ResponseFolder, ResponseMemory, Safety } from '@tunan/api';
import { errorBodySchema, inputItemListSchema, responseSchema } from '@tunan/protocol';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
const { app } = buildServer({ models: new Map([['yuan-tiny', engine]]) });
after(close);

const ask = (url: string, payload: object) => app.inject({ method: 'POST', url, payload });
const respond = (change: object) =>
  ask('/v1/responses', { input: '春', temperature: 0, max_output_tokens: 8, ...change });

const talk = [
  { role: 'system', content: '你是诗人。' },
  { role: 'user', content: '春' },
  { role: 'assistant', content: '晓' },
  { role: 'user', content: '夏' },
];

test('the answer is that of chat', async () => {
  const input = [
    { role: 'user', content: [{ type: 'input_text', text: '春' }] },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: '晓', annotations: [] }] },
    { role: 'user', content: '夏' },
  ];
  const answer = await respond({ instructions: '你是诗人。', input, metadata: { a: 'b' } });
  assert.equal(answer.statusCode, 200, answer.body);
  assert.equal(answer.headers['x-chat-template'], 'plain');
  const body = responseSchema.parse(answer.json());
  const chat = (await ask('/v1/chat/completions', { messages: talk, temperature: 0, max_tokens: 8 })).json();
  const [message] = body.output;
  assert.equal(message!.content[0]!.text, chat.choices[0].message.content);
  assert.equal(body.usage!.output_tokens, chat.usage.completion_tokens);
  const isCut = chat.choices[0].finish_reason === 'length';
  assert.equal(body.status, isCut ? 'incomplete' : 'completed');
  assert.deepEqual(body.incomplete_details, isCut ? { reason: 'max_output_tokens' } : null);
  assert.deepEqual(body.metadata, { a: 'b' });
});

test('as events: named, numbered, the text bit by bit, the whole at the end', async () => {
  const whole = responseSchema.parse((await respond({})).json());
  const { payload } = await respond({ stream: true });
  assert.doesNotMatch(payload, /\[DONE\]/);
  const events = payload
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(event)!;
      const part = JSON.parse(data!);
      assert.equal(part.type, name);
      return part;
    });
  assert.deepEqual(
    events.map(({ sequence_number }) => sequence_number),
    events.map((_, place) => place),
  );
  const names = events.map(({ type }) => type).filter((type) => type !== 'response.output_text.delta');
  assert.deepEqual(names, [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    `response.${whole.status}`,
  ]);
  const text = events.map(({ type, delta }) => (type === 'response.output_text.delta' ? delta : '')).join('');
  assert.equal(text, whole.output[0]!.content[0]!.text);
  const last = responseSchema.parse(events.at(-1).response);
  assert.equal(last.output[0]!.content[0]!.text, text);
  assert.equal(last.usage!.output_tokens, whole.usage!.output_tokens);
});

test('a schema is satisfied, and what needs memory or a schema that cannot be had is refused', async () => {
  const schema = { type: 'object', properties: { n: { type: 'integer', maximum: 9 } }, required: ['n'] };
  const format = { type: 'json_schema', name: 'n', schema };
  const answer = responseSchema.parse(
    (await respond({ text: { format }, max_output_tokens: 60, temperature: 1 })).json(),
  );
  assert.ok(Number.isInteger(JSON.parse(answer.output[0]!.content[0]!.text).n));
  for (const [change, param, message] of [
    [{ previous_response_id: 'resp_1' }, 'previous_response_id', /this server keeps no responses/],
    [{ conversation: 'conv_1' }, 'conversation', /not kept here/],
    [{ background: true }, 'background', /while the caller waits/],
    [{ input: 3 }, 'input', /a text, or a list of messages/],
    [{ text: { format: { type: 'json_schema', schema: { not: {} } } } }, 'response_format', /'not' is not supported/],
  ] as const) {
    const response = await respond(change);
    const { error } = errorBodySchema.parse(response.json());
    assert.deepEqual([response.statusCode, error.param], [400, param], error.message);
    assert.match(error.message, message);
  }
  const tools = await respond({ tools: [{ type: 'web_search' }] });
  assert.deepEqual([tools.statusCode, tools.headers['x-ignored-fields']], [200, 'tools']);
});

const folder = mkdtempSync(path.join(tmpdir(), 'tunan 应答-'));
after(() => rmSync(folder, { recursive: true }));
const noTrouble = (error: unknown) => assert.fail(String(error));

/** Seconds that the stores believe in have passed. */
let passed = 0;
const now = () => Date.now() / 1000 + passed;
const days = 2;
const inFolder = new ResponseFolder(path.join(folder, 'responses'), { days, now, onTrouble: noTrouble });
after(() => inFolder[Symbol.asyncDispose]());
const stores = [
  ['memory', new ResponseMemory({ seconds: days * 86_400, now })],
  ['folder', inFolder],
] as const;

for (const [name, responses] of stores) {
  test(`kept in the ${name}: gone on from, asked for, deleted, forgotten`, async () => {
    passed = 0;
    const { app } = buildServer({ models: new Map([['yuan-tiny', engine]]), responses });
    const post = async (payload: object, status = 200) => {
      const answer = await app.inject({ method: 'POST', url: '/v1/responses', payload });
      assert.equal(answer.statusCode, status, answer.body);
      return answer;
    };
    const get = (url: string) => app.inject({ method: 'GET', url: `/v1/responses/${url}` });
    const first = responseSchema.parse(
      (await post({ input: '春', instructions: '你是诗人。', temperature: 0, max_output_tokens: 6 })).json(),
    );
    assert.equal(first.store, true);
    assert.deepEqual(responseSchema.parse((await get(first.id)).json()), first);

    const again = { input: '夏', previous_response_id: first.id, temperature: 0, max_output_tokens: 6 };
    const second = responseSchema.parse((await post(again)).json());
    assert.equal(second.previous_response_id, first.id);
    const said = first.output[0]!.content[0]!.text;
    const messages = [
      { role: 'user', content: '春' },
      { role: 'assistant', content: said },
      { role: 'user', content: '夏' },
    ];
    const chat = { messages, temperature: 0, max_tokens: 6 };
    const same = (await app.inject({ method: 'POST', url: '/v1/chat/completions', payload: chat })).json();
    assert.equal(second.output[0]!.content[0]!.text, same.choices[0].message.content);
    assert.equal(second.usage!.input_tokens, same.usage.prompt_tokens, 'earlier instructions do not stand there');

    const { payload } = await post({ ...again, stream: true });
    const last = responseSchema.parse(JSON.parse(payload.trim().split('data: ').at(-1)!).response);
    assert.deepEqual(last.output[0]!.content, second.output[0]!.content);
    assert.deepEqual(responseSchema.parse((await get(last.id)).json()), last);

    const items = inputItemListSchema.parse((await get(`${second.id}/input_items?order=asc`)).json());
    assert.deepEqual(
      items.data.map(({ role, content }) => ({ role, content: content[0]!.text })),
      messages,
    );
    assert.equal(items.data[1]!.id, first.output[0]!.id);
    const page = inputItemListSchema.parse((await get(`${second.id}/input_items?limit=1`)).json());
    assert.deepEqual([page.data[0]!.content[0]!.text, page.has_more], ['夏', true]);
    const next = inputItemListSchema.parse(
      (await get(`${second.id}/input_items?limit=5&after=${page.last_id}`)).json(),
    );
    assert.deepEqual([next.data.map(({ id }) => id), next.has_more], [[items.data[1]!.id, items.data[0]!.id], false]);

    const references = [
      { type: 'item_reference', id: items.data[0]!.id },
      { type: 'item_reference', id: first.output[0]!.id },
      { role: 'user', content: '夏' },
    ];
    const referring = { input: references, temperature: 0, max_output_tokens: 6, store: false };
    const third = responseSchema.parse((await post(referring)).json());
    assert.equal(third.store, false);
    assert.deepEqual(third.output[0]!.content, second.output[0]!.content);
    assert.equal((await get(third.id)).statusCode, 404);

    for (const [asked, param] of [
      [{ input: '夏', previous_response_id: third.id }, 'previous_response_id'],
      [{ input: '夏', previous_response_id: '../../x' }, 'previous_response_id'],
      [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]'],
    ] as const) {
      const { error } = errorBodySchema.parse((await post(asked, 400)).json());
      assert.deepEqual([error.code, error.param], ['previous_response_not_found', param]);
    }
    assert.equal((await get(`${first.id}?stream=true`)).statusCode, 400);
    for (const id of ['..%2F..%2Fx', '0'.repeat(200)]) assert.equal((await get(id)).statusCode, 404);

    const headers = { 'content-type': 'application/json' }; // as OpenAI's client for Python says of no body
    const remove = () => app.inject({ method: 'DELETE', url: `/v1/responses/${first.id}`, headers });
    assert.deepEqual((await remove()).json(), { id: first.id, object: 'response', deleted: true });
    assert.equal((await remove()).statusCode, 404);
    assert.equal((await get(first.id)).statusCode, 404);
    await post({ ...again, previous_response_id: second.id });

    passed = days * 86_400 + 1;
    assert.equal((await get(second.id)).statusCode, 404);
    await post({ ...again, previous_response_id: second.id }, 400);
  });
}

test('memory is bounded: of more the oldest are forgotten', async () => {
  const responses = new ResponseMemory({ characters: 3_000 });
  const { app } = buildServer({ models: new Map([['yuan-tiny', engine]]), responses });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const payload = { input: '春'.repeat(20), max_output_tokens: 1 };
    ids.push((await app.inject({ method: 'POST', url: '/v1/responses', payload })).json().id);
  }
  const found = await Promise.all(ids.map(async (id) => (await app.inject(`/v1/responses/${id}`)).statusCode));
  assert.deepEqual([found[0], found.at(-1)], [404, 200]);
});

test('in a folder: for its owner to read, days that are over removed, a full disk told and the answer given', async () => {
  const place = path.join(folder, 'kept');
  const options = { days: 1, onTrouble: noTrouble };
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => void failures.push(error);
  await using responses = new ResponseFolder(place, options);
  const { app } = buildServer({ models: new Map([['yuan-tiny', engine]]), responses, onFailure });
  const payload = { input: '春', max_output_tokens: 2 };
  const post = async () =>
    responseSchema.parse((await app.inject({ method: 'POST', url: '/v1/responses', payload })).json());
  const { id } = await post();
  const [day] = readdirSync(place);
  assert.deepEqual(readdirSync(path.join(place, day!)), [`${id}.json`]);
  if (process.platform !== 'win32') assert.equal(statSync(path.join(place, day!, `${id}.json`)).mode & 0o777, 0o600);
  rmSync(path.join(place, day!), { recursive: true });
  writeFileSync(path.join(place, day!), 'in the way');
  const { store, output } = await post();
  assert.equal(store, false);
  assert.equal(output.length, 1);
  assert.match(String(failures[0]), /cannot write .*: a part of the path is a file/);

  rmSync(path.join(place, day!));
  await post();
  const later = () => Date.now() / 1000 + 3 * 86_400;
  const next = new ResponseFolder(place, { ...options, now: later });
  await next[Symbol.asyncDispose]();
  assert.equal(existsSync(path.join(place, day!)), false);
  assert.throws(
    () => new ResponseFolder(path.join(place, 'x'.repeat(300)), options),
    /cannot write .*: the name is too long/,
  );
});

test('what is kept has the masks that the model saw', async () => {
  const policy = path.join(folder, 'policy.json');
  writeFileSync(policy, JSON.stringify({ personalData: { kinds: ['mobile'], input: 'mask' } }));
  await using safety = await Safety.open(policy, { onTrouble: noTrouble });
  const { app } = buildServer({ models: new Map([['yuan-tiny', engine]]), responses: new ResponseMemory(), safety });
  const payload = { input: '我的手机号是13812345678。', max_output_tokens: 2 };
  const { id } = (await app.inject({ method: 'POST', url: '/v1/responses', payload })).json();
  const { data } = (await app.inject(`/v1/responses/${id}/input_items`)).json();
  assert.equal(data[0].content[0].text, '我的手机号是〈手机号〉。');
});
