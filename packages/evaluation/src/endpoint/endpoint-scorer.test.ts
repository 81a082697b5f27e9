import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { EvaluationError } from '../errors.ts';
import { readEcho } from './echoed-text.ts';
import { EndpointScorer, scoreBehind } from './endpoint-scorer.ts';

interface Body {
  readonly prompt: string[];
  readonly max_tokens: number;
  readonly begin_document?: boolean;
  readonly echo: boolean;
}
interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers?: Record<string, string>;
}

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
    // A line feed in front, and nothing of the tokenizer known.
    assert.equal(scorer.contextLength, 95);
    assert.equal(scorer.model, 'character-model');
    const done: number[] = [];
    const requests = Array.from({ length: 10 }, () => request);
    const scores = await scorer.score(requests, { onProgress: (count) => done.push(count) });
    const expected = [
      { logprob: -5 - 6, tokens: 2 },
      { logprob: -4, tokens: 1 },
    ];
    assert.deepEqual(scores, Array(10).fill(expected));
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    // Two that find out what the server can, one for the fingerprint.
    assert.ok(bodies.slice(3).every(({ prompt }) => prompt.length <= 3 && prompt.every((text) => text[0] === '\n')));
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
    await assert.rejects(scorer.score([bad]), { code: 'EVALUATION_ENDPOINT_KEY', message: /403: .*forbidden/ });
    assert.equal(refused, 1);
  });
});

test('offsets are read as code points, UTF-16 units or bytes, or not at all', () => {
  const tokens = ['𠮷', '甲', '乙', '丙'];
  const token_logprobs = [-1, -2, -4, -8];
  for (const text_offset of [[0, 1, 2, 3], [0, 2, 3, 4], [0, 4, 7, 10], [5, 6, 7, 8], null, undefined]) {
    const echoed = readEcho('𠮷甲乙丙', '𠮷甲乙丙', { tokens, token_logprobs, text_offset });
    assert.deepEqual(scoreBehind(echoed, '𠮷甲', false), { logprob: -12, tokens: 2 });
  }
});

test('a token across the boundary counts, pieces of characters count with theirs', () => {
  const read = (text: string, tokens: string[], token_logprobs: (number | null)[], text_offset?: number[]) =>
    readEcho(text, text, { tokens, token_logprobs, text_offset });
  const straddling = read('甲乙丙', ['甲', '乙丙'], [-1, -2], [0, 1]);
  assert.deepEqual(scoreBehind(straddling, '甲乙', false), { logprob: -2, tokens: 1 });
  const written = ['bytes:\\xe7', 'bytes:\\x94\\xb2', 'bytes:\\xe4', 'bytes:\\xb9\\x99'];
  const pieces = read('甲乙', written, [-1, -2, -4, -8], [0, 0, 1, 1]);
  assert.deepEqual(scoreBehind(pieces, '甲', false), { logprob: -12, tokens: 2 });
  assert.deepEqual(scoreBehind(pieces, '', false), { logprob: -15, tokens: 4 });
  // As vLLM writes them: a beginning that the text has not, offsets that count tokens as written, pieces as U+FFFD.
  const shown = read('天𠮷好', ['<s>', '天', '\ufffd', '\ufffd', '好'], [null, -1, -2, -4, -8], [0, 3, 4, 5, 6]);
  assert.deepEqual(scoreBehind(shown, '天', false), { logprob: -14, tokens: 3 });
  const held = read('天𠮷好', ['天', '', '𠮷', '好'], [-1, -2, -4, -8], [0, 1, 1, 2]);
  assert.deepEqual(scoreBehind(held, '天', false), { logprob: -14, tokens: 3 });
  const sentencePiece = read('a 甲', ['▁a', '▁', '<0xE7>', '<0x94>', '<0xB2>'], [-1, -2, -4, -8, -16]);
  assert.deepEqual(scoreBehind(sentencePiece, 'a ', false), { logprob: -28, tokens: 3 });
  const mixed = read('𠮷𡈽好', ['\ufffd', '\ufffd', '\ufffd', '好'], [-1, -2, -4, -8]);
  assert.throws(() => scoreBehind(mixed, '𠮷', false), {
    code: 'EVALUATION_NO_LOGPROBS',
    message: /it is not known where/,
  });
});

