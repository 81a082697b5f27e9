/** Traces of requests, sent to a collector of the test's own: which spans, what stands in them, and what does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { buildServer, serve } from '@tunan/api';
import { Tracing } from '@tunan/api/tracing';
import { RemoteEngine } from '@tunan/inference';
import { tinyEngine } from './tiny-engine.ts';

const { engine, close } = await tinyEngine();
after(close);

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number };
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** As OTLP/HTTP asks: POST /v1/traces with JSON. */
async function collector() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      assert.deepEqual([request.method, request.url], ['POST', '/v1/traces']);
      const body = Buffer.concat(chunks);
      bodies.push(String(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const spans = () =>
    bodies.flatMap((body) => {
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
      };
      return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans,
    close: () => server.close(),
  };
}

const attributeOf = ({ attributes }: Span, key: string) => {
  const found = attributes.find((one) => one.key === key)?.value;
  return found === undefined ? undefined : Object.values(found)[0];
};

test('a span for each request below /v1, its stages within it, and no texts, keys or addresses', async () => {
  const { url, bodies, spans, close: end } = await collector();
  const tracing = new Tracing(url, (message) => assert.fail(message));
  const serving = await serve({ models: new Map([['诗', engine]]), apiKeys: ['geheim'], tracer: tracing, port: 0 });
  const traceId = 'a'.repeat(32);
  const ask = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(serving.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer geheim', ...headers },
      body: JSON.stringify(body),
    });
  const asked = { model: '诗', messages: [{ role: 'user', content: '春眠不觉晓' }], max_tokens: 4 };
  await (await ask('/v1/chat/completions', asked)).text();
  const traceparent = `00-${traceId}-${'b'.repeat(16)}-01`;
  await (await ask('/v1/completions?x=1', { prompt: '春眠', stream: true, max_tokens: 4 }, { traceparent })).text();
  await (await ask('/v1/completions', { prompt: '春眠', temperature: 9 })).text();
  await (await ask('/v1/chat/completions', asked, { authorization: 'Bearer falsch' })).text();
  await fetch(`${serving.url}/healthz`);
  await serving.close();
  await tracing[Symbol.asyncDispose]();
  end();

  const found = spans();
  const requests = found.filter(({ name }) => name.startsWith('POST'));
  assert.deepEqual(
    requests.map((span) => [span.name, Number(attributeOf(span, 'http.response.status_code'))]),
    [
      ['POST /v1/chat/completions', 200],
      ['POST /v1/completions', 200],
      ['POST /v1/completions', 400],
      ['POST /v1/chat/completions', 401],
    ],
  );
  for (const request of requests.slice(0, 2)) {
    const stages = found.filter(({ parentSpanId }) => parentSpanId === request.spanId);
    assert.deepEqual(
      stages.map(({ name }) => name),
      ['queue', 'prefill', 'decode'],
    );
    let before = BigInt(request.startTimeUnixNano);
    for (const { startTimeUnixNano, endTimeUnixNano, traceId, status } of stages) {
      assert.ok(BigInt(startTimeUnixNano) >= before && BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano));
      assert.deepEqual([traceId, status.code], [request.traceId, 0]);
      before = BigInt(startTimeUnixNano);
    }
    assert.equal(attributeOf(request, 'gen_ai.request.model'), '诗');
    assert.ok(Number(attributeOf(request, 'gen_ai.usage.output_tokens')) > 0);
  }
  assert.deepEqual([requests[1]!.traceId, requests[1]!.parentSpanId], [traceId, 'b'.repeat(16)]);
  assert.equal(found.length, 4 + 6, 'nothing of /healthz, no stages of what was refused');
  assert.doesNotMatch(bodies.join(), /春|geheim|falsch|127\.0\.0\.1|x=1/);
});

