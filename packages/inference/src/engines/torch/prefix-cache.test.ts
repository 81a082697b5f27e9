import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KeyValueCache, LanguageModel } from '@tunan/model';
import { liveTensors, noGrad } from '@tunan/torch';
import fc from 'fast-check';
import { collect } from '../../generate.ts';
import type { GenerationRequest } from '../../request.ts';
import { tinyModel, tinyTokenizer } from '../../testing/tiny-model.ts';
import { TorchEngine, type TorchEngineOptions } from './torch-engine.ts';

const tokenizer = await tinyTokenizer();
const ids = [...tokenizer.encode('静夜思\n床前明月光，疑是地上霜。举头望明月，低头思故乡。')].slice(0, 40);
const model = tinyModel();
const engineOf = (options: TorchEngineOptions = {}) => new TorchEngine(model, tokenizer, options);
const greedy = (prompt: readonly number[], more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  prompts: [prompt],
  maxTokens: 4,
  seed: 1,
  temperature: 0,
  logitBias: new Map([[tokenizer.eod, -100]]),
  logprobs: 3,
  ...more,
});
const answerOf = async (engine: TorchEngine, request: GenerationRequest) => await collect(engine.submit(request));
const alone = async (request: GenerationRequest, options: TorchEngineOptions = {}) => {
  using engine = engineOf(options);
  return await answerOf(engine, request);
};

/** Equal but for the last bits of the log-probabilities. */
function assertSame(actual: Awaited<ReturnType<typeof answerOf>>, expected: typeof actual): void {
  assert.equal(actual.sequences.length, expected.sequences.length);
  actual.sequences.forEach(({ tokens, ...rest }, index) => {
    const { tokens: others, ...expectedRest } = expected.sequences[index]!;
    assert.deepEqual(rest, expectedRest);
    assert.deepEqual(
      tokens.map(({ id, offset }) => [id, offset]),
      others.map(({ id, offset }) => [id, offset]),
    );
    tokens.forEach(({ logprob }, place) => {
      const other = others[place]!.logprob;
      assert.ok(logprob === other || Math.abs(logprob! - other!) < 1e-4, `${logprob} and ${other}`);
    });
  });
}

test('a prompt that begins like an earlier one takes its beginning over, all but the last token', async () => {
  using engine = engineOf();
  const first = await answerOf(engine, greedy(ids.slice(0, 30)));
  assert.equal(first.usage.cachedTokens, 0);
  for (const [prompt, cached] of [
    [ids.slice(0, 30), 29],
    [ids.slice(0, 25), 24],
    [[...ids.slice(0, 20), 7, 8, 9], 20],
    [[...ids.slice(0, 10), 7, 8, 9], 0], // too little in common to be worth it
  ] as const) {
    const answer = await answerOf(engine, greedy(prompt));
    assert.equal(answer.usage.cachedTokens, cached);
    assertSame(answer, await alone(greedy(prompt)));
  }
  const { promptTokens, cachedTokens, keptBytes } = engine.prefixCache;
  assert.deepEqual([promptTokens, cachedTokens], [30 + 30 + 25 + 23 + 13, 29 + 24 + 20]);
  assert.ok(keptBytes > 0);
});

test('a following turn finds the answer before it too', async () => {
  using engine = engineOf();
  const { sequences } = await answerOf(engine, greedy(ids.slice(0, 30), { maxTokens: 8 }));
  const answer = sequences[0]!.tokens.map(({ id }) => id!);
  const next = greedy([...ids.slice(0, 30), ...answer, 7, 8]);
  const turn = await answerOf(engine, next);
  assert.equal(turn.usage.cachedTokens, 37); // the last token of an answer is never fed
  assertSame(turn, await alone(next));
});

test('choices of one prompt compute it once, and so do requests that arrive together', async () => {
  using engine = engineOf();
  const several = greedy(ids.slice(0, 30), { choices: 4, temperature: 1, logprobs: 0 });
  const answer = await answerOf(engine, several);
  assert.equal(answer.usage.cachedTokens, 0); // the prompt counts once, with the choice that computed it
  assert.deepEqual([engine.prefixCache.promptTokens, engine.prefixCache.cachedTokens], [120, 87]);
  assertSame(answer, await alone(several));

  using other = engineOf({ stepTokens: 16 });
  const requests = [1, 2, 3].map((last) => greedy([...ids.slice(0, 32), last]));
  const answers = await Promise.all(requests.map((request) => answerOf(other, request)));
  assert.deepEqual(
    answers.map(({ usage }) => usage.cachedTokens),
    [0, 32, 32],
  );
  for (const [place, request] of requests.entries()) assertSame(answers[place]!, await alone(request));
});

