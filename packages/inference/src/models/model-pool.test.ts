/** Real models of a few kilobytes in directories, loaded and unloaded by a bound that holds one or two of them. */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine } from '../engines/open-engine.ts';
import { exportGguf } from '../export/export-gguf.ts';
import { collect } from '../generate.ts';
import { CONTEXT_LENGTH, tinyModel, tinyTokenizer } from '../testing/tiny-model.ts';
import { describeModel } from './describe-model.ts';
import { type ModelEvent, ModelPool, type ModelPoolOptions } from './model-pool.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-models-'));
const directory = path.join(folder, '甲');
{
  const tokenizerFile = path.join(folder, 'trained.json');
  (await tinyTokenizer()).save(tokenizerFile);
  using model = tinyModel();
  model.save(directory, { tokenizerFile });
}
after(() => rmSync(folder, { recursive: true }));

const { name, description } = describeModel(directory)!;
const bytes = description.weightBytes + description.cacheBytes;

/** A pool that holds so many of its models at a time. */
function poolOf(names: string, room: number, options: ModelPoolOptions = {}) {
  const events: string[] = [];
  const onModel = ({ name: which, what }: ModelEvent) => void events.push(`${which} ${what}`);
  const pool = new ModelPool({ memoryBytes: room * bytes, onModel, ...options });
  for (const one of names) pool.offer(one, description, async () => (await openEngine(directory)).engine);
  const loaded = () =>
    pool.statuses
      .filter(({ state }) => state === 'loaded')
      .map((status) => status.name)
      .join('');
  return { pool, events, loaded };
}

async function ask(pool: ModelPool, model: string, signal?: AbortSignal): Promise<string> {
  using lease = await pool.acquire(model, signal);
  const { sequences } = await collect(lease.engine.submit({ prompts: ['春'], maxTokens: 5, temperature: 0 }));
  return sequences[0]!.text;
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    assert.ok(turn < 3000, 'it does not come about');
    await sleep(10);
  }
}

test('a directory is described before it is loaded', async () => {
  assert.equal(name, '甲');
  const { engine } = await openEngine(directory);
  const { kind, device, contextLength, chats } = description;
  assert.deepEqual([kind, device, contextLength], [engine.kind, engine.device, engine.contextLength]);
  assert.equal(chats, engine.encodeChat !== undefined);
  engine.close();
  using model = tinyModel();
  const stored = model.sizes.parameters.total;
  assert.equal(description.weightBytes, 4 * stored);
  assert.equal(describeModel(directory, { torch: { dtype: 'bfloat16' } })!.description.weightBytes, 2 * stored);
  assert.equal(describeModel('http://127.0.0.1:1/v1'), undefined);
  assert.throws(() => describeModel(path.join(folder, 'nowhere')), { code: 'MODEL_NOT_A_MODEL' });
});

test('a GGUF is described from its metadata, with the caches that llama.cpp takes at once', () => {
  const file = path.join(folder, '甲.gguf');
  exportGguf(directory, file, { type: 'f16' });
  const { name: called, description: gguf } = describeModel(file)!;
  assert.deepEqual([called, gguf.kind, gguf.contextLength, gguf.chats], ['甲', 'llama.cpp', CONTEXT_LENGTH, false]);
  assert.equal(gguf.weightBytes, statSync(file).size);
  using model = tinyModel();
  const { layers, kvHeads, headDim } = model.sizes;
  assert.equal(gguf.cacheBytes, 16 * CONTEXT_LENGTH * layers * kvHeads * 2 * headDim * 2, '16 sequences of 16 bits');
  const smaller = describeModel(file, {
    llamaCpp: { batchSize: 4, contextLength: CONTEXT_LENGTH / 2, cacheType: 'f32' },
  });
  assert.equal(smaller!.description.cacheBytes, gguf.cacheBytes / 4);
  const bounded = describeModel(file, { llamaCpp: { cacheBytes: 1000 } });
  assert.equal(bounded!.description.cacheBytes, 1000);
});

test('a model is loaded for its first request, once for all who wait, and answers as it does alone', async () => {
  const { pool, events, loaded } = poolOf('甲乙', 2);
  assert.equal(loaded(), '');
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(pool, '甲')));
  assert.deepEqual(events, ['甲 loaded']);
  const { engine } = await openEngine(directory);
  const alone = await collect(engine.submit({ prompts: ['春'], maxTokens: 5, temperature: 0 }));
  engine.close();
  assert.deepEqual(new Set(answers), new Set([alone.sequences[0]!.text]));
  const [status, other] = pool.statuses;
  assert.deepEqual([status!.state, status!.loads, status!.bytes], ['loaded', 1, bytes]);
  assert.deepEqual([other!.state, other!.loads, other!.contextLength], ['unloaded', 0, description.contextLength]);
  pool.close();
});