test('an answer that is left or fails says so; a collector that is away costs no request', async () => {
  const { url, spans, close: end } = await collector();
  const tracing = new Tracing(`${url}/v1/traces`, (message) => assert.fail(message));
  const broken = {
    contextLength: 64,
    close: () => undefined,
    occupancy: { running: 0, waiting: 0 },
    submit: () => {
      throw new Error('春');
    },
  };
  const models = new Map([
    ['m', engine],
    ['broken', broken as unknown as typeof engine],
  ]);
  const serving = await serve({ models, tracer: tracing, port: 0, onFailure: () => undefined });
  const post = (body: object) =>
    fetch(`${serving.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const stream = await post({ model: 'm', prompt: '春', stream: true, max_tokens: 2_000, ignore_eos: true });
  const reader = stream.body!.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal((await post({ model: 'broken', prompt: '春' })).status, 500);
  await serving.close();
  await tracing[Symbol.asyncDispose]();
  end();
  const failed = spans().find((span) => attributeOf(span, 'http.response.status_code') === 500);
  assert.equal(failed?.status.code, 2);
  const left = spans().find((span) => attributeOf(span, 'http.response.status_code') === 499);
  const cut = spans().find(({ name, parentSpanId }) => name === 'decode' && parentSpanId === left?.spanId);
  assert.equal(cut?.status.code, 2);

  const troubles: string[] = [];
  const away = new Tracing('http://127.0.0.1:9', (message) => void troubles.push(message));
  const other = await serve({ models: new Map([['m', engine]]), tracer: away, port: 0 });
  const answer = await fetch(`${other.url}/v1/models`);
  assert.equal(answer.status, 200);
  await answer.text();
  await other.close();
  await away[Symbol.asyncDispose]().catch((error: unknown) => troubles.push(String(error)));
  assert.ok(troubles.length > 0);
  assert.throws(() => new Tracing('here', () => undefined), /--otlp http:/);
});

test('the server that runs the model goes on from the span of the server in front, and sends what that one sends', async () => {
  const [front, behind] = [await collector(), await collector()];
  const fail = (message: string) => assert.fail(message);
  const tracers = {
    // Of traces without a parent none, so that every one that is seen was decided by the caller.
    front: new Tracing(front.url, fail, {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    }),
    behind: new Tracing(behind.url, fail, {}),
  };
  const running = await serve({ models: new Map([['m', engine]]), tracer: tracers.behind, port: 0 });
  const remote = await RemoteEngine.connect(`${running.url}/v1`);
  const models = new Map([['m', remote]]);
  const serving = await serve({ models, tracer: tracers.front, port: 0 });
  const untraced = await serve({ models, port: 0 });
  const ask = async (url: string, path: string, body: object, traceparent?: string) => {
    const headers = { 'content-type': 'application/json', ...(traceparent !== undefined && { traceparent }) };
    const answer = await fetch(`${url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, await answer.text());
  };
  const parent = (letter: string, flags: string) => `00-${letter.repeat(32)}-${'b'.repeat(16)}-${flags}`;
  const generating = { prompt: '春', max_tokens: 2 };
  await ask(serving.url, 'completions', generating, parent('a', '01'));
  await ask(serving.url, 'embeddings', { input: '春' }, parent('c', '01'));
  await ask(serving.url, 'completions', generating, parent('d', '00'));
  await ask(serving.url, 'completions', generating);
  await ask(untraced.url, 'completions', generating, parent('e', '01'));
  await ask(untraced.url, 'completions', generating, 'of another kind');
  for (const server of [untraced, serving]) await server.close();
  remote.close();
  await running.close();
  for (const tracer of Object.values(tracers)) await tracer[Symbol.asyncDispose]();
  for (const one of [front, behind]) one.close();

  const requestsOf = ({ spans }: { spans(): Span[] }) => spans().filter(({ name }) => name.startsWith('POST'));
  const [own, theirs] = [requestsOf(front), requestsOf(behind)];
  assert.deepEqual(
    own.map(({ name, traceId, parentSpanId }) => [name, traceId[0], parentSpanId?.[0]]),
    [
      ['POST /v1/completions', 'a', 'b'],
      ['POST /v1/embeddings', 'c', 'b'],
    ],
  );
  assert.deepEqual(
    theirs.slice(0, 3).map(({ name, traceId, parentSpanId }) => [name, traceId, parentSpanId]),
    [
      ['POST /v1/completions', 'a'.repeat(32), own[0]!.spanId],
      ['POST /v1/embeddings', 'c'.repeat(32), own[1]!.spanId],
      ['POST /v1/completions', 'e'.repeat(32), 'b'.repeat(16)],
    ],
  );
  // What is no traceparent is not handed on: the server behind begins a trace.
  assert.deepEqual([theirs.length, theirs[3]?.parentSpanId ?? ''], [4, '']);
});

test('samplers by the variables of OpenTelemetry; what is none is told', async () => {
  const sent = async (environment: Record<string, string>, traceparent?: string) => {
    const { url, spans, close: end } = await collector();
    const tracing = new Tracing(url, (message) => assert.fail(message), environment);
    const { app } = buildServer({ models: new Map([['m', engine]]), tracer: tracing });
    await app.inject({ url: '/v1/models', headers: traceparent === undefined ? {} : { traceparent } });
    await app.close();
    await tracing[Symbol.asyncDispose]();
    end();
    return spans().length;
  };
  const [low, high] = [`00-${'a'.repeat(32)}`, `00-${'f'.repeat(8)}${'0'.repeat(23)}1`];
  const span = 'b'.repeat(16);
  const half = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' };
  assert.deepEqual([await sent({}), await sent({ OTEL_TRACES_SAMPLER: 'always_off' })], [1, 0]);
  assert.deepEqual(
    [await sent({}, `${low}-${span}-00`), await sent({ OTEL_TRACES_SAMPLER: 'always_on' }, `${low}-${span}-00`)],
    [0, 1],
  );
  assert.deepEqual(
    [await sent(half, `${low}-${span}-01`), await sent(half, `${high}-${span}-01`)],
    [1, 0],
    'by the trace alone',
  );
  assert.equal(await sent({ ...half, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, `${high}-${span}-01`), 1);
  assert.equal(await sent({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }), 0);
  const made = (environment: Record<string, string>) => () =>
    new Tracing('http://127.0.0.1:9', () => undefined, environment);
  const traces = { code: 'API_TRACES' };
  assert.throws(made({ OTEL_TRACES_SAMPLER: 'jaeger_remote' }), {
    ...traces,
    message: /choose one of always_on/,
    chinese: /可取/,
  });
  for (const share of ['-0.1', '1.5', 'half', 'NaN'])
    assert.throws(made({ ...half, OTEL_TRACES_SAMPLER_ARG: share }), { ...traces, message: /from 0 to 1/ });
});
