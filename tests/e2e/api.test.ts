import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { buildServer, type ServerOptions, serve } from '@tunan/api';
import { TorchEngine } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { pageFolder } from '@tunan/playground';
import { completionSchema, errorBodySchema, modelListSchema } from '@tunan/protocol';
import { noGrad } from '@tunan/torch';
import { CONTEXT_LENGTH, SIZES, tinyEngine } from './tiny-engine.ts';

const { engine, model, tokenizer, close } = await tinyEngine();
after(close);

const options: ServerOptions = { models: new Map([['yuan-tiny', engine]]), page: await pageFolder() };
const { app } = buildServer(options);
/** Below 1024; whether it is taken is not looked at before the right to it. */
const FORBIDDEN_PORT = 81;
const NO_END = { [tokenizer.eod]: -100 };

async function post(body: unknown, headers: Record<string, string> = {}) {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  return await app.inject({
    method: 'POST',
    url: '/v1/completions',
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  });
}

/** The payloads of a stream of server-sent events. */
function events(stream: string): string[] {
  const lines = stream.split('\n\n');
  assert.equal(lines.pop(), '', 'a stream ends with an empty line');
  return lines.map((line) => {
    assert.ok(line.startsWith('data: '), line);
    return line.slice('data: '.length);
  });
}

test('the model is listed with its context, and found by its id', async () => {
  const list = modelListSchema.parse((await app.inject('/v1/models')).json());
  assert.deepEqual(
    list.data.map(({ id, max_model_len }) => [id, max_model_len]),
    [['yuan-tiny', CONTEXT_LENGTH]],
  );
  assert.deepEqual((await app.inject('/v1/models/yuan-tiny')).json(), list.data[0]);
  const missing = await app.inject('/v1/models/gpt-9');
  assert.equal(missing.statusCode, 404);
  assert.equal(missing.json().error.code, 'model_not_found');
});

test('several models: all are listed, each answers under its name, and who names none is asked to', async () => {
  using other = new TorchEngine(LanguageModel.create(SIZES, { seed: 6 }), tokenizer);
  const both = buildServer({
    models: new Map([
      ['yuan-tiny', engine],
      ['另一个', other],
    ]),
  }).app;
  const list = modelListSchema.parse((await both.inject('/v1/models')).json());
  assert.deepEqual(
    list.data.map(({ id }) => id),
    ['yuan-tiny', '另一个'],
  );
  assert.deepEqual((await both.inject(`/v1/models/${encodeURIComponent('另一个')}`)).json(), list.data[1]);
  const ask = (model?: string) =>
    both.inject({
      method: 'POST',
      url: '/v1/completions',
      payload: { model, prompt: '春', temperature: 0, max_tokens: 20, logit_bias: NO_END },
    });
  const answers = await Promise.all(['yuan-tiny', '另一个'].map(async (model) => (await ask(model)).json()));
  assert.deepEqual(
    answers.map(({ model }) => model),
    ['yuan-tiny', '另一个'],
  );
  assert.notEqual(answers[0].choices[0].text, answers[1].choices[0].text);
  const unknown = await ask('gpt-9');
  assert.deepEqual([unknown.statusCode, unknown.json().error.code], [404, 'model_not_found']);
  assert.match(unknown.json().error.message, /'gpt-9' is not served here; ask for 'yuan-tiny' or '另一个'/);
  const unnamed = await ask();
  assert.deepEqual([unnamed.statusCode, unnamed.json().error.param], [400, 'model']);
  assert.equal(unnamed.json().error.message, "model: name one, 'yuan-tiny' or '另一个'");
});

test('a completion has the shape and the usage of OpenAI', async () => {
  const response = await post({ model: 'yuan-tiny', prompt: '春眠', max_tokens: 8, n: 2, seed: 1, logit_bias: NO_END });
  assert.equal(response.statusCode, 200);
  assert.match(String(response.headers['x-request-id']), /^req_[0-9a-f]{32}$/);
  const completion = completionSchema.strict().parse(response.json());
  assert.match(completion.id, /^cmpl-[0-9a-f]{32}$/);
  assert.deepEqual(
    completion.choices.map(({ index, finish_reason, logprobs }) => [index, finish_reason, logprobs]),
    [
      [0, 'length', null],
      [1, 'length', null],
    ],
  );
  const promptTokens = tokenizer.encode('春眠').length;
  assert.deepEqual(completion.usage, {
    prompt_tokens: promptTokens,
    completion_tokens: 16,
    total_tokens: promptTokens + 16,
    prompt_tokens_details: { cached_tokens: 0 },
  });
});

