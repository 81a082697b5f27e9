/** What clients of other makers send, and what a server on the open net meets: bodies, headers, addresses, broken lines. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { buildServer, type RequestEntry, type ServerOptions, serve } from '@tunan/api';
import { completionSchema, type ErrorBody, errorBodySchema } from '@tunan/protocol';
import iconv from 'iconv-lite';
import { tinyEngine } from './tiny-engine.ts';

const { engine, tokenizer, close } = await tinyEngine();
const failures: unknown[] = [];
const entries: RequestEntry[] = [];
const options: ServerOptions = {
  models: new Map([['yuan-tiny', engine]]),
  onFailure: (error) => failures.push(error),
  onRequest: (entry) => entries.push(entry),
};
const { app } = buildServer(options);
const serving = await serve({ ...options, port: 0 });
after(async () => {
  await serving.close();
  close();
});

async function post(payload: string | Buffer | object, headers: Record<string, string> = {}) {
  const all = { 'content-type': 'application/json', ...headers };
  const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
  return await app.inject({ method: 'POST', url: '/v1/completions', headers: all, payload: body });
}

const errorOf = (response: { json(): unknown }): ErrorBody['error'] =>
  errorBodySchema.strict().parse(response.json()).error;

test('a body that is no UTF-8 is refused, whatever it says it is; a mark is taken', async () => {
  const json = '{"prompt":"春江","max_tokens":1,"echo":true}';
  for (const [body, type] of [
    [iconv.encode(json, 'gbk'), 'application/json'],
    [iconv.encode(json, 'gbk'), 'application/json; charset=utf-8'],
    [iconv.encode(json, 'big5'), 'application/json'],
    [Buffer.from(`\ufeff${json}`, 'utf16le'), 'application/json'],
    [Buffer.from(json).subarray(0, 13), 'application/json'],
  ] as const) {
    const response = await post(body, { 'content-type': type });
    assert.equal(response.statusCode, 400);
    const { code, message } = errorOf(response);
    assert.equal(code, 'malformed_body');
    assert.match(message, /^the body is not UTF-8: .*RFC 8259/);
  }
  const named = await post(iconv.encode(json, 'gbk'), { 'content-type': 'application/json; charset=gbk' });
  assert.match(errorOf(named).message, /said to be in gbk: send JSON in UTF-8/);
  for (const [body, type] of [
    [`\ufeff${json}`, 'application/json'],
    [json, 'application/json;charset="UTF-8"'],
    [json, 'application/vnd.api+json'],
  ] as const) {
    const response = await post(body, { 'content-type': type });
    assert.ok(completionSchema.parse(response.json()).choices[0]!.text.startsWith('春江'));
  }
});

test('fields that are not known are ignored and named; wrong values of known ones are refused', async () => {
  const body = '{"prompt":"春","max_tokens":1,"max_token":9,"guided_json":{},"__proto__":{"n":3},"题":1}';
  const response = await post(body);
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['x-ignored-fields'], 'max_token, guided_json, __proto__, %E9%A2%98');
  assert.equal(completionSchema.parse(response.json()).choices.length, 1);
  const streamed = await post({
    prompt: '春',
    max_tokens: 1,
    stream: true,
    stream_options: { include_obfuscation: true, include_usage: true },
    store: true,
  });
  assert.equal(streamed.headers['x-ignored-fields'], 'store, stream_options.include_obfuscation');
  assert.match(streamed.body, /\[DONE\]/);
  const plain = await post({
    prompt: '春',
    max_tokens: 1,
    suffix: null,
    top_k: -1,
    min_p: 0.1,
    repetition_penalty: 1.1,
  });
  assert.deepEqual([plain.statusCode, plain.headers['x-ignored-fields']], [200, undefined]);
  const wrong = await post({ prompt: '春', top_k: 'all', unknown: 1 });
  assert.deepEqual([wrong.statusCode, errorOf(wrong).param], [400, 'top_k']);
});

test('a seed counts with all of its digits, also where a double does not hold them', async () => {
  const text = async (seed: string) => {
    const response = await post(`{"prompt":"春","max_tokens":40,"seed":${seed}}`);
    assert.equal(response.statusCode, 200, response.body);
    return completionSchema.parse(response.json()).choices[0]!.text;
  };
  const one = await text('9007199254740993');
  assert.equal(await text('9007199254740993'), one);
  assert.notEqual(await text('9007199254740992'), one);
  assert.notEqual(await text('18446744073709551615'), await text('18446744073709551614'));
  const wrong = await post('{"prompt":"春","seed":36893488147419103232}');
  assert.deepEqual([wrong.statusCode, errorOf(wrong).param], [400, 'seed']);
});

test('errors are wholly Chinese for who reads Chinese', async () => {
  const zh = { 'accept-language': 'zh-CN' };
  const messages = await Promise.all([
    post({ prompt: '春'.repeat(3000) }, zh),
    post({ prompt: [9999] }, zh),
    post({ model: 'x' }, zh),
    post('{', zh),
    post('', zh),
    post(iconv.encode('{"prompt":"春江"}', 'gbk'), zh),
    post({ temperature: 3, n: 0 }, zh),
    app.inject({ url: '/v1/models/%zz', headers: zh }),
    app.inject({ url: '/v1/completions', headers: zh }),
  ]);
  for (const response of messages) {
    const { message } = errorOf(response);
    assert.match(message, /\p{Script=Han}{3}/u);
    assert.doesNotMatch(message, /[a-z]+ (the|is|are|of|to) [a-z]+/, message);
  }
});

test('addresses of other makers are told what to call instead; so are those without /v1, or with two', async () => {
  const ask = async (url: string) => {
    const response = await app.inject({ method: 'POST', url, payload: { messages: [] } });
    assert.equal(response.statusCode, 404);
    return errorOf(response).message;
  };
  assert.match(await ask('/v1/messages'), /conversations are at POST \/v1\/chat\/completions/);
  for (const url of ['/completions', '/chat/completions']) assert.match(await ask(url), /the API is below \/v1/);
  assert.match(await ask('/v1/v1/completions'), /has \/v1 twice/);
});

test('an address that is nearly right is told what there is', async () => {
  const response = await app.inject({ method: 'POST', url: '/v1/completions/', payload: {} });
  assert.equal(response.statusCode, 404);
  assert.match(
    errorOf(response).message,
    /^there is no POST \/v1\/completions\/ here: there are POST \/v1\/completions, .*GET \/v1\/models, GET \/v1\/models\/\{id\}, .*GET \/readyz/,
  );
  const model = await app.inject({ method: 'DELETE', url: '/v1/models/x' });
  assert.deepEqual([model.statusCode, errorOf(model).message], [405, '/v1/models/x takes GET, not DELETE']);
});

test('OPTIONS tells the methods; pages of other origins may call only where they are named', async () => {
  const preflight = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
  const ask = (server: typeof app, headers: Record<string, string> = preflight) =>
    server.inject({ method: 'OPTIONS', url: '/v1/completions', headers });
  const closed = await ask(app);
  assert.deepEqual([closed.statusCode, closed.headers.allow], [204, 'POST, OPTIONS']);
  assert.equal(closed.headers['access-control-allow-origin'], undefined);
  const named = buildServer({ ...options, corsOrigins: ['https://a.example'] }).app;
  const open = await ask(named, { ...preflight, 'access-control-request-headers': 'authorization,content-type' });
  assert.equal(open.statusCode, 204);
  assert.equal(open.headers['access-control-allow-origin'], 'https://a.example');
  assert.equal(open.headers['access-control-allow-headers'], 'authorization,content-type');
  assert.equal(open.headers.vary, 'origin');
  const other = await ask(named, { ...preflight, origin: 'https://b.example' });
  assert.equal(other.headers['access-control-allow-origin'], undefined);
  const all = buildServer({ ...options, corsOrigins: ['*'] }).app;
  const streamed = await all.inject({
    method: 'POST',
    url: '/v1/completions',
    headers: { origin: 'https://b.example' },
    payload: { prompt: '春', max_tokens: 1, stream: true },
  });
  assert.equal(streamed.headers['access-control-allow-origin'], '*');
  assert.match(String(streamed.headers['access-control-expose-headers']), /x-ignored-fields/);
  const refused = await all.inject({ method: 'POST', url: '/v1/x', headers: { origin: 'null' } });
  assert.equal(refused.headers['access-control-allow-origin'], '*', 'a page reads errors too');
});

test('keys guard the API, not health, metrics and preflights', async () => {
  const guarded = buildServer({ ...options, apiKeys: ['one', '二'], corsOrigins: ['*'] }).app;
  const ask = (authorization?: string) =>
    guarded.inject({ url: '/v1/models', headers: authorization === undefined ? {} : { authorization } });
  for (const wrong of [undefined, 'Bearer', 'Bearer three', 'Basic one', 'Bearer on']) {
    const response = await ask(wrong);
    assert.deepEqual([response.statusCode, errorOf(response).code], [401, 'invalid_api_key'], String(wrong));
  }
  assert.equal((await ask('Bearer one')).statusCode, 200);
  assert.equal((await guarded.inject('/healthz')).statusCode, 200);
  assert.equal((await guarded.inject('/metrics')).statusCode, 200);
  const preflight = { origin: 'https://a.example', 'access-control-request-method': 'GET' };
  assert.equal((await guarded.inject({ method: 'OPTIONS', url: '/v1/models', headers: preflight })).statusCode, 204);
});

test('requests are counted and told, with their tokens and without their texts', async () => {
  const counted = buildServer(options).app;
  entries.length = 0;
  await counted.inject({ method: 'POST', url: '/v1/completions?x=1', payload: { prompt: '春', max_tokens: 4, x: 1 } });
  await counted.inject({ method: 'POST', url: '/v1/completions', payload: { n: 0 } });
  const [answered, refused] = entries;
  const { path, status, promptTokens, completionTokens, ignored } = answered!;
  assert.deepEqual(
    { path, status, promptTokens, ignored },
    { path: '/v1/completions', status: 200, promptTokens: tokenizer.encode('春').length, ignored: ['x'] },
  );
  assert.equal(refused!.status, 400);
  assert.doesNotMatch(JSON.stringify(entries), /春/);
  const text = (await counted.inject('/metrics')).body;
  assert.match(text, /^tunan_requests_total\{status="200"\} 1$/m);
  assert.match(text, /^tunan_requests_total\{status="400"\} 1$/m);
  assert.match(text, new RegExp(`^tunan_completion_tokens_total ${completionTokens}$`, 'm'));
  assert.match(text, /^tunan_sequences_running 0$/m);
  assert.match(text, /^tunan_cached_prompt_tokens_total 0$/m);
  assert.match(text, /^tunan_prefix_cache_bytes \d+$/m);
});

test('every token of the usage has its entry, streamed or not, an <eod> and half a character too', async () => {
  const half = [...Buffer.from('褎')].map((byte) => {
    for (let id = 0; ; id++)
      if (tokenizer.tokenBytes(id).length === 1 && tokenizer.tokenBytes(id)[0] === byte) return id;
  });
  const prompt = [...tokenizer.encode('春'), half[0]!, half[1]!];
  const ask = { prompt, max_tokens: 1, echo: true, logprobs: 1, temperature: 0 };
  for (const [next, text] of [
    [half[2]!, '春褎'],
    [tokenizer.eod, '春'],
  ] as const) {
    const body = { ...ask, logit_bias: { [next]: 100 } };
    const { choices, usage } = completionSchema.parse((await post(body)).json());
    const { tokens, token_logprobs, top_logprobs, text_offset } = choices[0]!.logprobs!;
    assert.equal(choices[0]!.text, text);
    assert.deepEqual([usage!.prompt_tokens, usage!.completion_tokens], [prompt.length, 1]);
    for (const list of [tokens, token_logprobs, top_logprobs, text_offset])
      assert.equal(list.length, prompt.length + 1);
    assert.equal(typeof token_logprobs.at(-1), 'number');
    assert.ok(text_offset.every((offset, i) => offset >= (text_offset[i - 1] ?? 0) && offset <= text.length));
    const events = (await post({ ...body, stream: true })).body.split('\n\n').slice(0, -2);
    const parts = events.map((event) => completionSchema.parse(JSON.parse(event.slice('data: '.length))).choices[0]!);
    assert.equal(parts.map((part) => part.text).join(''), text);
    assert.deepEqual(
      parts.flatMap((part) => part.logprobs!.token_logprobs),
      token_logprobs,
    );
  }
});

/** What the server writes to a socket that is sent these bytes. */
async function exchange(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(serving.url).port), '127.0.0.1');
  socket.end(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test('what is no HTTP, and an address that cannot be decoded, get the error body too', async () => {
  for (const [bytes, status, code] of [
    ['\x16\x03\x01\x02\x00', 400, 'malformed_request'],
    ['GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', 400, 'malformed_request'],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['GET /v1/models/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400, 'malformed_url'],
  ] as const) {
    const [head = '', body = ''] = (await exchange(bytes)).split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
    assert.equal(errorBodySchema.parse(JSON.parse(body)).error.code, code);
  }
  const chinese = await exchange('GET / HTTP/1.1\r\nhost: x\r\naccept-language: zh-CN\r\nbad header\r\n\r\n');
  assert.match(chinese, /这不是 HTTP\/1\.1；本服务器使用 http:\/\/，而非 https:\/\//);
});

test('a body that is too large is answered, however large; one that breaks off is no failure of ours', async () => {
  failures.length = 0;
  const response = await fetch(`${serving.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'x'.repeat(24 * 2 ** 20) }),
  });
  assert.equal(response.status, 413);
  const { error } = errorBodySchema.parse(await response.json());
  assert.match(error.message, /larger than the 4194304 bytes that this server takes/);
  // Who still writes hears nothing: the answer waits for the end of the body.
  const uploads = connect(Number(new URL(serving.url).port), '127.0.0.1');
  let heard = '';
  uploads.on('data', (chunk) => {
    heard += String(chunk);
  });
  const large =
    'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 6000000\r\n\r\n';
  uploads.write(large + 'x'.repeat(5_000_000));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(heard, '');
  uploads.write('x'.repeat(1_000_000));
  await once(uploads, 'close');
  assert.match(heard, /^HTTP\/1.1 413 /);
  entries.length = 0;
  const socket = connect(Number(new URL(serving.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const head =
    'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n';
  socket.write(`${head}{"prompt":`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  while (entries.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(entries[0]!.status, 499);
  assert.deepEqual(failures, []);
});