test('text, tokens, offsets and log-probabilities that contradict each other are refused', () => {
  const text = '甲乙丙丁';
  const whole = { tokens: [...text], token_logprobs: [null, -1, -2, -4], text_offset: [0, 1, 2, 3] };
  assert.equal(readEcho(text, text, whole).tokens.length, 4);
  const cut = <Item>(items: readonly Item[]) => items.slice(0, 2);
  const wrong: [Partial<typeof whole>, RegExp, string?][] = [
    [
      { tokens: cut(whole.tokens), token_logprobs: cut(whole.token_logprobs), text_offset: [0, 1] },
      /2 tokens cover 2 of .* 4/,
    ],
    [{ tokens: [...'甲乙丙'] }, /3 tokens with 4 log-probabilities/],
    [{ text_offset: [0, 0, 0, 0] }, /text_offset of token 1 is 0, but the token begins at 1/],
    [{ text_offset: [0, 1, 3, 2] }, /text_offset of token 2/],
    [{ text_offset: [0, 1, 2] }, /3 offsets/],
    [{ tokens: [...'甲丙乙丁'] }, /token 1 is "丙" where the text has "乙丙丁"/],
    [{ tokens: ['甲', '乙', '', '丁'], token_logprobs: [null, -1, -2, -3] }, /text_offset|token/],
    [{ token_logprobs: [null, -1, -9999, -4] }, /"丙" is -9999/],
    [{ token_logprobs: [null, -1, null, -4] }, /"丙" is null/],
    [{ token_logprobs: [null, -1, 2.5, -4] }, /"丙" is 2.5/],
    [{}, /does not begin with the text sent/, '甲乙'],
    [{ tokens: ['甲', '乙', '丙', '丁戊'] }, /what was generated/, '甲乙丙丁戊'],
  ];
  for (const [change, message, answered = text] of wrong) {
    assert.throws(() => readEcho(text, answered, { ...whole, ...change }), { message }, JSON.stringify(change));
  }
});

test('a server that leaves tokens out, or numbers its answers twice, ends the run with one clear line', async () => {
  const lacking = (body: Body, call: number): Answer => {
    const answer = characters(body, null);
    const { choices } = answer.json as { choices: { index: number; logprobs: { tokens: string[] } }[] };
    if (call > 3) for (const { logprobs } of choices) for (const list of Object.values(logprobs)) list.pop();
    return answer;
  };
  const twice = (body: Body, call: number): Answer => {
    const answer = characters(body, null);
    const { choices } = answer.json as { choices: { index: number }[] };
    if (call > 3) for (const choice of choices) choice.index = 0;
    return answer;
  };
  const cases: [typeof lacking, RegExp][] = [
    [lacking, /tokens cover .* scores made of them would be wrong/],
    [twice, /answers to 2 texts/],
  ];
  for (const [answer, message] of cases) {
    await serving(answer, async (url) => {
      const scorer = await EndpointScorer.connect({ url });
      await assert.rejects(scorer.score([request]), { code: 'EVALUATION_ENDPOINT', message });
    });
  }
});