test('a stream carries the same text as the whole answer, ended by usage and [DONE]', async () => {
  const body = { prompt: ['春', '花'], max_tokens: 20, seed: 7, logprobs: 1 };
  const whole = completionSchema.parse((await post(body)).json());
  const response = await post({ ...body, stream: true, stream_options: { include_usage: true } });
  assert.match(String(response.headers['content-type']), /^text\/event-stream/);
  assert.match(String(response.headers['x-request-id']), /^req_/);
  const payloads = events(response.body);
  assert.equal(payloads.pop(), '[DONE]');
  const chunks = payloads.map((payload) => completionSchema.parse(JSON.parse(payload)));
  const last = chunks.pop();
  assert.deepEqual([last?.choices, last?.usage], [[], whole.usage]);
  assert.ok(chunks.length > 4 && chunks.every(({ usage }) => usage === null));
  for (const choice of whole.choices) {
    const parts = chunks.flatMap(({ choices }) => choices).filter(({ index }) => index === choice.index);
    assert.equal(parts.map(({ text }) => text).join(''), choice.text);
    assert.equal(parts.at(-1)?.finish_reason, choice.finish_reason);
    assert.deepEqual(
      parts.flatMap(({ logprobs }) => logprobs?.tokens ?? []),
      choice.logprobs?.tokens,
    );
  }
});

test('without include_usage no chunk speaks of usage', async () => {
  const payloads = events((await post({ prompt: '春', max_tokens: 3, stream: true })).body);
  assert.ok(payloads.slice(0, -1).every((payload) => !('usage' in JSON.parse(payload))));
});

test('echo with logprobs: null for the first token, the taken token among the likeliest', async () => {
  const body = { prompt: '春眠不觉晓', max_tokens: 0, echo: true, logprobs: 2 };
  const choice = completionSchema.parse((await post(body)).json()).choices[0]!;
  assert.equal(choice.text, '春眠不觉晓');
  const { tokens, token_logprobs, top_logprobs, text_offset } = choice.logprobs!;
  assert.equal(token_logprobs[0], null);
  assert.equal(top_logprobs[0], null);
  assert.equal(text_offset[0], 0);
  for (let i = 1; i < tokens.length; i++) assert.equal(top_logprobs[i]?.[tokens[i]!], token_logprobs[i]);
});

test("Yuan's extensions reach the engine", async () => {
  const body = { prompt: '春', max_tokens: 60, temperature: 0, logit_bias: NO_END };
  const text = async (extra: object) => (await post({ ...body, ...extra })).json().choices[0].text;
  const plain = await text({});
  for (const extra of [
    { frequencyPenalty: 2 },
    { responsePenalty: 2 },
    { noRepeatNgramSize: 2 },
    { begin_document: true },
  ]) {
    assert.notEqual(await text(extra), plain, JSON.stringify(extra));
  }
  assert.equal(await text({ temperature: 1, top_k: 1 }), plain);
});

const refusals: [string, unknown, Record<string, string>, number, string, string | null, RegExp][] = [
  ['malformed JSON', '{"prompt":', {}, 400, 'malformed_json', null, /^the body is not valid JSON( \(.*\))?$/],
  ['empty body', '', {}, 400, 'malformed_json', null, /^the body is empty/],
  [
    'not JSON',
    'x',
    { 'content-type': 'text/plain' },
    415,
    'unsupported_media_type',
    null,
    /Content-Type: application\/json/,
  ],
  [
    'too large',
    { prompt: 'x'.repeat(5 * 2 ** 20) },
    {},
    413,
    'request_too_large',
    null,
    /larger than the 4194304 bytes that this server takes/,
  ],
  ['wrong type', { temperature: 'hot' }, {}, 400, 'invalid_value', 'temperature', /expected a number, not "hot"/],
  [
    'in Chinese',
    { temperature: 'hot' },
    { 'accept-language': 'zh-CN' },
    400,
    'invalid_value',
    'temperature',
    /应为数字，而不是"hot"/,
  ],
  [
    'too many prompts',
    { prompt: new Array(129).fill('春') },
    {},
    400,
    'invalid_value',
    'prompt',
    /at most 128 .* several/,
  ],
  [
    'foreign bias',
    { logit_bias: { 300: 1 } },
    {},
    400,
    'invalid_value',
    'logit_bias',
    /ids of this model go from 0 to 266/,
  ],
  [
    'other model',
    { model: 'gpt-9' },
    {},
    404,
    'model_not_found',
    'model',
    /'gpt-9' is not served here; ask for 'yuan-tiny'/,
  ],
  [
    'long prompt',
    { prompt: '春'.repeat(3 * CONTEXT_LENGTH) },
    {},
    400,
    'context_length_exceeded',
    'prompt',
    /has \d+ tokens, but the context of the model is 512/,
  ],
  [
    'foreign id',
    { prompt: [300] },
    {},
    400,
    'invalid_value',
    'prompt',
    /token id 300; ids of this model go from 0 to 266/,
  ],
  [
    'long prompt, streamed',
    { prompt: '春'.repeat(3 * CONTEXT_LENGTH), stream: true },
    {},
    400,
    'context_length_exceeded',
    'prompt',
    /512/,
  ],
];

