import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { LanguageModel, PackedForward } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { memory, noGrad, prefixRange, scope, setThreads, tensor } from '@tunan/torch';
import fc from 'fast-check';
import { LocalScorer } from './local-scorer.ts';
import type { CandidateScore, ScoreRequest } from './scorer.ts';

setThreads(1);

const tokenizer = Tokenizer.fromFile(
  await trainBpe(
    ['春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。', '白日依山尽，黄河入海流。欲穷千里目，更上一层楼。'],
    {
      vocabularySize: 270,
    },
  ),
);
// Heads that share keys and values: packed rows, trees and trunks of them too.
const sizes = {
  family: 'llama',
  vocabularySize: 320,
  contextLength: 512,
  layers: 3,
  width: 32,
  heads: 4,
  kvHeads: 2,
  initStd: 0.2,
  outputInit: 'normal',
} as const;
const model = LanguageModel.create(sizes, { seed: 3 });
const identity = 'tiny';

/** The same by LanguageModel.hidden, every candidate on its own, in float64 from its logits. */
function plainly({ context, candidates, firstTokenOnly }: ScoreRequest, reading = 'causal'): CandidateScore[] {
  const encode = (text: string) => [...tokenizer.encode(text, { specials: false })];
  return candidates.map(({ given, scored }) => {
    const before = [tokenizer.eod, ...context.flatMap(encode), ...encode(given)];
    const targets = firstTokenOnly ? encode(scored).slice(0, 1) : encode(scored);
    const ids = [...before, ...targets];
    const prompt = () => tensor([reading === 'prefix' ? before.length : 0], { dtype: 'int64' });
    const hidden = () => model.hidden(tensor([ids], { dtype: 'int64' }), { range: prefixRange(prompt(), ids.length) });
    const logits = scope(() => noGrad(() => model.logits(hidden()).toArray() as Float32Array));
    const V = sizes.vocabularySize;
    let logprob = 0;
    targets.forEach((id, i) => {
      const row = logits.subarray((before.length + i - 1) * V, (before.length + i) * V);
      const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
      logprob += row[id]! - Math.log(sum);
    });
    return { logprob, tokens: targets.length };
  });
}

function assertClose(
  actual: readonly CandidateScore[][],
  expected: readonly CandidateScore[][],
  tolerance: number,
): void {
  assert.deepEqual(
    actual.map((scores) => scores.map(({ tokens }) => tokens)),
    expected.map((scores) => scores.map(({ tokens }) => tokens)),
  );
  actual.forEach((scores, i) => {
    scores.forEach(({ logprob }, j) => {
      const other = expected[i]![j]!.logprob;
      const difference = Math.abs(logprob - other) / actual[i]![j]!.tokens;
      assert.ok(difference <= tolerance, `request ${i}, candidate ${j}: ${logprob} and ${other}`);
    });
  });
}

const long = '春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。';
const shapes: ScoreRequest[] = [
  { context: [], candidates: [{ given: '', scored: '春' }] },
  { context: ['花落'], candidates: ['春', '夏天', '秋风', '冬'].map((scored) => ({ given: '', scored })) },
  { context: ['花落'], candidates: ['春天', '夏天'].map((scored) => ({ given: '', scored })), firstTokenOnly: true },
  { context: ['白日'], candidates: ['对，', '错，'].map((given) => ({ given, scored: '依山尽' })) },
  { context: [], candidates: ['欲穷', '不见'].map((word) => ({ given: '', scored: `${long}${word}千里目，${long}` })) },
  { context: [long, long], candidates: ['对', '错误', '也许是这样'].map((scored) => ({ given: '', scored })) },
  {
    context: [long, long],
    candidates: Array.from({ length: 60 }, (_, i) => ({ given: '', scored: `词${i}语${i % 7}` })),
  },
  { context: ['同'], candidates: [1, 2, 1].map((n) => ({ given: '', scored: '字'.repeat(n) })) },
];

test('every shape of request gets the log-probabilities of LanguageModel.hidden', async () => {
  const scorer = new LocalScorer(model, tokenizer, { identity });
  assertClose(
    await scorer.score(shapes),
    shapes.map((shape) => plainly(shape)),
    2e-6,
  );
});

