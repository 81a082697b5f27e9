/** Several workers, real servers on real sockets that misbehave in every way; ours behind ours: tests/e2e/workers.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collect } from '../../generate.ts';
import { RemoteEngine, type RemoteEngineOptions } from './remote-engine.ts';

type Answer = (response: ServerResponse) => void | Promise<void>;

const event = (text: string, end?: string) =>
  `data: ${JSON.stringify({ choices: [{ text, finish_reason: end ?? null }] })}\n\n`;
const stream = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });

/** A server that answers requests as `answer` says at the time, and counts them. */
async function startWorker(name: string, owner = 'vllm') {
  const bodies: Record<string, unknown>[] = [];
  const paths: string[] = [];
  const worker = {
    url: '',
    bodies,
    paths,
    healthy: true,
    answer: ((response) => void stream(response).end(`${event(name, 'stop')}data: [DONE]\n\n`)) as Answer,
    good: (response: ServerResponse) => void stream(response).end(`${event(name, 'stop')}data: [DONE]\n\n`),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (request.method === 'GET') {
      paths.push(request.url ?? '');
      if (!worker.healthy) return void response.writeHead(500).end();
      return void response.end(JSON.stringify({ data: [{ id: 'm', owned_by: owner, max_model_len: 64 }] }));
    }
    bodies.push(JSON.parse(Buffer.concat(parts).toString()));
    await worker.answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  worker.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return worker;
}

type TestWorker = Awaited<ReturnType<typeof startWorker>>;

async function withWorkers(
  owners: readonly string[],
  options: RemoteEngineOptions,
  use: (engine: RemoteEngine, workers: TestWorker[]) => Promise<void>,
): Promise<void> {
  const workers = await Promise.all(owners.map((owner, place) => startWorker('甲乙丙'[place]!, owner)));
  using engine = await RemoteEngine.connect(
    workers.map(({ url }) => url),
    options,
  );
  try {
    await use(engine, workers);
  } finally {
    for (const worker of workers) worker.close();
  }
}

const ask = async (engine: RemoteEngine) =>
  (await collect(engine.submit({ prompts: ['春'] }))).sequences.map(({ text }) => text).join();
const stateOf = (engine: RemoteEngine) => engine.workers.map(({ state }) => state).join(' ');
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    assert.ok(turn < 3000, 'it does not come about');
    await sleep(10);
  }
}

test('requests go to the worker that has fewest, in turn where they have as many', async () => {
  await withWorkers(['vllm', 'vllm'], {}, async (engine, [first, second]) => {
    assert.deepEqual([await ask(engine), await ask(engine), await ask(engine)].sort(), ['乙', '甲', '甲']);
    const held = Promise.withResolvers<void>();
    for (const worker of [first!, second!]) {
      worker.bodies.length = 0;
      worker.answer = async (response) => {
        await held.promise;
        worker.good(response);
      };
    }
    const answers = Array.from({ length: 6 }, () => ask(engine));
    await until(() => first!.bodies.length + second!.bodies.length === 6);
    assert.deepEqual([first!.bodies.length, second!.bodies.length], [3, 3]);
    assert.deepEqual(
      engine.workers.map(({ running }) => running),
      [3, 3],
    );
    held.resolve();
    await Promise.all(answers);
    assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
  });
});

const before: [string, Answer, 'down' | 'up'][] = [
  ['an address that is closed', (response) => void response.socket!.destroy(), 'down'],
  ['502', (response) => void response.writeHead(502).end('<html>'), 'up'],
  ['503', (response) => void response.writeHead(503).end(), 'up'],
  ['429', (response) => void response.writeHead(429, { 'retry-after': '7' }).end(), 'up'],
  ['500', (response) => void response.writeHead(500).end(), 'up'],
  ['HTML', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), 'up'],
  ['no JSON', (response) => void stream(response).end('data: <html>\n\n'), 'up'],
  ['no event and no end', (response) => void stream(response).end(), 'down'],
  ['a model that is gone', (response) => void response.writeHead(404).end('{}'), 'up'],
];
for (const [name, answer, state] of before) {
  test(`before the first token another worker is asked: ${name}`, async () => {
    await withWorkers(['vllm', 'vllm'], {}, async (engine, [bad, good]) => {
      bad!.answer = answer;
      assert.equal(await ask(engine), '乙');
      const asked = bad!.bodies.length;
      assert.equal(await ask(engine), '乙');
      assert.equal(bad!.bodies.length, asked, 'the second request goes to the good one at once');
      assert.equal(good!.bodies.length, 2);
      assert.equal(stateOf(engine), `${state} up`);
    });
  });
}