test('the identity is that of the answers, wherever the model is served; small noise does not change it', async (t) => {
  const fingerprints = mkdtempSync(path.join(os.tmpdir(), 'tunan-fingerprints-'));
  t.after(() => rmSync(fingerprints, { recursive: true }));
  const served = async (shift: number, model = { data: [{ id: 'm', max_model_len: 96 }] }) => {
    let found: { identity: string; others: number } | undefined;
    const answer = (body: Body): Answer => {
      const shifted = characters(body, -1);
      const { choices } = shifted.json as { choices: { logprobs: { token_logprobs: number[] } }[] };
      for (const { logprobs } of choices) logprobs.token_logprobs = logprobs.token_logprobs.map((one) => one - shift);
      return shifted;
    };
    const use = async (url: string) => {
      const { identity, otherModels } = await EndpointScorer.connect({ url, fingerprints });
      found = { identity, others: otherModels };
    };
    await serving(answer, use, model);
    return found!;
  };
  const first = await served(0.1);
  assert.equal(first.others, 0);
  assert.deepEqual(await served(0.1, { data: [{ id: 'another-name', max_model_len: 96 }] }), first);
  assert.deepEqual(await served(0.1004), first);
  const second = await served(0.2);
  assert.notEqual(second.identity, first.identity);
  assert.equal(second.others, 1);
  assert.deepEqual(await served(0.1), first, 'a model that was met before is no other one');
});

test("room for the beginning of the document, and a tokenizer that is not the endpoint's is refused", async () => {
  const countTokens = (text: string) => [...text].length;
  const begins = (body: Body) => characters(body, body.begin_document ? -1 : null);
  await serving(begins, async (url) => {
    const scorer = await EndpointScorer.connect({ url, countTokens });
    assert.equal(scorer.contextLength, 96 - 1);
    await assert.rejects(EndpointScorer.connect({ url, countTokens: (text) => Math.ceil(text.length / 2) }), {
      code: 'EVALUATION_VOCABULARY_MISMATCH',
      message: /--endpoint-tokenizer makes \d+ tokens of .*, the endpoint \d+/,
    });
  });
  await serving(withoutFirst, async (url) => {
    assert.equal((await EndpointScorer.connect({ url, countTokens })).contextLength, 96 - 1);
  });
});

test('addresses, keys, servers without a list of models and servers that hang', async () => {
  for (const url of ['127.0.0.1:8000/v1', 'localhost/v1', 'htp://x', '']) {
    await assert.rejects(EndpointScorer.connect({ url }), { code: 'EVALUATION_BAD_SETTING', message: /no address/ });
  }
  const unlisted = { error: 'not here' };
  await serving(
    withoutFirst,
    async (url) => {
      const scorer = await EndpointScorer.connect({ url, model: 'mine' });
      assert.equal(scorer.model, 'mine');
      await assert.rejects(EndpointScorer.connect({ url }), { message: /--endpoint-model/ });
    },
    unlisted,
  );
  await serving(
    () => ({ status: 401, json: { error: 'no key' } }),
    async (url) => {
      await assert.rejects(EndpointScorer.connect({ url }), {
        code: 'EVALUATION_ENDPOINT_KEY',
        message: /401: .*TUNAN_API_KEY/,
      });
    },
  );
  const generatedOnly = ({ prompt }: Body): Answer => ({
    status: 200,
    json: {
      choices: prompt.map((text, index) => ({
        index,
        text: `${text}完`,
        logprobs: { tokens: ['完'], token_logprobs: [-1], text_offset: [[...text].length] },
      })),
    },
  });
  await serving(generatedOnly, async (url) => {
    await assert.rejects(EndpointScorer.connect({ url }), {
      code: 'EVALUATION_NO_LOGPROBS',
      message: /such as tunan serve/,
    });
  });
  const failures: string[] = [];
  const hanging = createServer(() => {});
  hanging.listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const url = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/v1`;
  const options = { url, timeoutSeconds: 0.05, onRetry: ({ en }: { readonly en: string }) => failures.push(en) };
  await assert.rejects(EndpointScorer.connect(options), {
    code: 'EVALUATION_ENDPOINT_DOWN',
    message: /no answer within 0.05 s \(--endpoint-timeout\) \(tried 2 times\)/,
  });
  assert.equal(failures.length, 1);
  hanging.closeAllConnections();
  hanging.close();
});
