/** A model directory with a chat template, served: conversations whole and in parts, and beside a base model that has none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { buildServer, Safety } from '@tunan/api';
import { collect, TorchEngine } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { chatCompletionSchema, completionSchema, errorBodySchema } from '@tunan/protocol';
import { ChatTemplate, Tokenizer, trainBpe } from '@tunan/tokenizer';
import { setThreads } from '@tunan/torch';

setThreads(1);

const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-chat-'));
const TEMPLATE = `{% for message in messages %}<sep>{{ message.role }}
{{ message.content }}<eod>{% endfor %}{% if add_generation_prompt %}<sep>assistant
{% endif %}{% if messages[0].role == 'assistant' %}{{ raise_exception('the user speaks first') }}{% endif %}`;
{
  const tokenizer = Tokenizer.fromFile(
    await trainBpe(['春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。'], { vocabularySize: 266 }),
  );
  const tokenizerFile = path.join(directory, 'trained.json');
  tokenizer.save(tokenizerFile);
  const sizes = { vocabularySize: 320, contextLength: 256, layers: 2, width: 32, heads: 4, kvHeads: 2 };
  using model = LanguageModel.create({ ...sizes, family: 'llama', initStd: 0.25, outputInit: 'normal' }, { seed: 5 });
  model.save(directory, { tokenizerFile });
  writeFileSync(path.join(directory, 'chat_template.jinja'), TEMPLATE);
}
const engine = TorchEngine.load(directory);
const tokenizer = Tokenizer.load(directory);
const template = ChatTemplate.load(directory, tokenizer)!;
const base = new TorchEngine(LanguageModel.load(directory), tokenizer);
const { app } = buildServer({
  models: new Map([
    ['诗人', engine],
    ['base', base],
  ]),
});
after(() => {
  engine.close();
  base.close();
  rmSync(directory, { recursive: true });
});

const ask = (url: string, payload: object) => app.inject({ method: 'POST', url, payload });
const messages = [
  { role: 'system', content: '你是诗人。' },
  {
    role: 'user',
    content: [
      { type: 'text', text: '写一句' },
      { type: 'text', text: '春天' },
    ],
  },
];
const chat = (change: object) =>
  ask('/v1/chat/completions', { model: '诗人', messages, max_tokens: 12, temperature: 0, ...change });

test('an answer is what the model writes behind the rendered conversation', async () => {
  const plain = messages.map(({ role, content }) => ({
    role,
    content: [content]
      .flat()
      .map((part) => (typeof part === 'string' ? part : part.text))
      .join(''),
  }));
  const ids = template.encode(plain);
  const answer = chatCompletionSchema.parse((await chat({})).json());
  const same = completionSchema.parse(
    (await ask('/v1/completions', { model: '诗人', prompt: ids, max_tokens: 12, temperature: 0 })).json(),
  );
  assert.equal(answer.choices[0]!.message.content, same.choices[0]!.text);
  // The second time the beginning of the prompt is kept already.
  const { prompt_tokens_details: _kept, ...counted } = same.usage!;
  const { prompt_tokens_details: _computed, ...first } = answer.usage!;
  assert.deepEqual(first, counted);
  assert.equal(answer.usage!.prompt_tokens, ids.length);
  const direct = await collect(engine.submit({ prompts: [], messages: plain, maxTokens: 12, temperature: 0 }));
  assert.equal(direct.sequences[0]!.text, same.choices[0]!.text);
  assert.throws(() => base.submit({ prompts: [], messages: plain }), {
    option: 'messages',
    message: /no chat template/,
  });
  const short = chatCompletionSchema.parse((await chat({ max_completion_tokens: 3 })).json());
  assert.equal(short.usage!.completion_tokens, 3);
  const several = chatCompletionSchema.parse((await chat({ n: 2, temperature: 1, seed: 3 })).json());
  assert.deepEqual(
    several.choices.map(({ index }) => index),
    [0, 1],
  );
});

test('in parts: the role once, the text bit by bit, the usage where it is asked for', async () => {
  const whole = chatCompletionSchema.parse((await chat({})).json());
  const { payload } = await chat({ stream: true, stream_options: { include_usage: true } });
  const events = payload
    .split('\n\n')
    .filter((line) => line !== '')
    .map((line) => line.slice('data: '.length));
  assert.equal(events.pop(), '[DONE]');
  const parts = events.map((event) => JSON.parse(event));
  assert.ok(parts.every(({ object, model }) => object === 'chat.completion.chunk' && model === '诗人'));
  assert.deepEqual(
    parts.map(({ choices }) => choices[0]?.delta.role).filter((role) => role !== undefined),
    ['assistant'],
  );
  const text = parts.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
  assert.equal(text, whole.choices[0]!.message.content);
  assert.deepEqual([parts.at(-1).choices, parts.at(-1).usage], [[], whole.usage]);
  assert.equal(parts.at(-2).choices[0].finish_reason, whole.choices[0]!.finish_reason);
});

test('log-probabilities in the form of OpenAI, whole and in parts, and those of the prompt in the form of vLLM', async () => {
  const asked = { logprobs: true, top_logprobs: 2, prompt_logprobs: 1, max_tokens: 6 };
  const whole = chatCompletionSchema.parse((await chat(asked)).json());
  const { content } = whole.choices[0]!.logprobs!;
  assert.equal(content.length, whole.usage!.completion_tokens);
  for (const { token, logprob, top_logprobs } of content) {
    assert.equal(top_logprobs.length, 2);
    const own = top_logprobs.find((other) => other.token === token);
    assert.ok(own === undefined ? top_logprobs[1]!.logprob >= logprob : own.logprob === logprob);
  }
  const bytes = Buffer.from(content.flatMap((token) => token.bytes));
  assert.ok(bytes.toString('utf8').startsWith(whole.choices[0]!.message.content));

  const prompt = whole.prompt_logprobs!;
  assert.equal(prompt.length, whole.usage!.prompt_tokens);
  const ids = template.encode([messages[0], { role: 'user', content: '写一句春天' }] as never);
  assert.equal(prompt[0], null);
  ids.forEach((id, place) => {
    if (place > 0) assert.ok(prompt[place]![id]!.rank! >= 1 && prompt[place]![id]!.logprob < 0);
  });

  const { prompt_logprobs: _, ...streamable } = asked;
  const alone = chatCompletionSchema.parse((await chat(streamable)).json()).choices[0]!.logprobs!;
  const { body } = await chat({ ...streamable, stream: true });
  const parts = body.split('\n\n').filter((event) => event.startsWith('data: {'));
  const streamed = parts.flatMap((event) => JSON.parse(event.slice(6)).choices[0].logprobs.content);
  assert.deepEqual(streamed, alone.content);
  assert.equal((await chat({})).json().choices[0].logprobs, null);
  assert.match((await chat({ top_logprobs: 2 })).json().error.message, /^top_logprobs: is allowed only together/);
});

test('an answer of the form that is asked for, in chat and completions', async () => {
  const schema = {
    type: 'object',
    properties: { 诗: { enum: ['春晓', '静夜思'] }, n: { type: 'integer', maximum: 9 } },
    required: ['诗', 'n'],
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'poem', schema } };
  const asked = { response_format, max_tokens: 80, temperature: 1, seed: 5 };
  const { choices } = chatCompletionSchema.parse((await chat(asked)).json());
  assert.equal(choices[0]!.finish_reason, 'stop');
  const { 诗: poem, n } = JSON.parse(choices[0]!.message.content);
  assert.ok(['春晓', '静夜思'].includes(poem) && Number.isInteger(n) && n <= 9);

  const text = { model: 'base', prompt: '春', max_tokens: 20, structured_outputs: { choice: ['晓', '眠'] } };
  const completed = completionSchema.parse((await ask('/v1/completions', text)).json());
  assert.ok(['晓', '眠'].includes(completed.choices[0]!.text));

  const bad = await chat({ response_format: { type: 'json_schema', json_schema: { schema: { not: {} } } } });
  const { error } = errorBodySchema.parse(bad.json());
  assert.deepEqual([bad.statusCode, error.param], [400, 'response_format']);
  assert.match(error.message, /JSON schema at #: 'not' is not supported; leave it out/);
});

test('mistakes are named: messages that the template does not take, roles and fields', async () => {
  const refused = async (change: object, message: RegExp, param: string | null) => {
    const response = await chat(change);
    assert.equal(response.statusCode, 400);
    const { error } = errorBodySchema.parse(response.json());
    assert.match(error.message, message);
    assert.equal(error.param, param);
  };
  await refused({ messages: [{ role: 'assistant', content: '好' }] }, /the user speaks first/, 'messages');
  await refused({ messages: [] }, /messages/, 'messages');
  await refused({ messages: [{ role: 'poet', content: '好' }] }, /role.*system.*user.*assistant/, 'messages.0.role');
  await refused(
    { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
    /messages\.0\.content/,
    'messages.0.content',
  );
  await refused({ stream_options: {} }, /stream_options/, 'stream_options');
  const extra = await chat({ tools: [], logprobs: true });
  assert.equal(extra.headers['x-ignored-fields'], 'tools');
});

test('a base model gets the plain form, and says so', async () => {
  const talk = [
    { role: 'system', content: '你是诗人。' },
    { role: 'user', content: '春' },
    { role: 'assistant', content: '晓' },
    { role: 'user', content: '<eod>' },
  ];
  const asked = { model: 'base', max_tokens: 12, temperature: 0 };
  const plain = await chat({ ...asked, messages: talk });
  assert.equal(plain.headers['x-chat-template'], 'plain');
  assert.equal((await chat({})).headers['x-chat-template'], undefined);
  const prompt = '你是诗人。\n\n用户：春\n助手：晓\n用户：<eod>\n助手：';
  const text = { ...asked, prompt, begin_document: true };
  const same = completionSchema.parse((await ask('/v1/completions', text)).json());
  const answer = chatCompletionSchema.parse(plain.json());
  assert.equal(answer.choices[0]!.message.content, same.choices[0]!.text);
  assert.equal(answer.usage!.prompt_tokens, same.usage!.prompt_tokens);
  const streamed = await chat({ ...asked, messages: talk, stream: true });
  assert.equal(streamed.headers['x-chat-template'], 'plain');
  // A model that would go on as the user is stopped there; constrained, it says nothing else.
  const says = { ...asked, max_tokens: 40, structured_outputs: { regex: '好。\\n用户：再来' } };
  assert.equal((await chat({ ...says, messages: talk })).json().choices[0].message.content, '好。');
});

test('conversations are looked over before the template, message by message and part by part', async () => {
  writeFileSync(path.join(directory, 'words.txt'), '闻啼鸟\n');
  const policy = path.join(directory, 'policy.json');
  writeFileSync(policy, JSON.stringify({ lists: [{ category: 'birds', path: 'words.txt', input: 'block' }] }));
  await using safety = await Safety.open(policy, { onTrouble: (error) => assert.fail(String(error)) });
  const guarded = buildServer({ models: new Map([['诗人', engine]]), safety }).app;
  const say = async (content: unknown) => {
    const payload = { messages: [{ role: 'user', content }], max_tokens: 2 };
    return await guarded.inject({ method: 'POST', url: '/v1/chat/completions', payload });
  };
  for (const content of [
    '处处闻啼鸟',
    [
      { type: 'text', text: '处处' },
      { type: 'text', text: '闻啼鸟' },
    ],
  ]) {
    const refused = await say(content);
    assert.deepEqual([refused.statusCode, refused.json().error.code], [400, 'content_filter']);
    assert.equal(refused.json().error.param, 'messages');
  }
  assert.equal((await say('处处闻鸟')).statusCode, 200);
});