test('whoever waits for a beginning lets others pass, and goes on when its maker is given up', async () => {
  using engine = engineOf({ stepTokens: 4, batchSize: 4 });
  const abort = new AbortController();
  const maker = collect(engine.submit(greedy(ids.slice(0, 32)), abort.signal));
  const waits = collect(engine.submit(greedy([...ids.slice(0, 32), 9])));
  const passes = collect(engine.submit(greedy(ids.slice(30))));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual(engine.occupancy, { running: 2, waiting: 1 });
  abort.abort();
  await assert.rejects(maker, { code: 'INFERENCE_ABORTED' });
  assertSame(await waits, await alone(greedy([...ids.slice(0, 32), 9])));
  assertSame(await passes, await alone(greedy(ids.slice(30))));
});

test('the log-probabilities of a prompt are computed and never missing', async () => {
  using engine = engineOf();
  await answerOf(engine, greedy(ids.slice(0, 30)));
  const scored = greedy(ids.slice(0, 30), { echo: true, maxTokens: 0 });
  const answer = await answerOf(engine, scored);
  assert.equal(answer.usage.cachedTokens, 0);
  assert.equal(answer.sequences[0]!.tokens.length, 30);
  assertSame(answer, await alone(scored));
});

test('the log-probabilities of a beginning are remembered, so that its positions are taken over', async () => {
  using engine = engineOf();
  const scored = (prompt: readonly number[], logprobs = 1): GenerationRequest =>
    greedy(prompt, { echo: true, maxTokens: 1, logprobs });
  for (const [request, cached] of [
    [scored(ids.slice(0, 30)), 0],
    [scored([...ids.slice(0, 28), 7, 8]), 27],
    [scored(ids.slice(0, 30)), 29],
    [scored(ids.slice(0, 40), 0), 29],
    [scored(ids.slice(0, 35), 3), 0], // more likeliest tokens than are known
    [scored(ids.slice(0, 33), 2), 32],
  ] as const) {
    const answer = await answerOf(engine, request);
    assert.equal(answer.usage.cachedTokens, cached);
    const expected = await alone(request);
    assertSame(answer, expected);
    for (const [place, { alternatives, rank }] of answer.sequences[0]!.tokens.entries()) {
      const other = expected.sequences[0]!.tokens[place]!;
      assert.deepEqual([rank, alternatives.length], [other.rank, other.alternatives.length]);
    }
  }
  const apart = await answerOf(engine, greedy(ids.slice(0, 33), { promptLogprobs: 1, maxTokens: 1 }));
  assert.deepEqual([apart.usage.cachedTokens, apart.sequences[0]!.promptTokens?.length], [32, 33]);
});

test('prompts to score that come together wait for the one that computes what they have in common', async () => {
  using engine = engineOf();
  const prompts = [7, 8, 9, 10].map((last) => [...ids.slice(0, 36), last]);
  const request: GenerationRequest = { ...greedy([]), prompts, echo: true, maxTokens: 0 };
  const answer = await answerOf(engine, request);
  assert.equal(answer.usage.cachedTokens, 3 * 35);
  const apart = await Promise.all(prompts.map((prompt) => alone({ ...request, prompts: [prompt] })));
  for (const [place, { sequences }] of apart.entries())
    assertSame({ ...answer, sequences: [answer.sequences[place]!] }, { ...answer, sequences });
});

test('a prompt that is read in both directions shares with the same prompt alone', async () => {
  using prefixModel = LanguageModel.create({ ...model.config, objective: 'plm' }, { seed: 5 });
  const fresh = async (request: GenerationRequest) => {
    using engine = new TorchEngine(prefixModel, tokenizer);
    return await answerOf(engine, request);
  };
  using engine = new TorchEngine(prefixModel, tokenizer);
  const cached: (number | undefined)[] = [];
  for (const request of [
    greedy(ids.slice(0, 30)),
    greedy(ids.slice(0, 29)),
    greedy(ids.slice(0, 31)),
    greedy([...ids.slice(0, 29), 9]),
    greedy(ids.slice(0, 30), { maxTokens: 9 }),
    greedy(ids.slice(0, 30), { echo: true }), // read causally
    greedy(ids.slice(0, 30), { choices: 3, logprobs: 0 }),
  ]) {
    const answer = await answerOf(engine, request);
    cached.push(answer.usage.cachedTokens);
    assertSame(answer, await fresh(request));
  }
  assert.deepEqual(cached, [0, 0, 0, 0, 29, 0, 29]);
});