const middle: [string, Answer, string][] = [
  [
    'dies',
    async (response) => {
      await new Promise((sent) => response.write(event('花'), sent));
      await sleep(20);
      response.socket!.destroy();
    },
    'INFERENCE_UPSTREAM_DOWN',
  ],
  ['breaks off', (response) => void response.end(event('花')), 'INFERENCE_UPSTREAM_DOWN'],
  ['has no end', (response) => void response.end(`${event('花')}data: [DONE]\n\n`), 'INFERENCE_UPSTREAM_UNFIT'],
  [
    'answers nonsense',
    (response) => void response.end(`${event('花')}data: {"choices":7}\n\n`),
    'INFERENCE_UPSTREAM_UNFIT',
  ],
  ['falls silent', (response) => void response.write(event('花')), 'INFERENCE_UPSTREAM_SLOW'],
];
for (const [name, answer, code] of middle) {
  test(`after the first token no other worker is asked, and others are undisturbed: one ${name}`, async () => {
    await withWorkers(['vllm', 'vllm'], { timeoutSeconds: 1, firstTokenSeconds: 60 }, async (engine, [bad, good]) => {
      bad!.answer = (response) => answer(stream(response));
      const held = Promise.withResolvers<void>();
      good!.answer = async (response) => {
        await held.promise;
        good!.good(response);
      };
      const chunks: string[] = [];
      const broken = collect(engine.submit({ prompts: ['春'] }), ({ text }) => void chunks.push(text));
      const whole = ask(engine);
      await assert.rejects(broken, { code });
      held.resolve();
      assert.equal(await whole, '乙');
      assert.deepEqual(chunks, ['花']);
      assert.equal(good!.bodies.length, 1);
      assert.equal(await ask(engine), '乙', 'the one that failed counts as busier');
    });
  });
}

test('a worker that hangs costs its request the time to the first token, whatever keeps its connection awake', async () => {
  await withWorkers(['vllm', 'vllm'], { firstTokenSeconds: 0.5, timeoutSeconds: 60 }, async (engine, [bad, good]) => {
    bad!.answer = (response) => {
      const beat = setInterval(() => response.write(': still here\n\n'), 50);
      stream(response).once('close', () => clearInterval(beat));
    };
    await assert.rejects(ask(engine), { code: 'INFERENCE_UPSTREAM_SLOW' });
    assert.equal(good!.bodies.length, 0, 'a long prompt is not computed twice');
  });
});

test('a whole answer may take so long', async () => {
  await withWorkers(['vllm'], { totalSeconds: 0.5 }, async (engine, [worker]) => {
    worker!.answer = (response) => {
      const beat = setInterval(() => response.write(event('花')), 50);
      stream(response).once('close', () => clearInterval(beat));
    };
    await assert.rejects(ask(engine), (error: Error) => {
      assert.match(String(error.cause), /no answer within 0\.5 s/);
      return true;
    });
  });
});

test('three failures in a row take a worker out, and it comes back', async () => {
  const told: string[] = [];
  const onWorker = ({ url, state }: { url: string; state: string }) => void told.push(`${url} ${state}`);
  await withWorkers(['someone', 'someone'], { checkSeconds: 0.05, onWorker }, async (engine, [bad, good]) => {
    bad!.healthy = false;
    await until(() => stateOf(engine) === 'down up');
    assert.match(engine.workers[0]!.reason ?? '', /answers 500/);
    for (let turn = 0; turn < 3; turn++) assert.equal(await ask(engine), '乙');
    assert.equal(bad!.bodies.length, 0);
    bad!.healthy = true;
    await until(() => stateOf(engine) === 'up up');
    assert.deepEqual(told, [`${bad!.url} down`, `${bad!.url} up`]);
    // Its checks are good, and its answers are not.
    bad!.answer = (response) => void response.writeHead(500).end();
    good!.answer = async (response) => {
      await sleep(30);
      good!.good(response);
    };
    const answers: Promise<string>[] = [];
    await until(() => {
      answers.push(ask(engine));
      return stateOf(engine) === 'down up';
    });
    assert.deepEqual(new Set(await Promise.all(answers)), new Set(['乙']));
    const asked = bad!.bodies.length;
    await sleep(300);
    assert.equal(await ask(engine), '乙');
    assert.equal(bad!.bodies.length, asked, 'good checks alone do not bring it back at once');
  });
});

