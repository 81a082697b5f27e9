/** A server in front of another of ours: what is asked in front is what is asked behind, and so is what is answered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerOptions, serve } from '@tunan/api';
import { collect, openEngine, TorchEngine } from '@tunan/inference';
import { type Completion, completionSchema, errorBodySchema, modelListSchema } from '@tunan/protocol';
import { CONTEXT_LENGTH, tinyEngine } from './tiny-engine.ts';

const { engine, model, tokenizer, close } = await tinyEngine();
after(close);
const NO_END = { [tokenizer.eod]: -100 };

/** A server behind, and one in front of it that has no model of its own. */
async function twoServers(options: Partial<ServerOptions> = {}) {
  const behind = await serve({ models: new Map([['深处', engine]]), port: 0, ...options });
  const { engine: remote, name } = await openEngine(`${behind.url}/v1`, { remote: { apiKey: options.apiKeys?.[0] } });
  const front = await serve({ models: new Map([[name, remote]]), port: 0, onFailure: () => undefined });
  const end = async () => {
    remote.close();
    await Promise.all([front.close(), behind.close()]);
  };
  return { behind, front, remote, end };
}

const servers = await twoServers();
after(servers.end);

async function post(url: string, body: unknown, signal?: AbortSignal, language = 'en'): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'accept-language': language };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return await fetch(`${url}/v1/completions`, { method: 'POST', headers, body: text, ...(signal && { signal }) });
}

async function complete(url: string, body: unknown): Promise<Completion> {
  const response = await post(url, body);
  assert.equal(response.status, 200);
  return completionSchema.strict().parse(await response.json());
}

/** The parts of a stream; the last is the error where there is one. */
async function streamed(url: string, body: object): Promise<unknown[]> {
  const response = await post(url, { ...body, stream: true, stream_options: { include_usage: true } });
  assert.equal(response.status, 200);
  const events = (await response.text()).split('\n\n').slice(0, -1);
  return events
    .map((event) => event.slice('data: '.length))
    .flatMap((data) => (data === '[DONE]' ? [] : JSON.parse(data)));
}

const same = ({ choices, usage, model: name }: Completion) => ({ choices, usage, name });

test('the model in front has the name and the context of the one behind', async () => {
  const [card] = modelListSchema.parse(await (await fetch(`${servers.front.url}/v1/models`)).json()).data;
  assert.deepEqual([card!.id, card!.max_model_len], ['深处', CONTEXT_LENGTH]);
});

const requests: [string, object | string][] = [
  ['a text', { prompt: '春眠', max_tokens: 30, seed: 3 }],
  ['nothing', { max_tokens: 30, seed: 3 }],
  ['several texts and choices', { prompt: ['春', '花落', ''], n: 3, max_tokens: 12, seed: 5 }],
  ['token ids', { prompt: [tokenizer.encode('春眠'), [7]].map((ids) => [...ids]), max_tokens: 12, seed: 6 }],
  ['one list of ids', { prompt: [7, 8, 9], max_tokens: 12, seed: 6 }],
  ['greedy', { prompt: '春', temperature: 0, max_tokens: 30, logit_bias: NO_END }],
  ['the likeliest by top_p', { prompt: '春', top_p: 0, max_tokens: 30, logit_bias: NO_END }],
  ['stop strings', { prompt: '春', temperature: 0, max_tokens: 200, stop: ['月', '\n', '。'], logit_bias: NO_END }],
  ['logprobs', { prompt: '春眠', max_tokens: 20, seed: 8, logprobs: 3 }],
  ['no alternatives', { prompt: '春眠', max_tokens: 20, seed: 8, logprobs: 0 }],
  ['an echo', { prompt: '春眠', max_tokens: 9, seed: 8, echo: true }],
  ['an echo with logprobs', { prompt: ['春眠', '不觉晓'], max_tokens: 9, seed: 8, echo: true, logprobs: 2 }],
  ['the prompt scored', { prompt: '春眠不觉晓', max_tokens: 0, echo: true, logprobs: 1, begin_document: true }],
  ['an <eod>', { prompt: '春', max_tokens: 5, logprobs: 1, logit_bias: { [tokenizer.eod]: 100 } }],
  [
    'every extension',
    { prompt: '春', max_tokens: 30, seed: 2, top_k: 9, min_p: 0.01, repetition_penalty: 1.2, noRepeatNgramSize: 3 },
  ],
  ["Yuan's penalties", { prompt: '春', max_tokens: 30, seed: 2, frequencyPenalty: 1.5, logit_bias: NO_END }],
  ["Yuan's other penalty", { prompt: '春', max_tokens: 30, seed: 2, responsePenalty: 1.5, logit_bias: NO_END }],
  ["OpenAI's penalties", { prompt: '春', max_tokens: 30, seed: 2, presence_penalty: 1, frequency_penalty: -0.5 }],
  ['a seed of 64 bits', '{"prompt":"春","max_tokens":20,"seed":18446744073709551615}'],
];
for (const [name, body] of requests) {
  test(`the same answer in front as behind: ${name}`, async () => {
    const [front, behind] = [await complete(servers.front.url, body), await complete(servers.behind.url, body)];
    assert.deepEqual(same(front), same(behind));
    if (typeof body === 'string') return;
    assert.deepEqual(
      (await streamed(servers.front.url, body)).map((part) => same(part as Completion)),
      (await streamed(servers.behind.url, body)).map((part) => same(part as Completion)),
    );
  });
}

