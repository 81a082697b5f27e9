/**
 * Clients of other makers against the server, from where they are published: OpenAI's packages for Node and Python, the AI SDK, LangChain.
 * They are no dependencies: `cp bench/clients/package.json .peers/clients/ && npm install --prefix .peers/clients --ignore-scripts`, and
 * bench/peers.txt for Python. Without them the tests skip.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { BatchStore, ResponseMemory, serve } from '@tunan/api';
import { SIZES, tinyEngine } from './tiny-engine.ts';

const peers = path.resolve(import.meta.dirname, '../../.peers');
const clients = path.join(peers, 'clients');
const skip = existsSync(path.join(clients, 'node_modules/openai')) ? false : 'needs .peers/clients (bench/clients)';
const python = path.join(peers, 'bin/python');
const skipPython =
  globSync(path.join(peers, 'lib/python*/site-packages/openai')).length > 0
    ? false
    : 'needs .peers with openai (bench/peers.txt)';

const { engine, tokenizer, close } = await tinyEngine();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-clients-'));
const batches = new BatchStore(folder);
const serving = await serve({
  models: new Map([['yuan-tiny', engine]]),
  ...{ apiKeys: ['k'], batches, responses: new ResponseMemory(), port: 0 },
});
after(async () => {
  await serving.close();
  batches[Symbol.dispose]();
  rmSync(folder, { recursive: true });
  close();
});
const baseURL = `${serving.url}/v1`;
const model = 'yuan-tiny';
const NO_END = { [tokenizer.eod]: -100 };
const messages = [{ role: 'user', content: '春眠不觉晓' }] as const;
const PROMPT = '春眠不觉晓';

// biome-ignore lint/suspicious/noExplicitAny: what is not installed has no types
const load = async (name: string): Promise<any> =>
  await import(pathToFileURL(createRequire(path.join(clients, 'x.js')).resolve(name)).href);

async function texts(parts: AsyncIterable<unknown>, textOf: (part: never) => string | null | undefined) {
  let text = '';
  for await (const part of parts) text += textOf(part as never) ?? '';
  return text;
}

test("OpenAI's package for Node", { skip }, async () => {
  const { default: OpenAI, BadRequestError } = await load('openai');
  const client = new OpenAI({ baseURL, apiKey: 'k' });
  const list = await client.models.list();
  assert.deepEqual(
    list.data.map(({ id }: { id: string }) => id),
    [model],
  );

  const asked = { model, prompt: PROMPT, max_tokens: 12, temperature: 0, logit_bias: NO_END };
  const completed = await client.completions.create({ ...asked, logprobs: 2 });
  assert.equal(completed.usage.completion_tokens, 12);
  assert.equal(completed.choices[0].logprobs.tokens.length, 12);
  const streamed = await client.completions.create({ ...asked, stream: true });
  assert.equal(
    await texts(streamed, ({ choices }: { choices: { text: string }[] }) => choices[0]?.text),
    completed.choices[0].text,
  );

  const chat = { model, messages, max_completion_tokens: 12, temperature: 0, logit_bias: NO_END };
  const answer = await client.chat.completions.create(chat);
  const content = answer.choices[0].message.content;
  const runner = client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } });
  assert.equal(
    await texts(runner, ({ choices }: { choices: { delta: { content?: string } }[] }) => choices[0]?.delta.content),
    content,
  );
  assert.equal((await runner.finalChatCompletion()).choices[0].message.content, content);
  assert.equal((await runner.totalUsage()).completion_tokens, 12);

  const response = await client.responses.create({ model, input: PROMPT, max_output_tokens: 12, temperature: 0 });
  const events = client.responses.stream({ model, input: PROMPT, max_output_tokens: 12, temperature: 0 });
  assert.equal(
    await texts(events, ({ type, delta }: { type: string; delta: string }) =>
      type === 'response.output_text.delta' ? delta : '',
    ),
    response.output_text,
  );
  assert.equal((await events.finalResponse()).output_text, response.output_text);

  const more = { model, input: '夏', max_output_tokens: 12, temperature: 0, previous_response_id: response.id };
  const second = await client.responses.create(more);
  const streamedSecond = await client.responses.create({ ...more, stream: true });
  assert.equal(
    await texts(streamedSecond, ({ type, delta }: { type: string; delta: string }) =>
      type === 'response.output_text.delta' ? delta : '',
    ),
    second.output_text,
  );
  assert.equal((await client.responses.retrieve(second.id)).output_text, second.output_text);
  const questions = [];
  for await (const item of client.responses.inputItems.list(second.id, { order: 'asc', limit: 1 })) {
    questions.push(item.content[0].text);
  }
  assert.deepEqual(questions, [PROMPT, response.output_text, '夏']);
  const whole = [{ role: 'user', content: PROMPT }, ...response.output, { role: 'user', content: '夏' }];
  const byHand = await client.responses.create({ ...more, previous_response_id: null, input: whole, store: false });
  assert.equal(byHand.output_text, second.output_text);
  await client.responses.delete(response.id);
  await assert.rejects(client.responses.retrieve(response.id), { status: 404 });
  await assert.rejects(client.responses.create(more), { status: 400, code: 'previous_response_not_found' });

  const schema = {
    type: 'object',
    properties: { n: { type: 'integer', maximum: 9 } },
    required: ['n'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', json_schema: { name: 'n', schema, strict: true } };
  const parsed = await client.chat.completions.parse({ model, messages, max_tokens: 60, response_format: format });
  assert.ok(Number.isInteger(parsed.choices[0].message.parsed.n));

  const embedded = await client.embeddings.create({ model, input: ['春', '花'] });
  assert.deepEqual(
    embedded.data.map(({ embedding }: { embedding: number[] }) => embedding.length),
    [SIZES.width, SIZES.width],
  );
  const { toFile } = await load('openai');
  const line = { custom_id: 'a', method: 'POST', url: '/v1/completions', body: asked };
  const upload = await toFile(Buffer.from(JSON.stringify(line)), 'x.jsonl');
  const file = await client.files.create({ purpose: 'batch', file: upload });
  const window = { endpoint: '/v1/completions', completion_window: '24h' };
  let batch = await client.batches.create({ input_file_id: file.id, ...window });
  while (batch.status === 'in_progress') batch = await client.batches.retrieve(batch.id);
  const answers = await (await client.files.content(batch.output_file_id)).text();
  assert.equal(JSON.parse(answers).response.body.choices[0].text, completed.choices[0].text);

  await assert.rejects(
    client.completions.create({ ...asked, temperature: 9 }),
    (error: { status: number; param: string }) => {
      return error instanceof BadRequestError && error.status === 400 && error.param === 'temperature';
    },
  );
  await assert.rejects(new OpenAI({ baseURL, apiKey: 'x' }).models.list(), { status: 401, code: 'invalid_api_key' });
});