test('where all are down they are tried all the same, and the first that answers is up', async () => {
  await withWorkers(['vllm', 'vllm'], {}, async (engine, workers) => {
    for (const worker of workers) worker.answer = (response) => void response.socket!.destroy();
    await assert.rejects(ask(engine), { code: 'INFERENCE_UPSTREAM_DOWN' });
    assert.equal(stateOf(engine), 'down down');
    workers[1]!.answer = workers[1]!.good;
    assert.equal(await ask(engine), '乙');
    assert.equal(stateOf(engine), 'down up');
  });
});

test('a request that kills its worker does not kill them all', async () => {
  const workers = await Promise.all(['甲', '乙', '丙', '丁'].map((name) => startWorker(name)));
  for (const worker of workers) worker.answer = (response) => void response.socket!.destroy();
  using engine = await RemoteEngine.connect(workers.map(({ url }) => url));
  await assert.rejects(ask(engine), { code: 'INFERENCE_UPSTREAM_DOWN' });
  assert.equal(workers.filter(({ bodies }) => bodies.length > 0).length, 3);
  for (const worker of workers) worker.close();
});

test('each worker has so many at a time; beyond, requests wait in their order, and beyond that they are refused', async () => {
  await withWorkers(['vllm', 'vllm'], { sequencesPerWorker: 2, waitingSize: 3 }, async (engine, workers) => {
    const held: (() => void)[] = [];
    for (const worker of workers) worker.answer = (response) => void held.push(() => worker.good(response));
    const order: number[] = [];
    const asked = Array.from({ length: 4 }, (_, place) => ask(engine).then(() => order.push(place)));
    await until(() => held.length === 4);
    const signal = new AbortController();
    const left = collect(engine.submit({ prompts: ['春'] }, signal.signal));
    const large = collect(engine.submit({ prompts: ['春'], choices: 2 }));
    assert.deepEqual(engine.occupancy, { running: 4, waiting: 3 });
    await assert.rejects(ask(engine), (error: Error & { code?: string; retryAfter?: number }) => {
      assert.deepEqual([error.code, error.retryAfter], ['INFERENCE_QUEUE_FULL', 1]);
      return true;
    });
    signal.abort();
    await assert.rejects(left, { code: 'INFERENCE_ABORTED' });
    const small = ask(engine);
    held.shift()!();
    await until(() => order.length === 1);
    assert.deepEqual(engine.occupancy, { running: 3, waiting: 3 }, 'the small one does not pass the large one');
    held.shift()!();
    held.shift()!();
    await until(() => held.length === 3);
    for (const go of held) go();
    // The large one asked for two answers and gets one: that is said, and its place is free.
    await assert.rejects(large, { code: 'INFERENCE_UPSTREAM_UNFIT' });
    await Promise.all([...asked, small]);
    assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
  });
});

test('a worker that is taken out finishes what it has and gets no more; one that is added gets its share', async () => {
  await withWorkers(['vllm', 'vllm'], {}, async (engine, [first, second]) => {
    let go: () => void = () => assert.fail('nothing is held');
    first!.answer = (response) => {
      stream(response).write(event('花'));
      go = () => void response.end(`${event('落', 'stop')}data: [DONE]\n\n`);
    };
    const generation = engine.submit({ prompts: ['春'] });
    await generation.accepted;
    let drained = false;
    const draining = engine.drain(first!.url).then(() => {
      drained = true;
    });
    assert.equal(stateOf(engine), 'draining up');
    for (let turn = 0; turn < 3; turn++) assert.equal(await ask(engine), '乙');
    assert.ok(!drained);
    go();
    assert.equal((await collect(generation)).sequences[0]!.text, '花落');
    await draining;
    assert.deepEqual(
      engine.workers.map(({ url }) => url),
      [second!.url],
    );
    first!.answer = first!.good;
    await engine.addWorker(first!.url);
    assert.deepEqual([await ask(engine), await ask(engine)].sort(), ['乙', '甲']);
  });
});

