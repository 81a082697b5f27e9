import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyValueCache, LanguageModel } from '@tunan/model';
import { liveTensors, noGrad, prefixRange, scope, tensor } from '@tunan/torch';
import { collect } from '../../generate.ts';
import type { GenerationRequest } from '../../request.ts';
import { tinyModel, tinyTokenizer } from '../../testing/tiny-model.ts';
import { TorchEngine, type TorchEngineOptions } from '../torch/torch-engine.ts';

const tokenizer = await tinyTokenizer();
const model = tinyModel();
after(() => model.dispose());

const engineOf = (options: TorchEngineOptions = {}) => new TorchEngine(model, tokenizer, options);
/** Never ends by itself before maxTokens. */
const long = (prompt: string, options: Partial<GenerationRequest> = {}): GenerationRequest => ({
  prompts: [prompt],
  maxTokens: 30,
  seed: 1,
  logitBias: new Map([[tokenizer.eod, -100]]),
  ...options,
});

test('an answer does not depend on what else is in the batch', async () => {
  using alone = engineOf();
  const expected = await collect(alone.submit(long('春')));
  using engine = engineOf({ batchSize: 3, stepTokens: 5 });
  const others = ['静夜思', '千山', '白日依山尽，'].map((prompt, seed) =>
    collect(engine.submit(long(prompt, { seed, choices: 2 }))),
  );
  const mine = collect(engine.submit(long('春')));
  assert.deepEqual(await mine, expected);
  await Promise.all(others);
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
});

test('requests take turns: a small one behind a large one does not wait for all of it', async () => {
  using engine = engineOf({ batchSize: 2 });
  const ended: string[] = [];
  const large = collect(engine.submit(long('春', { choices: 12 }))).then(() => ended.push('large'));
  const small = collect(engine.submit(long('春'))).then(() => ended.push('small'));
  await Promise.all([large, small]);
  assert.deepEqual(ended, ['small', 'large']);
});

test('a request is measured as it will be counted, and never takes more', async () => {
  using engine = engineOf();
  const context = engine.contextLength;
  const requests: GenerationRequest[] = [
    long('春', { choices: 3 }),
    long('', { maxTokens: 0 }),
    { ...long('静夜思'), prompts: ['静夜思', '', [...tokenizer.encode('春')]], beginDocument: true },
    long('春', { maxTokens: 10 * context }),
  ];
  for (const request of requests) {
    const { promptTokens, completionTokens } = engine.measure(request);
    const { usage } = await collect(engine.submit(request));
    assert.equal(usage.promptTokens, promptTokens);
    assert.equal(usage.completionTokens, completionTokens, 'nothing ends these but their length');
  }
  const tooLong = long('春'.repeat(10 * context));
  assert.throws(() => engine.measure(tooLong), { code: 'INFERENCE_PROMPT_TOO_LONG' });
});

test('the event loop runs between steps', async () => {
  using engine = engineOf();
  let turns = 0;
  let done = false;
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  count();
  await collect(engine.submit(long('春')));
  done = true;
  assert.ok(turns >= 30, `${turns} turns during 30 steps`);
});

test('chunks arrive while the answer is being made', async () => {
  using engine = engineOf();
  let early = 0;
  for await (const _ of engine.submit(long('春'))) early += engine.occupancy.running;
  assert.ok(early > 5, `${early} chunks before the end`);
});

test('an aborted request frees its places, the others go on', async () => {
  using engine = engineOf({ batchSize: 2 });
  const abort = new AbortController();
  const given = collect(engine.submit(long('春', { choices: 8 }), abort.signal));
  const kept = collect(engine.submit(long('秋')));
  setImmediate(() => setImmediate(() => setImmediate(() => abort.abort())));
  await assert.rejects(given, { code: 'INFERENCE_ABORTED' });
  assert.ok(engine.occupancy.running <= 1 && engine.occupancy.waiting === 0);
  assert.equal((await kept).usage.completionTokens, 30);
});

test('a signal that is aborted already is refused, and nothing is queued', () => {
  using engine = engineOf();
  assert.throws(() => engine.submit(long('春'), AbortSignal.abort()), { code: 'INFERENCE_ABORTED' });
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
});

test('leaving the loop gives the request up', async () => {
  using engine = engineOf();
  for await (const _ of engine.submit(long('春', { choices: 4 }))) break;
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
});

