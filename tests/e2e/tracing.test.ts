/** Traces of requests, sent to a collector of the test's own: which spans, what stands in them, and what does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { serve } from '@tunan/api';
import { Tracing } from '@tunan/api/tracing';
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