test('of what is kept the least recently used goes first, and a longer text stands for its beginnings', async () => {
  const bytes = (positions: number) => KeyValueCache.bytes(model, positions);
  const other = (last: number) => greedy([...ids.slice(0, 20), ...new Array(9).fill(last)], { maxTokens: 1 });
  using engine = engineOf({ cacheBytes: bytes(3 * 29) });
  await answerOf(engine, greedy(ids.slice(0, 20), { maxTokens: 1 }));
  for (const last of [7, 8]) await answerOf(engine, other(last));
  assert.equal(engine.prefixCache.keptBytes, bytes(2 * 29)); // the 20 tokens are in both
  await answerOf(engine, other(7)); // used again: 8 is the older one now
  for (const last of [9, 10]) await answerOf(engine, other(last));
  const cached = async (last: number) => (await answerOf(engine, other(last))).usage.cachedTokens;
  assert.equal(await cached(7), 28);
  assert.equal(await cached(8), 20);
});

test('a failed step leaves nothing behind, and closing frees all', async () => {
  using broken = tinyModel();
  noGrad(() => broken.namedParameters().get('transformer.ln_f.bias')!.fill_(Number.NaN));
  using failing = new TorchEngine(broken, tokenizer);
  await assert.rejects(answerOf(failing, greedy(ids.slice(0, 30))), /the model gave NaN/);
  assert.equal(failing.prefixCache.keptBytes, 0);
  const before = liveTensors();
  const engine = engineOf();
  await answerOf(engine, greedy(ids.slice(0, 30)));
  assert.ok(liveTensors() > before);
  engine.close();
  assert.equal(liveTensors(), before);
});

/** With room for prompts of several blocks. */
const wide = LanguageModel.create({ ...model.config, contextLength: 200 }, { seed: 5 });
after(() => wide.dispose());
const wideIds = Array.from({ length: 130 }, (_, i) => 10 + ((i * i * 7) % 200));

test('of a prompt that was read in both directions the answer is not kept, but for want of room to part them', async () => {
  using prefixModel = LanguageModel.create({ ...wide.config, objective: 'plm' }, { seed: 5 });
  const request = greedy(wideIds.slice(0, 30), { maxTokens: 40 });
  const bytes = (positions: number) => KeyValueCache.bytes(prefixModel, positions);
  for (const [cacheBytes, kept, cached] of [
    [bytes(200), bytes(30), 29],
    [bytes(69), bytes(69), 0], // nor is there room to copy a part of a block
  ] as const) {
    using engine = new TorchEngine(prefixModel, tokenizer, { cacheBytes });
    const first = await answerOf(engine, request);
    assert.equal(engine.prefixCache.keptBytes, kept);
    const second = await answerOf(engine, request);
    assert.equal(second.usage.cachedTokens, cached);
    assertSame(second, first);
  }
});

test('a beginning that many share is in memory once', async () => {
  using engine = new TorchEngine(wide, tokenizer);
  const prompts = [1, 2, 3, 4, 5].map((last) => [...wideIds.slice(0, 96), 50 + last]);
  await Promise.all(prompts.map((prompt) => answerOf(engine, greedy(prompt, { maxTokens: 1 }))));
  const block = KeyValueCache.bytes(wide, 1);
  assert.equal(engine.prefixCache.keptBytes, (3 + prompts.length) * block);
});

test('property: whatever was asked before, in whatever memory, an answer is that of an engine by itself', async () => {
  const expected = new Map<string, Awaited<ReturnType<typeof answerOf>>>();
  const prompt = fc.record({
    length: fc.integer({ min: 15, max: 130 }),
    ending: fc.array(fc.integer({ min: 20, max: 22 }), { maxLength: 2 }),
  });
  const request = fc.record({
    prompt,
    choices: fc.integer({ min: 1, max: 3 }),
    maxTokens: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(request, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
      fc.integer({ min: 140, max: 500 }),
      async (rounds, positions) => {
        const cacheBytes = KeyValueCache.bytes(wide, positions);
        using engine = new TorchEngine(wide, tokenizer, { cacheBytes, stepTokens: 40, batchSize: 3 });
        for (const round of rounds) {
          const requests = round.map(({ prompt: { length, ending }, ...rest }) =>
            greedy([...wideIds.slice(0, length), ...ending], { ...rest, temperature: 0.8, logprobs: 0 }),
          );
          const answers = await Promise.all(requests.map((one) => answerOf(engine, one)));
          assert.ok(engine.prefixCache.keptBytes <= cacheBytes);
          for (const [place, one] of requests.entries()) {
            const key = JSON.stringify(one);
            if (!expected.has(key)) {
              using fresh = new TorchEngine(wide, tokenizer);
              expected.set(key, await answerOf(fresh, one));
            }
            assertSame(answers[place]!, expected.get(key)!);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
});
