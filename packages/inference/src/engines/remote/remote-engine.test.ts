/** Servers of other makers, and broken ones; our own in front of each other are in tests/e2e/remote-engine.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { collect } from '../../generate.ts';
import type { GenerationRequest } from '../../request.ts';
import { RemoteEngine } from './remote-engine.ts';

type Answer = (response: ServerResponse, body: Record<string, unknown>) => void;

/** A real server on a free port with one model; `answer` replies to `/completions`. */
async function behind(owner: string, answer: Answer, use: (engine: RemoteEngine) => Promise<void>): Promise<void> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (request.url === '/v1/models') response.end(JSON.stringify({ data: [{ id: 'foreign', owned_by: owner }] }));
    else answer(response, JSON.parse(Buffer.concat(parts).toString()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  using engine = await RemoteEngine.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
  try {
    await use(engine);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Answers with these events, objects as JSON. */
const events =
  (...list: readonly unknown[]): Answer =>
  (response) => {
    response.setHeader('content-type', 'text/event-stream');
    for (const event of list)
      response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\r\n\r\n`);
    response.end();
  };

const ask = (engine: RemoteEngine, request: Partial<GenerationRequest> = {}) =>
  collect(engine.submit({ prompts: ['春'], ...request }));

test('a server of another maker: fields left out, offsets in its own way, usage at the end', async () => {
  const logprobs = (tokens: string[]) => ({
    tokens,
    token_logprobs: tokens.map(() => -1),
    text_offset: tokens.map(() => 99),
  });
  const answer = events(
    { choices: [{ text: '𠮷', logprobs: logprobs(['𠮷']), finish_reason: null }] },
    { choices: [{ text: '野家', logprobs: logprobs(['野', '家']) }], usage: null },
    { choices: [{ text: '', finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 7 } },
    '[DONE]',
  );
  await behind('vllm', answer, async (engine) => {
    assert.equal(engine.contextLength, undefined);
    const { sequences, usage, seed } = await ask(engine, { logprobs: 0 });
    assert.deepEqual([usage, seed], [{ promptTokens: 3, cachedTokens: undefined, completionTokens: 7 }, undefined]);
    assert.deepEqual([sequences[0]!.text, sequences[0]!.finishReason], ['𠮷野家', 'stop']);
    assert.deepEqual(
      sequences[0]!.tokens.map(({ text, offset }) => [text, offset]),
      [
        ['𠮷', 0],
        ['野', 2],
        ['家', 3],
      ],
    );
  });
});

test('a server that does not count: what came is the least that was produced, and the prompt is not known', async () => {
  const answer = events(
    { choices: [{ text: '花' }] },
    { choices: [{ text: '落', finish_reason: 'length' }] },
    '[DONE]',
  );
  await behind('someone', answer, async (engine) => {
    assert.deepEqual((await ask(engine)).usage, {
      promptTokens: undefined,
      cachedTokens: undefined,
      completionTokens: 2,
    });
  });
});

test('an answer is whole that ends with its last reason to end, as that of a server that writes no [DONE]', async () => {
  const answer = events({ choices: [{ text: '花' }] }, { choices: [{ text: '', finish_reason: 'length' }] });
  await behind('someone', answer, async (engine) => {
    const { sequences } = await ask(engine);
    assert.deepEqual([sequences[0]!.text, sequences[0]!.finishReason], ['花', 'length']);
  });
});

test('defaults are not sent, and what the server is not known to honour is refused', async () => {
  const bodies: Record<string, unknown>[] = [];
  const answer: Answer = (response, body) => {
    bodies.push(body);
    events({ choices: [{ text: '花', finish_reason: 'stop' }] }, '[DONE]')(response, body);
  };
  await behind('someone', answer, async (engine) => {
    await ask(engine, { maxTokens: 5 });
    const common = {
      model: 'foreign',
      prompt: '春',
      max_tokens: 5,
      stream: true,
      stream_options: { include_usage: true },
    };
    assert.deepEqual(bodies[0], { ...common, temperature: 1 });
    await ask(engine, { maxTokens: 5, topK: 1 });
    assert.deepEqual(bodies[1], { ...common, temperature: 0 });
    for (const [option, name] of [
      [{ topK: 5 }, 'top_k'],
      [{ frequencyPenalty: 1.5 }, 'frequencyPenalty'],
      [{ beginDocument: true }, 'begin_document'],
    ] as const) {
      assert.throws(() => engine.submit({ prompts: ['春'], ...option }), {
        code: 'INFERENCE_BAD_OPTION',
        option: name,
        message: `${name} is not known to the server that runs this model: leave it out`,
      });
    }
    assert.throws(() => engine.submit({ prompts: ['春', [1]] }), { code: 'INFERENCE_BAD_OPTION', message: /mixed/ });
  });
});

const part = { choices: [{ text: '花' }] };
const broken: [string, Answer, string][] = [
  ['no events', (response) => void response.end('{"choices":[]}'), 'INFERENCE_UPSTREAM_UNFIT'],
  ['no JSON', events('<html>'), 'INFERENCE_UPSTREAM_UNFIT'],
  ['another form', events({ choices: [{ text: 7 }] }), 'INFERENCE_UPSTREAM_UNFIT'],
  ['no end', events(part, '[DONE]'), 'INFERENCE_UPSTREAM_UNFIT'],
  [
    'an end that is none',
    events({ choices: [{ text: '', finish_reason: 'abort' }] }, '[DONE]'),
    'INFERENCE_UPSTREAM_UNFIT',
  ],
  ['a choice too many', events({ choices: [{ text: '花', index: 1 }] }), 'INFERENCE_UPSTREAM_UNFIT'],
  ['broken off', events(part), 'INFERENCE_UPSTREAM_DOWN'],
  ['an error in the middle', events(part, { error: { message: 'out of memory' } }), 'INFERENCE_UPSTREAM_DOWN'],
  [
    'a failure',
    (response) => void response.writeHead(500).end('{"error":{"message":"no"}}'),
    'INFERENCE_UPSTREAM_DOWN',
  ],
  ['busy', (response) => void response.writeHead(429, { 'retry-after': '7' }).end(), 'INFERENCE_QUEUE_FULL'],
  ['no such model', (response) => void response.writeHead(404).end('{}'), 'INFERENCE_UPSTREAM_UNFIT'],
];
for (const [name, answer, code] of broken) {
  test(`told, and not taken for an answer: ${name}`, async () => {
    await behind('vllm', answer, async (engine) => {
      await assert.rejects(ask(engine), (error: Error & { code?: string; chinese?: string; retryAfter?: number }) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.chinese ?? '', /^运行此模型的服务/);
        assert.doesNotMatch(error.message, /127\.0\.0\.1|\n/);
        if (name === 'busy') assert.equal(error.retryAfter, 7);
        return true;
      });
      assert.equal(engine.occupancy.running, 0);
    });
  });
}