test('the idle model that was used least recently goes; one in use never does', async () => {
  const { pool, events, loaded } = poolOf('甲乙丙', 2);
  for (const one of '甲乙甲') await ask(pool, one);
  assert.equal(loaded(), '甲乙');
  await ask(pool, '丙');
  assert.equal(loaded(), '甲丙');
  const held = await pool.acquire('甲');
  await ask(pool, '丙');
  await ask(pool, '乙');
  assert.equal(loaded(), '甲乙', '丙 was used later than 甲, which is in use');
  const alsoHeld = await pool.acquire('乙');
  const waiting = ask(pool, '丙');
  await sleep(50);
  assert.equal(loaded(), '甲乙');
  assert.equal(pool.statuses[2]!.waitingRequests, 1);
  alsoHeld[Symbol.dispose]();
  alsoHeld[Symbol.dispose]();
  await waiting;
  assert.equal(loaded(), '甲丙');
  held[Symbol.dispose]();
  assert.deepEqual(
    events.filter((event) => /unloaded/.test(event)),
    ['乙 unloaded', '丙 unloaded', '乙 unloaded'],
  );
  pool.close();
});

test('an idle model stays while another one, which has to go as well, is in use', async () => {
  const { pool, loaded } = poolOf('甲乙', 2, { turnSeconds: 0.01 });
  const twice = { ...description, weightBytes: 2 * bytes - description.cacheBytes };
  pool.offer('大', twice, async () => (await openEngine(directory)).engine);
  await ask(pool, '乙');
  const held = await pool.acquire('甲');
  const large = ask(pool, '大');
  await sleep(100);
  assert.equal(loaded(), '甲乙');
  await ask(pool, '乙');
  held[Symbol.dispose]();
  await large;
  assert.equal(loaded(), '大');
  pool.close();
});

test('a model that needs the memory of two gets it, though both are always wanted and never idle together by themselves', async () => {
  const { pool } = poolOf('甲乙', 2, { turnSeconds: 0.01 });
  const twice = { ...description, weightBytes: 2 * bytes - description.cacheBytes };
  pool.offer('大', twice, async () => (await openEngine(directory)).engine);
  let served = false;
  const clients = [...'甲乙甲乙'].map(async (model, place) => {
    await sleep(10 * place);
    while (!served) {
      using _lease = await pool.acquire(model);
      await sleep(20);
    }
  });
  await sleep(100);
  await ask(pool, '大');
  served = true;
  await Promise.all(clients);
  pool.close();
});

test('a model that can never fit is refused with its size and the bound', () => {
  const pool = new ModelPool({ memoryBytes: bytes - 1 });
  assert.throws(() => pool.offer('甲', description, async () => (await openEngine(directory)).engine), {
    code: 'INFERENCE_MODEL_TOO_LARGE',
    message:
      /^甲 needs 0\.\d+ GiB \(0\.\d+ GiB of weights, up to 0\.\d+ GiB of caches\), and models may take 0\.\d+ GiB: take less for caches/,
  });
});

test('what is to be loaded at the start must fit together', async () => {
  const { pool, loaded } = poolOf('甲乙丙', 2);
  await assert.rejects(pool.preload(['甲', '乙', '丙']), {
    code: 'INFERENCE_MODEL_TOO_LARGE',
    message: /甲, 乙, 丙 need/,
  });
  await pool.preload(['丙', '甲']);
  assert.equal(loaded(), '甲丙');
  pool.close();
});

test('two models that do not fit together and are both in steady demand take turns', async () => {
  const turnSeconds = 0.25;
  const { pool, events } = poolOf('甲乙', 1, { turnSeconds });
  const began = performance.now();
  const answered = { 甲: 0, 乙: 0 };
  const clients = [...'甲乙甲乙甲乙'].map(async (model) => {
    while (performance.now() - began < 1500 || Math.min(answered.甲, answered.乙) < 5) {
      await ask(pool, model);
      answered[model as keyof typeof answered]++;
    }
  });
  await Promise.all(clients);
  const seconds = (performance.now() - began) / 1000;
  const loads = events.filter((event) => / loaded/.test(event)).length;
  assert.ok(loads >= 3, `each has its turn: ${events}`);
  assert.ok(loads <= seconds / turnSeconds + 3, `${loads} loads in ${seconds} s are more than turns`);
  assert.ok(answered.甲 + answered.乙 > 2 * loads, `${JSON.stringify(answered)} answers for ${loads} loads`);
  assert.deepEqual(
    pool.statuses.map(({ waitingRequests }) => waitingRequests),
    [0, 0],
  );
  pool.close();
});

