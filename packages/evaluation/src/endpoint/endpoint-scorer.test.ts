import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { EvaluationError } from '../errors.ts';
import { EndpointScorer, scoreBehind } from './endpoint-scorer.ts';

type Body = {
  readonly prompt: string[];
  readonly max_tokens: number;
  readonly begin_document?: boolean;
  readonly echo: boolean;
};
type Answer = { readonly status: number; readonly json: unknown; readonly headers?: Record<string, string> };

/** A real server on a free port; `answer` makes the reply to `/completions`. */
async function serving(
  answer: (body: Body, call: number) => Answer,
  use: (url: string, bodies: Body[]) => Promise<void>,
  models: unknown = { data: [{ id: 'character-model', max_model_len: 96 }] },
): Promise<void> {
  const bodies: Body[] = [];
  const reply = (response: ServerResponse, { status, json, headers = {} }: Answer) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
  };
  const server = createServer(async (request: IncomingMessage, response) => {
    if (request.url === '/v1/models') return reply(response, { status: 200, json: models });
    if (request.url !== '/v1/completions') return reply(response, { status: 404, json: {} });
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Body;
    bodies.push(body);
    reply(response, answer(body, bodies.length));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** One token a character, whose log-probability is minus its place in the text; the first has none unless told. */
function characters(body: Body, first: number | null): Answer {
  const choices = body.prompt.map((prompt, index) => {
    const tokens = [...prompt, ...Array(body.max_tokens).fill('完')];
    const token_logprobs = tokens.map((_, i) => (i === 0 ? first : -i));
    const text_offset = tokens.map((_, i) => tokens.slice(0, i).join('').length);
    return { index, text: tokens.join(''), logprobs: { tokens, token_logprobs, text_offset } };
  });
  // The order of the answers is not that of the texts: the index says which is which.
  return { status: 200, json: { choices: choices.toReversed() } };
}

const withoutFirst = (body: Body): Answer => characters(body, null);

const request = {
  context: ['甲乙', '丙'],
  candidates: [
    { given: '丁', scored: '戊己' },
    { given: '', scored: '庚' },
  ],
};

test('scores what stands behind the boundary, in the order asked, behind a line feed where no document begins', async () => {
  await serving(withoutFirst, async (url, bodies) => {
    const scorer = await EndpointScorer.connect({ url, batch: 3 });
    assert.equal(scorer.contextLength, 96);
    assert.match(scorer.identity, /character-model/);
    const done: number[] = [];
    const requests = Array.from({ length: 10 }, () => request);
    const scores = await scorer.score(requests, { onProgress: (count) => done.push(count) });
    const expected = [
      { logprob: -5 - 6, tokens: 2 },
      { logprob: -4, tokens: 1 },
    ];
    assert.deepEqual(scores, Array(10).fill(expected));
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.ok(bodies.slice(2).every(({ prompt }) => prompt.length <= 3 && prompt.every((text) => text[0] === '\n')));
    assert.deepEqual(await scorer.score([{ ...request, firstTokenOnly: true }]), [
      [
        { logprob: -5, tokens: 1 },
        { logprob: -4, tokens: 1 },
      ],
    ]);
  });
});

test('uses begin_document where the endpoint knows it', async () => {
  await serving(
    (body) => characters(body, body.begin_document ? -1 : null),
    async (url) => {
      const scorer = await EndpointScorer.connect({ url });
      const scores = await scorer.score([{ context: [], candidates: [{ given: '', scored: '甲乙' }] }]);
      assert.deepEqual(scores, [[{ logprob: -2, tokens: 2 }]]);
    },
  );
});

test('one generated token does not count where the endpoint insists on it', async () => {
  const strict = (body: Body): Answer =>
    body.max_tokens === 0 || 'begin_document' in body ? { status: 400, json: { error: 'no' } } : withoutFirst(body);
  await serving(strict, async (url) => {
    const scorer = await EndpointScorer.connect({ url });
    assert.deepEqual(await scorer.score([{ ...request, candidates: [request.candidates[1]!] }]), [
      [{ logprob: -4, tokens: 1 }],
    ]);
  });
});

test('an endpoint without log-probabilities, or none at all, is one clear error', async () => {
  const silent = ({ prompt }: Body): Answer => ({
    status: 200,
    json: { choices: prompt.map((text, index) => ({ index, text, logprobs: null })) },
  });
  await serving(silent, async (url) => {
    await assert.rejects(EndpointScorer.connect({ url }), (error: EvaluationError) => {
      assert.equal(error.code, 'EVALUATION_NO_LOGPROBS');
      assert.match(error.message, /gives no log-probabilities .* such as tunan serve or vLLM/);
      return true;
    });
  });
  const noEcho = ({ prompt }: Body): Answer => ({
    status: 200,
    json: { choices: prompt.map((_, index) => ({ index, text: '完' })) },
  });
  await serving(noEcho, async (url) => {
    await assert.rejects(EndpointScorer.connect({ url }), { code: 'EVALUATION_NO_LOGPROBS' });
  });
  await serving(withoutFirst, async (url) => {
    await assert.rejects(EndpointScorer.connect({ url: `${url}/elsewhere`, model: 'x' }), EvaluationError);
  });
});

test('busy answers are tried again, refusals are not', async () => {
  let refused = 0;
  const busy = (body: Body, call: number): Answer => {
    if (call % 2 === 0) return { status: 429, json: {}, headers: { 'retry-after': '0' } };
    if (body.prompt.some((text) => text.includes('禁'))) {
      refused++;
      return { status: 403, json: { error: 'forbidden' } };
    }
    return characters(body, -1);
  };
  await serving(busy, async (url, bodies) => {
    const scorer = await EndpointScorer.connect({ url, batch: 1, parallel: 1 });
    const before = bodies.length;
    assert.equal((await scorer.score([request, request])).length, 2);
    assert.ok(bodies.length > before + 4, 'no request was tried again');
    const bad = { context: [], candidates: [{ given: '', scored: '禁' }] };
    await assert.rejects(scorer.score([bad]), { code: 'EVALUATION_ENDPOINT', message: /403: .*forbidden/ });
    assert.equal(refused, 1);
  });
});

test('offsets are read as code points or UTF-16 units, whichever the endpoint counts', () => {
  const text = '𠮷甲乙丙';
  const tokens = ['𠮷', '甲', '乙', '丙'];
  const logprobs = [-1, -2, -4, -8];
  for (const offsets of [
    [0, 1, 2, 3],
    [0, 2, 3, 4],
  ]) {
    assert.deepEqual(scoreBehind({ text, tokens, logprobs, offsets }, '𠮷甲', false), { logprob: -12, tokens: 2 });
  }
});

test('a token across the boundary counts, pieces of characters count with theirs', () => {
  const straddling = { text: '甲乙丙', tokens: ['甲', '乙丙'], logprobs: [-1, -2], offsets: [0, 1] };
  assert.deepEqual(scoreBehind(straddling, '甲乙', false), { logprob: -2, tokens: 1 });
  const pieces = {
    text: '甲乙',
    tokens: ['bytes:\\xe7', 'bytes:\\x94\\xb2', 'bytes:\\xe4', 'bytes:\\xb9\\x99'],
    logprobs: [-1, -2, -4, -8],
    offsets: [0, 0, 1, 1],
  };
  assert.deepEqual(scoreBehind(pieces, '甲', false), { logprob: -12, tokens: 2 });
  assert.deepEqual(scoreBehind(pieces, '', false), { logprob: -15, tokens: 4 });
});
