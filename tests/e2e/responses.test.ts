/** `/v1/responses`: the same answers as chat, whole and as events, and what is refused because nothing is kept. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { buildServer } from '@tunan/api';
import { errorBodySchema, responseSchema } from '@tunan/protocol';
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
    [{ previous_response_id: 'resp_1' }, 'previous_response_id', /responses are not kept here/],
    [{ conversation: 'conv_1' }, 'conversation', /not kept here/],
    [{ background: true }, 'background', /not kept here/],
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