for (const [name, body, headers, status, code, param, message] of refusals) {
  test(`refused with OpenAI's error body: ${name}`, async () => {
    const response = await post(body, headers);
    assert.equal(response.statusCode, status);
    const { error } = errorBodySchema.strict().parse(response.json());
    assert.deepEqual([error.code, error.param, error.type], [code, param, 'invalid_request_error']);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
  });
}

test('an unknown address and a wrong method are told in JSON', async () => {
  const response = await app.inject('/v1/chats?x=1');
  assert.equal(response.statusCode, 404);
  assert.match(
    errorBodySchema.parse(response.json()).error.message,
    /^there is no GET \/v1\/chats here: there are POST \/v1\/completions, /,
  );
  const wrong = await app.inject('/v1/completions');
  assert.deepEqual([wrong.statusCode, wrong.headers.allow], [405, 'POST, OPTIONS']);
  assert.equal(errorBodySchema.parse(wrong.json()).error.message, '/v1/completions takes POST, not GET');
});

test('a full queue is 503 with Retry-After; what no waiting would help is 400', async () => {
  using small = new TorchEngine(model, tokenizer, { waitingSize: 2, batchSize: 1 });
  const server = buildServer({ ...options, models: new Map([['yuan-tiny', small]]) });
  const ask = (payload: object) => server.app.inject({ method: 'POST', url: '/v1/completions', payload });
  const first = small.submit({
    prompts: ['春'],
    choices: 2,
    maxTokens: 50,
    logitBias: new Map([[tokenizer.eod, -100]]),
  });
  const response = await ask({ prompt: '春', n: 2 });
  assert.deepEqual([response.statusCode, response.json().error.code], [503, 'engine_overloaded']);
  assert.match(String(response.headers['retry-after']), /^[1-5]$/);
  for await (const _ of first) break;
  const never = await ask({ prompt: '春', n: 3 });
  assert.deepEqual([never.statusCode, never.json().error.param], [400, 'n']);
});

test('a request that has queued as long as is allowed is 503 with Retry-After, before a stream begins too', async () => {
  using small = new TorchEngine(model, tokenizer, { batchSize: 1, waitSeconds: 1e-6 });
  const server = buildServer({ ...options, models: new Map([['yuan-tiny', small]]) });
  const running = small.submit({ prompts: ['春'], choices: 9, maxTokens: 50 });
  for await (const _ of running) {
    const asked = { method: 'POST', url: '/v1/completions', payload: { prompt: '秋', stream: true } } as const;
    const response = await server.app.inject(asked);
    assert.deepEqual([response.statusCode, response.json().error.code], [503, 'queue_timeout']);
    assert.match(String(response.headers['retry-after']), /^\d+$/);
    break;
  }
});

test('best_of makes more answers than it gives: the likeliest, the best first', async () => {
  const ask = async (payload: object) => {
    const body = { prompt: '春眠', max_tokens: 8, seed: 5, temperature: 1.5, logprobs: 0, ...payload };
    return completionSchema.parse((await app.inject({ method: 'POST', url: '/v1/completions', payload: body })).json());
  };
  const all = await ask({ n: 6 });
  const mean = ({ logprobs }: (typeof all.choices)[number]) =>
    logprobs!.token_logprobs.reduce<number>((sum, one) => sum + one!, 0) / logprobs!.token_logprobs.length;
  const ranked = all.choices.toSorted((a, b) => mean(b) - mean(a));
  assert.notDeepEqual(ranked, all.choices);
  const best = await ask({ n: 2, best_of: 6 });
  assert.deepEqual(
    best.choices.map(({ index, text }) => [index, text]),
    ranked.slice(0, 2).map(({ text }, index) => [index, text]),
  );
  assert.equal(best.usage?.completion_tokens, all.usage?.completion_tokens);
});

test('a failure of ours is 500 with the request id, and goes to the log in full', async () => {
  using broken = LanguageModel.create(SIZES, { seed: 1 });
  noGrad(() => broken.namedParameters().get('transformer.ln_f.bias')!.fill_(Number.NaN));
  using failing = new TorchEngine(broken, tokenizer);
  const failures: [unknown, string][] = [];
  const server = buildServer({
    ...options,
    models: new Map([['yuan-tiny', failing]]),
    onFailure: (...failure) => failures.push(failure),
  });
  const inject = (payload: object) => server.app.inject({ method: 'POST', url: '/v1/completions', payload });
  const whole = await inject({ prompt: '春' });
  assert.equal(whole.statusCode, 500);
  assert.doesNotMatch(whole.body, /NaN/);
  assert.match(whole.json().error.message, new RegExp(String(whole.headers['x-request-id'])));
  const streamed = events((await inject({ prompt: '春', stream: true })).body);
  assert.equal(JSON.parse(streamed.at(-1)!).error.code, 'internal_error');
  assert.deepEqual(
    failures.map(([error]) => error instanceof Error && /NaN/.test(error.message)),
    [true, true],
  );
});