test('few-shot prompts that share their examples do too', async () => {
  const examples = `${long}答：春\n${long}答：秋\n`;
  const requests = ['白日', '黄河入海', '山', '更上一层楼', long].map((query) => ({
    context: [examples, query, '答：'],
    candidates: ['春', '夏天', '秋'].map((scored) => ({ given: '', scored })),
  }));
  const words = requests.map((request) => ({
    ...request,
    candidates: [{ given: '是', scored: long }, ...request.candidates],
  }));
  const scorer = new LocalScorer(model, tokenizer, { identity, batchTokens: 300 });
  const all = [...requests, ...shapes, ...words];
  assertClose(
    await scorer.score(all),
    all.map((shape) => plainly(shape)),
    2e-6,
  );
});

test('the scores do not depend on batch size, order or company', async () => {
  const reference = await new LocalScorer(model, tokenizer, { identity }).score(shapes);
  const draw = fc.record({
    batchTokens: fc.constantFrom(1, 50, 333, 4_000),
    order: fc.shuffledSubarray(
      shapes.map((_, i) => i),
      { minLength: 1 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(draw, async ({ batchTokens, order }) => {
      const scorer = new LocalScorer(model, tokenizer, { identity, batchTokens });
      const scores = await scorer.score(order.map((i) => shapes[i]!));
      assertClose(
        scores,
        order.map((i) => reference[i]!),
        2e-6,
      );
    }),
    { numRuns: 12 },
  );
});

test('scoring leaves no tensor behind but beginnings, and those go with the scorer', async () => {
  const before = memory().allocatedBytes;
  {
    using scorer = new LocalScorer(model, tokenizer, { identity });
    await scorer.score(shapes);
    const held = memory().allocatedBytes;
    await scorer.score(shapes);
    assert.equal(memory().allocatedBytes, held);
  }
  assert.equal(memory().allocatedBytes, before);
});

test('what requests begin with is computed once, however many portions they come in', async () => {
  const extend = mock.method(PackedForward.prototype, 'extend');
  const fed = () => extend.mock.calls.flatMap(({ arguments: [segments] }) => segments.map(({ ids }) => ids.length));
  const portion = (salt: string, examples: string): ScoreRequest[] =>
    ['春', '夏', '秋', '冬'].map((query) => ({
      context: [examples, query + salt],
      candidates: [{ given: '', scored: '。' }],
    }));
  using scorer = new LocalScorer(model, tokenizer, { identity });
  const first = await scorer.score(portion('风', long));
  const [whole] = fed();
  const again = await scorer.score(portion('风', long));
  assertClose(again, first, 2e-6);
  assert.ok(fed()[1]! <= 16, `${fed()} of the beginning are computed again`);
  await scorer.score(portion('雨', long.slice(0, -2) + '花月'));
  assert.ok(fed()[2]! < whole! / 2, `${fed()}: what both begin with is there`);
  extend.mock.restore();
});

test('a prompt beyond the context, a strange tokenizer and a broken batch size are refused', async () => {
  const scorer = new LocalScorer(model, tokenizer, { identity });
  const request = { context: [long.repeat(12)], candidates: [{ given: '', scored: '春' }] };
  await assert.rejects(scorer.score([request]), { code: 'EVALUATION_CONTEXT_TOO_SHORT' });
  assert.throws(() => new LocalScorer(model, tokenizer, { identity, batchTokens: 0 }), {
    code: 'EVALUATION_BAD_SETTING',
  });
  using small = LanguageModel.create({ ...sizes, vocabularySize: 256 }, { seed: 1 });
  assert.throws(() => new LocalScorer(small, tokenizer, { identity }), { code: 'EVALUATION_VOCABULARY_MISMATCH' });
});

test('a stopped run ends between batches', async () => {
  const scorer = new LocalScorer(model, tokenizer, { identity, batchTokens: 1 });
  const controller = new AbortController();
  let calls = 0;
  const onProgress = () => {
    if (++calls === 2) controller.abort();
  };
  await assert.rejects(scorer.score(shapes, { signal: controller.signal, onProgress }), { name: 'AbortError' });
  assert.equal(calls, 2);
});

test('a prefix language model is scored behind prompts that are read in both directions, as any model on demand', async () => {
  const expected = shapes.map((shape) => plainly(shape, 'prefix'));
  const read = new LocalScorer(model, tokenizer, { identity, promptAttention: 'prefix' });
  const progress: number[] = [];
  assertClose(await read.score(shapes, { onProgress: (done) => progress.push(done) }), expected, 2e-5);
  assert.equal(progress.at(-1), shapes.length);
  assert.notEqual(read.identity, identity);
  using trained = LanguageModel.create({ ...sizes, objective: 'plm' }, { seed: 3 });
  const scorer = new LocalScorer(trained, tokenizer, { identity, batchTokens: 40 });
  assertClose(await scorer.score(shapes), expected, 2e-5);
  assert.equal(scorer.identity, identity);
});