test('a model that a client asks again at once is not unloaded in between', async () => {
  const { pool } = poolOf('甲', 1);
  let slow = 0;
  pool.offer('乙', description, async () => {
    slow++;
    await sleep(300);
    return (await openEngine(directory)).engine;
  });
  await ask(pool, '乙');
  const other = ask(pool, '甲');
  for (let turn = 0; turn < 5; turn++) await ask(pool, '乙');
  assert.equal(slow, 1, '乙 took long to load and is kept for as long');
  assert.equal(pool.statuses[0]!.state, 'unloaded');
  await other;
  assert.equal(pool.statuses[0]!.state, 'loaded');
  pool.close();
});

test('a load that fails is told to those who wait for it, and the next request tries again', async () => {
  const broken = path.join(folder, '坏');
  cpSync(directory, broken, { recursive: true });
  const pool = new ModelPool({ memoryBytes: 2 * bytes });
  pool.offer('好', description, async () => (await openEngine(directory)).engine);
  pool.offer('坏', describeModel(broken)!.description, async () => (await openEngine(broken)).engine);
  const weights = path.join(broken, 'model.safetensors');
  truncateSync(weights, 100);
  const asked = await Promise.allSettled([ask(pool, '坏'), ask(pool, '好'), ask(pool, '坏')]);
  assert.deepEqual(
    asked.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected'],
  );
  const { reason } = asked[0] as PromiseRejectedResult;
  assert.equal(reason.code, 'INFERENCE_LOAD_FAILED');
  assert.doesNotMatch(reason.message, /safetensors/);
  assert.match(String(reason.cause), /model\.safetensors/);
  copyFileSync(path.join(directory, 'model.safetensors'), weights);
  assert.equal(await ask(pool, '坏'), await ask(pool, '好'));
  pool.close();
});

test('closing while a model is loaded ends the waiting, and the model goes when it is there', async () => {
  const pool = new ModelPool({});
  const gate = Promise.withResolvers<void>();
  let opened: Awaited<ReturnType<typeof openEngine>>['engine'] | undefined;
  pool.offer('甲', description, async () => {
    await gate.promise;
    opened = (await openEngine(directory)).engine;
    return opened;
  });
  const asked = ask(pool, '甲');
  assert.equal(pool.statuses[0]!.state, 'loading');
  pool.close();
  await assert.rejects(asked, { code: 'INFERENCE_CLOSED' });
  await assert.rejects(pool.acquire('甲'), { code: 'INFERENCE_CLOSED' });
  gate.resolve();
  await until(() => opened !== undefined);
  await sleep(10);
  assert.throws(() => opened!.submit({ prompts: ['春'] }), { code: 'INFERENCE_CLOSED' });
});

test('nobody waits for a model longer than is allowed', async () => {
  const { pool } = poolOf('甲乙', 1, { waitSeconds: 0.1 });
  const held = await pool.acquire('甲');
  await assert.rejects(ask(pool, '乙'), { code: 'INFERENCE_WAITED_TOO_LONG', retryAfter: 5 });
  held[Symbol.dispose]();
  assert.equal(await ask(pool, '乙'), await ask(pool, '乙'));
  pool.close();
});

test('who gives up while waiting is forgotten, and nothing is loaded for nobody', async () => {
  const { pool, events } = poolOf('甲乙', 1, { waitingSize: 1 });
  const held = await pool.acquire('甲');
  const abort = new AbortController();
  const asked = ask(pool, '乙', abort.signal);
  await assert.rejects(ask(pool, '乙'), { code: 'INFERENCE_QUEUE_FULL', retryAfter: 5 });
  abort.abort();
  await assert.rejects(asked, { code: 'INFERENCE_ABORTED' });
  held[Symbol.dispose]();
  await ask(pool, '甲');
  assert.deepEqual(events, ['甲 loaded']);
  pool.close();
});

test('a model that is idle for long is unloaded where that is asked for, and an engine that was given never', async () => {
  const { pool, loaded } = poolOf('甲', 1, { idleSeconds: 0.1 });
  const { engine } = await openEngine(directory);
  pool.hold('乙', engine);
  const held = await pool.acquire('甲');
  await sleep(300);
  assert.equal(loaded(), '甲乙');
  held[Symbol.dispose]();
  await until(() => loaded() === '乙');
  assert.equal(await ask(pool, '甲'), await ask(pool, '乙'));
  pool.close();
  assert.throws(() => engine.submit({ prompts: ['春'] }), { code: 'INFERENCE_CLOSED' });
});