test('health tells the load; the page is served with a policy', async () => {
  assert.deepEqual((await app.inject('/healthz')).json(), {
    status: 'ok',
    running: 0,
    waiting: 0,
    models: [{ id: 'yuan-tiny', engine: 'torch', device: 'cpu', state: 'loaded', running: 0, waiting: 0 }],
  });
  const page = await app.inject('/');
  assert.match(page.body, /图南/);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
  assert.equal((await buildServer({ models: new Map([['x', engine]]) }).app.inject('/')).statusCode, 404);
});

const isBusy = () => engine.occupancy.running > 0;
const LONG = { prompt: '春', max_tokens: 400, stream: true, logit_bias: NO_END };

async function postTo(url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body), ...(signal !== undefined && { signal }) };
  return await fetch(`${url}/v1/completions`, init);
}

/** Waits until the engine is empty; fails when that takes as long as answering would (one step a turn). */
async function becomesEmpty(): Promise<void> {
  for (let turn = 0; engine.occupancy.running + engine.occupancy.waiting > 0; turn++) {
    assert.ok(turn < 1000, 'the engine still works for a client that has left');
    await new Promise(setImmediate);
  }
}

test('over a socket: chunks come one by one, and a client that leaves frees its places', async () => {
  const serving = await serve({ ...options, port: 0 });
  // 100 answers of 400 tokens in batches of 16 take 2 800 steps.
  const large = { ...LONG, n: 100 };
  const abort = new AbortController();
  const response = await postTo(serving.url, large, abort.signal);
  const reader = response.body!.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /^data: \{"id":"cmpl-/);
  assert.ok(isBusy());
  abort.abort();
  await becomesEmpty();
  const whole = new AbortController();
  const pending = postTo(serving.url, { ...large, stream: false }, whole.signal);
  while (!isBusy()) await new Promise(setImmediate);
  whole.abort();
  await assert.rejects(pending, { name: 'AbortError' });
  await becomesEmpty();
  await serving.close();
});

test('closing lets a stream finish, and refuses what comes after', async () => {
  const serving = await serve({ ...options, port: 0 });
  const response = await postTo(serving.url, { ...LONG, max_tokens: 60 });
  const closed = serving.close();
  const payloads = events(await response.text());
  assert.equal(payloads.at(-1), '[DONE]');
  await closed;
  await assert.rejects(postTo(serving.url, LONG), /fetch failed/);
});

test('a stream that outlives the patience of closing is told why it ends', async () => {
  const serving = await serve({ ...options, port: 0, drainMilliseconds: 1 });
  const response = await postTo(serving.url, LONG);
  const closed = serving.close();
  const payloads = events(await response.text());
  assert.equal(JSON.parse(payloads.at(-1)!).error.code, 'server_closing');
  await closed;
  assert.equal(engine.occupancy.running, 0);
});

test('a port that this user has no right to is told in one line with the way out', (t) => {
  const first = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  if (!existsSync(first) || Number(readFileSync(first, 'utf8')) <= FORBIDDEN_PORT) {
    t.skip('everyone may listen on every port of this system');
    return;
  }
  // The modules are loaded before the rights are given away: another user may not read them.
  const program = `import { requireAddress } from '@tunan/api';
    if (process.getuid() === 0) process.setuid(65534);
    await requireAddress({ host: '127.0.0.1', port: ${FORBIDDEN_PORT}, hasAccounts: false })
      .then(() => console.log('listens'), (error) => console.log(JSON.stringify([error.code, error.message])));`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    ...{ cwd: import.meta.dirname, encoding: 'utf8' },
  });
  assert.deepEqual(JSON.parse(said), [
    'API_PORT_FORBIDDEN',
    `this user may not listen on port ${FORBIDDEN_PORT}: choose one above 1023 with --port N`,
  ]);
});

test('a port in use is told in one line with the way out', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(serve({ ...options, port: address.port }), {
    code: 'API_PORT_IN_USE',
    message: `port ${address.port} of 127.0.0.1 is in use: choose another with --port N, or any free one with --port 0`,
  });
  other.close();
});

test('an address that is not of this machine is told', async () => {
  await assert.rejects(serve({ ...options, port: 0, host: '192.0.2.1', open: true }), {
    code: 'API_BAD_ADDRESS',
    message: /--host/,
  });
  await assert.rejects(serve({ ...options, port: 99_999 }), { code: 'API_BAD_ADDRESS', message: /^99999 is no port/ });
});