const LONG = { prompt: '春', max_tokens: 400, logit_bias: NO_END, stream: true };

async function becomesEmpty(): Promise<void> {
  for (let turn = 0; engine.occupancy.running + engine.occupancy.waiting > 0; turn++) {
    assert.ok(turn < 1000, 'the engine behind still works for a client that has left');
    await new Promise(setImmediate);
  }
}

test('chunks come while the engine behind still works, and a client that leaves in front frees its places there', async () => {
  const abort = new AbortController();
  const response = await post(servers.front.url, { ...LONG, n: 100 }, abort.signal);
  const reader = response.body!.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /^data: \{"id":"cmpl-/);
  assert.ok(engine.occupancy.running > 0);
  assert.equal(servers.remote.occupancy.running, 100);
  abort.abort();
  await becomesEmpty();
  assert.deepEqual(servers.remote.occupancy, { running: 0, waiting: 0 });
  const whole = new AbortController();
  const pending = post(servers.front.url, { ...LONG, n: 100, stream: false }, whole.signal);
  while (engine.occupancy.running === 0) await new Promise(setImmediate);
  whole.abort();
  await assert.rejects(pending, { name: 'AbortError' });
  await becomesEmpty();
});

test('what is refused behind is refused in front, before the first byte of a stream', async () => {
  const cases: [object, number, string, string | null, RegExp][] = [
    [
      { prompt: '春'.repeat(3 * CONTEXT_LENGTH) },
      400,
      'context_length_exceeded',
      'prompt',
      /context of the model is 512/,
    ],
    [{ prompt: [[9999]] }, 400, 'invalid_value', 'prompt', /token id 9999; ids of this model go from 0 to/],
    [{ logit_bias: { 9999: 1 } }, 400, 'invalid_value', 'logit_bias', /token id 9999/],
  ];
  for (const [body, status, code, param, message] of cases) {
    for (const stream of [false, true]) {
      const response = await post(servers.front.url, { ...body, stream });
      const { error } = errorBodySchema.strict().parse(await response.json());
      assert.deepEqual([response.status, error.code, error.param], [status, code, param]);
      assert.match(error.message, message);
    }
  }
  const chinese = await post(servers.front.url, { prompt: [[9999]] }, undefined, 'zh');
  assert.match(errorBodySchema.parse(await chinese.json()).error.message, /^运行此模型的服务拒绝：/);
});

test('a queue that is full behind is full in front, with the time to come back', async () => {
  using small = new TorchEngine(model, tokenizer, { waitingSize: 2, batchSize: 1 });
  const busy = await twoServers({ models: new Map([['x', small]]) });
  const first = small.submit({
    prompts: ['春'],
    choices: 2,
    maxTokens: 50,
    logitBias: new Map([[tokenizer.eod, -100]]),
  });
  const response = await post(busy.front.url, { prompt: '春', n: 2 });
  assert.equal(response.status, 503);
  assert.match(response.headers.get('retry-after') ?? '', /^[1-5]$/);
  const { code, message } = errorBodySchema.parse(await response.json()).error;
  assert.deepEqual(
    [code, message],
    ['engine_overloaded', 'the server that runs this model is busy: try again in a while'],
  );
  for await (const _ of first) break;
  await busy.end();
});

/** A line to the server behind that can be cut, or go dead without a word. */
async function lineTo(url: string) {
  const sockets = new Map<Socket, Socket>();
  const line = createServer((incoming) => {
    const outgoing = connect(Number(new URL(url).port), '127.0.0.1');
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.set(socket, other);
      socket.pipe(other);
      socket.on('error', () => other.destroy()).on('close', () => sockets.delete(socket) && other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  const freeze = () => {
    for (const socket of sockets.keys()) socket.unpipe();
  };
  const thaw = () => {
    for (const [socket, other] of sockets) socket.pipe(other);
  };
  const cut = () => {
    for (const socket of sockets.keys()) socket.destroy();
    line.close();
  };
  return { url: `http://127.0.0.1:${(line.address() as AddressInfo).port}/v1`, cut, freeze, thaw };
}

/** The message of the last event, which is an error. */
function lastError(stream: string) {
  const last = stream.trimEnd().split('\n\n').at(-1) ?? '';
  return errorBodySchema.strict().parse(JSON.parse(last.slice('data: '.length))).error;
}

const failures: unknown[] = [];
async function behindLine(timeoutSeconds?: number) {
  const line = await lineTo(servers.behind.url);
  const { engine: remote } = await openEngine(line.url, { remote: { timeoutSeconds } });
  const onFailure = (error: unknown) => void failures.push(error);
  const front = await serve({ models: new Map([['x', remote]]), port: 0, onFailure });
  const end = async () => {
    line.cut();
    await front.close();
  };
  return { line, front, end };
}

test('a server behind that dies is told in the stream, and to whoever comes after; the log has its address', async () => {
  const { line, front, end } = await behindLine();
  const whole = post(front.url, { ...LONG, n: 50, stream: false });
  const response = await post(front.url, { ...LONG, n: 50 });
  const reader = response.body!.getReader();
  await reader.read();
  failures.length = 0;
  line.cut();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read())
    rest += Buffer.from(part.value).toString();
  assert.doesNotMatch(rest, /\[DONE\]/);
  const { code, message, type } = lastError(rest);
  assert.deepEqual([code, type], ['upstream_unavailable', 'server_error']);
  assert.equal(message, 'the server that runs this model does not answer: try again in a while');
  assert.equal((await whole).status, 502);
  await becomesEmpty();
  const gone = await post(front.url, { ...LONG }, undefined, 'zh');
  assert.equal(gone.status, 502);
  const { error } = errorBodySchema.strict().parse(await gone.json());
  assert.deepEqual([error.code, error.message], ['upstream_unavailable', '运行此模型的服务没有应答：请稍后再试']);
  assert.equal(failures.length, 3);
  for (const failure of failures) assert.match(String((failure as Error).cause), /127\.0\.0\.1/);
  await end();
});

test('a server behind that falls silent is waited for as long as was set, and not a stream that goes on', async () => {
  const { line, front, end } = await behindLine(2);
  const slow = await post(front.url, { ...LONG, n: 8 });
  for (let pause = 0; pause < 3; pause++) {
    line.freeze();
    await sleep(1_000);
    line.thaw();
    await sleep(100);
  }
  assert.match((await slow.text()).slice(-20), /\[DONE\]/);
  const response = await post(front.url, { ...LONG, n: 50 });
  const reader = response.body!.getReader();
  await reader.read();
  line.freeze();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read())
    rest += Buffer.from(part.value).toString();
  assert.equal(lastError(rest).code, 'upstream_timeout');
  assert.match(lastError(rest).message, /takes too long: try again in a while, or ask for fewer tokens/);
  await becomesEmpty();
  await end();
});

test('closing the engine ends its streams with the reason, and the work behind', async () => {
  const { engine: remote } = await openEngine(`${servers.behind.url}/v1`);
  const running = remote.submit({
    prompts: ['春'],
    choices: 100,
    maxTokens: 400,
    logitBias: new Map([[tokenizer.eod, -100]]),
  });
  for await (const _ of running) break;
  await becomesEmpty();
  const other = remote.submit({ prompts: ['春'], choices: 100, maxTokens: 400 });
  await other.accepted;
  remote.close();
  await assert.rejects(collect(other), { code: 'INFERENCE_CLOSED' });
  assert.throws(() => remote.submit({ prompts: ['春'] }), { code: 'INFERENCE_CLOSED' });
  await becomesEmpty();
});

test('the key of the server behind is sent to it; without it, opening says where to give it', async () => {
  const guarded = await twoServers({ apiKeys: ['geheim'] });
  assert.equal((await post(guarded.front.url, { prompt: '春', max_tokens: 2 })).status, 200);
  await assert.rejects(openEngine(`${guarded.behind.url}/v1`), {
    code: 'INFERENCE_UPSTREAM_UNFIT',
    message: /answers 401: .*; give its key in TUNAN_UPSTREAM_KEY$/,
  });
  await guarded.end();
});

test('of several models behind, one is named behind the address', async () => {
  const models = new Map([
    ['大', engine],
    ['小', engine],
  ]);
  const behind = await serve({ models, port: 0 });
  await assert.rejects(openEngine(`${behind.url}/v1`), {
    message: `${behind.url}/v1 has several models: 大, 小; write the one to use behind the address: ${behind.url}/v1#大`,
  });
  await assert.rejects(openEngine(`${behind.url}/v1#中`), { message: /has no model '中', but 大, 小; write/ });
  const opened = await openEngine(`${behind.url}/v1#小`);
  assert.equal(opened.name, '小');
  opened.engine.close();
  await behind.close();
});