test('a full queue refuses at once and says the numbers', async () => {
  using engine = engineOf({ batchSize: 1, waitingSize: 3 });
  const first = collect(engine.submit(long('春', { choices: 3 })));
  assert.throws(() => engine.submit(long('秋')), {
    code: 'INFERENCE_QUEUE_FULL',
    retryAfter: 1,
    message: '3 sequences are waiting already and at most 3 may: try again in about 1 s',
    chinese: '已有 3 条序列在等待，至多 3 条：请约 1 秒后再试',
  });
  assert.throws(() => engine.submit(long('秋', { choices: 4 })), {
    code: 'INFERENCE_BAD_OPTION', // no waiting would help
    message: 'prompts times choices are 4; at most 3 are taken at once: send several requests',
  });
  await first;
  assert.equal((await collect(engine.submit(long('秋')))).usage.completionTokens, 30);
});

test('caches stay within their bytes: fewer sequences run at once, one too large is refused', async () => {
  const need = (tokens: number) => KeyValueCache.bytes(model, tokens);
  const length = tokenizer.encode('春').length + 29;
  using engine = engineOf({ cacheBytes: need(length) * 2 });
  const answer = collect(engine.submit(long('春', { choices: 5 })));
  await sleep(5);
  assert.ok(engine.occupancy.running <= 2);
  await answer;
  using small = engineOf({ cacheBytes: need(length) - 1 });
  assert.throws(() => small.submit(long('春')), { code: 'INFERENCE_CACHE_TOO_SMALL' });
});

/** A model with room for prompts of many steps. */
const wide = LanguageModel.create({ ...model.config, contextLength: 700 }, { seed: 5 });
after(() => wide.dispose());
const numbers = (count: number, from: number) => Array.from({ length: count }, (_, i) => 30 + ((i * from) % 200));
const ended = async (name: string, order: string[], answer: Promise<unknown>) => {
  await answer;
  order.push(name);
};

test('a long prompt holds up no short one, and is done before many that come later', async () => {
  using engine = new TorchEngine(wide, tokenizer, { batchSize: 4, stepTokens: 32 });
  const order: string[] = [];
  const ask = (prompt: number[]) => collect(engine.submit({ ...long(''), prompts: [prompt], maxTokens: 2 }));
  const large = ended('large', order, ask(numbers(640, 7)));
  const late = (async () => {
    for (let count = 1; !order.includes('large'); count++)
      await ended(`small ${count}`, order, ask(numbers(40, 11 + 2 * count)));
  })();
  await Promise.all([large, late]);
  // 640 tokens in steps of 32 are 20 steps; each short one needs four, and leaves half of each step to the long one.
  const before = order.indexOf('large');
  assert.ok(before >= 2 && before <= 12, `${before} short prompts before the long one`);
});

test('a request that finds no room for its cache is not overtaken by smaller ones', async () => {
  const cacheBytes = KeyValueCache.bytes(wide, 300);
  using engine = new TorchEngine(wide, tokenizer, { batchSize: 4, cacheBytes });
  const order: string[] = [];
  const asked = [
    ['first', 60, 40],
    ['large', 250, 2],
    ['small', 20, 2],
  ] as const;
  await Promise.all(
    asked.map(async ([name, length, maxTokens]) => {
      const generation = engine.submit({ ...long(''), prompts: [numbers(length, length + 1)], maxTokens });
      await ended(name, order, generation.accepted);
      await collect(generation);
    }),
  );
  assert.deepEqual(order, ['first', 'large', 'small']);
});

test('who gives up in the middle of a prompt frees the place at once, and what was read of it serves the next', async () => {
  using engine = new TorchEngine(wide, tokenizer, { batchSize: 1, stepTokens: 32 });
  const abort = new AbortController();
  const request = { ...long(''), prompts: [numbers(640, 7)], maxTokens: 2 };
  const given = collect(engine.submit(request, abort.signal));
  while (engine.occupancy.running === 0) await new Promise(setImmediate);
  for (let step = 0; step < 3; step++) await new Promise(setImmediate);
  abort.abort();
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
  await assert.rejects(given, { code: 'INFERENCE_ABORTED' });
  const { usage } = await collect(engine.submit(request));
  assert.ok(
    usage.cachedTokens! >= 32 && usage.cachedTokens! < 639 && usage.cachedTokens! % 32 === 0,
    `${usage.cachedTokens}`,
  );
});