test('what only one kind of server knows goes there, under its name', async () => {
  await withWorkers(['someone', 'llamacpp', 'vllm'], {}, async (engine, [plain, llama, vllm]) => {
    for (let turn = 0; turn < 4; turn++)
      await collect(engine.submit({ prompts: ['春'], minP: 0.1, repetitionPenalty: 1.2 }));
    assert.equal(plain!.bodies.length, 0);
    const { min_p, repeat_penalty, repeat_last_n, repetition_penalty } = llama!.bodies[0]!;
    assert.deepEqual([min_p, repeat_penalty, repeat_last_n, repetition_penalty], [0.1, 1.2, -1, undefined]);
    assert.deepEqual([vllm!.bodies[0]!.min_p, vllm!.bodies[0]!.repetition_penalty], [0.1, 1.2]);
    assert.throws(() => engine.submit({ prompts: ['春'], noRepeatNgramSize: 2 }), {
      option: 'noRepeatNgramSize',
      message: /is not known to the server that runs this model/,
    });
  });
});

test('one worker that answers is enough to begin; one with another model is a mistake', async () => {
  const worker = await startWorker('甲');
  const gone = await startWorker('乙');
  gone.close();
  using engine = await RemoteEngine.connect([gone.url, worker.url]);
  assert.equal(stateOf(engine), 'down up');
  assert.equal(engine.contextLength, 64);
  assert.equal(await ask(engine), '甲');
  await assert.rejects(RemoteEngine.connect([worker.url, `${worker.url}#other`]), { code: 'INFERENCE_UPSTREAM_UNFIT' });
  await assert.rejects(RemoteEngine.connect([gone.url]), { code: 'INFERENCE_UPSTREAM_DOWN' });
  worker.close();
});

test('an address where nobody takes the connection costs no more than the time to connect', async () => {
  // Of TEST-NET-1, which leads nowhere: nobody answers, or a router says at once that nobody will.
  const worker = await startWorker('甲');
  using engine = await RemoteEngine.connect([worker.url, 'http://192.0.2.1:9/v1'], { connectSeconds: 0.3 });
  assert.equal(stateOf(engine), 'up down');
  assert.match(engine.workers[1]!.reason ?? '', /cannot be reached/);
  assert.equal(await ask(engine), '甲');
  worker.close();
});

test('connections are kept from one answer to the next, and one that went stale is replaced', async () => {
  await withWorkers(['vllm'], {}, async (engine, [worker]) => {
    const ports = new Set<number>();
    worker!.answer = (response) => {
      ports.add(response.socket!.remotePort!);
      worker!.good(response);
    };
    for (let turn = 0; turn < 8; turn++) assert.equal(await ask(engine), '甲');
    assert.ok(ports.size <= 2, 'the end of an answer may come after the next request has begun');
    let first = true;
    worker!.answer = (response) => {
      if (!first) return worker!.good(response);
      first = false;
      response.socket!.resetAndDestroy();
    };
    assert.equal(await ask(engine), '甲');
    assert.equal(stateOf(engine), 'up');
  });
});

test('a server of a known kind is asked at /health how it is', async () => {
  await withWorkers(['vllm', 'tunan'], { checkSeconds: 0.05 }, async (_, [vllm, ours]) => {
    await until(() => vllm!.paths.length > 3 && ours!.paths.length > 3);
    assert.deepEqual([vllm!.paths[0], new Set(vllm!.paths.slice(1))], ['/v1/models', new Set(['/health'])]);
    assert.deepEqual(new Set(ours!.paths), new Set(['/v1/models']));
  });
});