test('the AI SDK', { skip }, async () => {
  const { generateText, streamText, embedMany } = await load('ai');
  const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible');
  const provider = createOpenAICompatible({ name: 'tunan', baseURL, apiKey: 'k', includeUsage: true });
  const asked = { prompt: PROMPT, maxOutputTokens: 12, temperature: 0 };
  for (const kind of [provider.completionModel(model), provider.chatModel(model)]) {
    const { text, usage } = await generateText({ ...asked, model: kind });
    assert.ok(usage.outputTokens > 0 && usage.outputTokens <= 12);
    const { textStream } = streamText({ ...asked, model: kind });
    assert.equal(await texts(textStream, (part: string) => part), text);
  }
  const embedding = provider.textEmbeddingModel ?? provider.embeddingModel;
  const { embeddings } = await embedMany({ model: embedding.call(provider, model), values: ['春', '花'] });
  assert.deepEqual(
    embeddings.map(({ length }: { length: number }) => length),
    [SIZES.width, SIZES.width],
  );
});

test('LangChain', { skip }, async () => {
  const { ChatOpenAI, OpenAI, OpenAIEmbeddings } = await load('@langchain/openai');
  const common = { model, apiKey: 'k', temperature: 0, maxTokens: 12, configuration: { baseURL } };
  const chat = new ChatOpenAI(common);
  const { content, usage_metadata: usage } = await chat.invoke(PROMPT);
  assert.ok(usage.output_tokens > 0);
  assert.equal(await texts(await chat.stream(PROMPT), (part: { content: string }) => part.content), content);
  const text: string = await new OpenAI(common).invoke(PROMPT);
  assert.equal(typeof text, 'string');
  const [vector] = await new OpenAIEmbeddings({ model, apiKey: 'k', configuration: { baseURL } }).embedDocuments([
    '春',
  ]);
  assert.equal(vector.length, SIZES.width);
});

const PROGRAM = `
import sys
from openai import OpenAI, AuthenticationError, BadRequestError
client = OpenAI(base_url=sys.argv[1], api_key="k")
model = client.models.list().data[0].id
asked = dict(model=model, prompt="春眠不觉晓", max_tokens=12, temperature=0)
text = client.completions.create(**asked).choices[0].text
assert "".join(part.choices[0].text for part in client.completions.create(**asked, stream=True)) == text
chat = dict(model=model, messages=[{"role": "user", "content": "春"}], max_tokens=12, temperature=0)
content = client.chat.completions.create(**chat).choices[0].message.content
with client.chat.completions.stream(**chat) as stream:
    assert "".join(event.delta for event in stream if event.type == "content.delta") == content
response = client.responses.create(model=model, input="春", max_output_tokens=12, temperature=0)
assert response.output_text == content
with client.responses.stream(model=model, input="春", max_output_tokens=12, temperature=0) as stream:
    assert "".join(event.delta for event in stream if event.type == "response.output_text.delta") == content
again = dict(model=model, input="夏", previous_response_id=response.id, max_output_tokens=12, temperature=0)
second = client.responses.create(**again)
assert client.responses.retrieve(second.id).output_text == second.output_text
items = client.responses.input_items.list(second.id, order="asc")
assert [item.content[0].text for item in items] == ["春", content, "夏"]
client.responses.delete(response.id)
try:
    client.responses.create(**again)
    raise SystemExit("not refused")
except BadRequestError as error:
    assert error.code == "previous_response_not_found"
file = client.files.create(purpose="batch", file=("x.jsonl", b'{"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x"}}'))
batch = client.batches.create(input_file_id=file.id, endpoint="/v1/completions", completion_window="24h")
client.batches.cancel(batch.id)
while client.batches.retrieve(batch.id).status in ("in_progress", "cancelling"):
    pass
assert client.files.delete(file.id).deleted
assert len(client.embeddings.create(model=model, input=["春"]).data[0].embedding) == int(sys.argv[2])
try:
    client.completions.create(**{**asked, "temperature": 9})
    raise SystemExit("not refused")
except BadRequestError as error:
    assert error.param == "temperature"
try:
    OpenAI(base_url=sys.argv[1], api_key="x").models.list()
    raise SystemExit("not refused")
except AuthenticationError:
    print("ok")
`;

test("OpenAI's package for Python", { skip: skipPython }, async () => {
  const run = promisify(execFile);
  const { stdout } = await run(python, ['-c', PROGRAM, baseURL, String(SIZES.width)]);
  assert.equal(stdout.trim(), 'ok');
});