test('a request that has waited as long as is allowed is told so; one that has begun goes on', async () => {
  using engine = engineOf({ batchSize: 2, waitSeconds: 1e-6 });
  const begun = collect(engine.submit(long('春', { choices: 4 })));
  const second = collect(engine.submit(long('秋')));
  const late = collect(engine.submit(long('冬')));
  await assert.rejects(late, {
    code: 'INFERENCE_WAITED_TOO_LONG',
    retryAfter: 1,
    message: 'the request has waited 0.000001 s for its turn, and no longer is allowed: try again in about 1 s',
    chinese: '请求已排队 0.000001 秒，达到允许的上限：请约 1 秒后再试',
  });
  assert.equal((await begun).sequences.length, 4);
  assert.equal((await second).usage.completionTokens, 30);
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
});

test('closing ends what is running with an error, and takes nothing more', async () => {
  const engine = engineOf();
  const running = collect(engine.submit(long('春')));
  await new Promise(setImmediate);
  engine.close();
  await assert.rejects(running, { code: 'INFERENCE_CLOSED' });
  assert.throws(() => engine.submit(long('春')), { code: 'INFERENCE_CLOSED' });
});

test('a model that computes nonsense fails its requests and not the process', async () => {
  using broken = tinyModel();
  noGrad(() => broken.namedParameters().get('transformer.ln_f.bias')!.fill_(Number.NaN));
  using engine = new TorchEngine(broken, tokenizer);
  await assert.rejects(collect(engine.submit(long('春'))), /the model gave NaN/);
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
});

test('a model directory is loaded, served and freed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tunan-engine-'));
  try {
    const tokenizerFile = join(directory, 'tokenizer-source.json');
    tokenizer.save(tokenizerFile);
    model.save(directory, { tokenizerFile });
    const before = liveTensors();
    const engine = TorchEngine.load(directory);
    const loaded = await collect(engine.submit(long('春')));
    engine.close();
    assert.equal(liveTensors(), before);
    using alive = engineOf();
    assert.deepEqual(loaded, await collect(alive.submit(long('春'))));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a directory without a model or with another tokenizer is told', () => {
  assert.throws(() => TorchEngine.load('/nonexistent/model'), { code: 'MODEL_NOT_A_MODEL' });
  using small = LanguageModel.create(
    { vocabularySize: 128, contextLength: 8, layers: 1, width: 8, heads: 1 },
    { seed: 1 },
  );
  assert.throws(() => new TorchEngine(small, tokenizer), {
    code: 'INFERENCE_TOKENIZER_MISMATCH',
    message: 'the tokenizer has 280 tokens, the model 128: use the tokenizer it was trained with',
  });
});

test('a prompt read as a prefix: in one piece whatever the batch holds, the answer by what was learnt of whole prompts', async () => {
  using prefixModel = LanguageModel.create({ ...model.config, objective: 'plm' }, { seed: 5 });
  const prompt = '床前明月光，疑是';
  const ids = [...tokenizer.encode(prompt, { specials: false })];
  /** The likeliest tokens behind the prompt by LanguageModel.hidden, one after another. */
  const answer = [...ids];
  for (let step = 0; step < 6; step++) {
    scope(() =>
      noGrad(() => {
        const range = prefixRange(tensor([ids.length], { dtype: 'int64' }), answer.length);
        const hidden = prefixModel.hidden(tensor([answer], { dtype: 'int64' }), { range });
        const row = prefixModel.logits(hidden).toArray().slice(-320) as Float32Array;
        const drawable = Array.from(row.slice(0, tokenizer.vocabularySize), (logit, id) =>
          id < 5 ? -Infinity : logit,
        );
        answer.push(drawable.indexOf(Math.max(...drawable)));
      }),
    );
  }
  const request: GenerationRequest = {
    prompts: [ids],
    maxTokens: 6,
    temperature: 0,
    logprobs: 0,
    logitBias: new Map([[tokenizer.eod, -100]]),
  };
  const limits = { stepTokens: 3, batchSize: 4 };
  using engine = new TorchEngine(prefixModel, tokenizer, limits);
  const others = collect(engine.submit(long(prompt, { choices: 2 })));
  const { sequences } = await collect(engine.submit(request));
  await others;
  assert.deepEqual(
    sequences[0]!.tokens.map(({ id }) => id),
    answer.slice(ids.length),
  );
  using causal = new TorchEngine(prefixModel, tokenizer, { ...limits, promptAttention: 'causal' });
  using plain = new TorchEngine(model, tokenizer, limits);
  assert.deepEqual(
    await collect(causal.submit({ ...request, seed: 1 })),
    await collect(plain.submit({ ...request, seed: 1 })),
  );
  // What a prompt is worth is asked of causal reading: no token was seen by what predicts it.
  const echoed = { ...request, echo: true, maxTokens: 0, seed: 1 };
  assert.deepEqual(await collect(engine.submit(echoed)), await collect(plain.submit(echoed)));
});
