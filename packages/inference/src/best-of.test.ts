import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { submitBestOf } from './best-of.ts';
import { TorchEngine } from './engines/torch/torch-engine.ts';
import { collect } from './generate.ts';
import type { GenerationRequest } from './request.ts';
import { tinyModel, tinyTokenizer } from './testing/tiny-model.ts';

const tokenizer = await tinyTokenizer();
const model = tinyModel();
const engine = new TorchEngine(model, tokenizer);
after(() => {
  engine.close();
  model.dispose();
});

const request: GenerationRequest = { prompts: ['春', '千山鸟飞绝'], maxTokens: 9, seed: 4, temperature: 1.2 };

test('the answers with the highest mean are given, best first, and all candidates are counted', async () => {
  const all = await collect(engine.submit({ ...request, choices: 6, logprobs: 0 }));
  const means = all.sequences.map(
    ({ tokens }) => tokens.reduce((sum, { logprob }) => sum + logprob!, 0) / tokens.length,
  );
  const best = await collect(submitBestOf(engine, { ...request, choices: 2 }, 6));
  assert.equal(best.sequences.length, 4);
  for (const place of [0, 1]) {
    const own = all.sequences
      .map((sequence, index) => ({ sequence, mean: means[index]! }))
      .slice(place * 6, place * 6 + 6);
    own.sort((a, b) => b.mean - a.mean);
    assert.notEqual(own[0]!.mean, own[5]!.mean);
    for (const rank of [0, 1]) {
      const { text, finishReason } = own[rank]!.sequence;
      assert.deepEqual(best.sequences[place * 2 + rank], { text, finishReason, tokens: [] });
    }
  }
  assert.equal(best.usage.completionTokens, all.usage.completionTokens);
  assert.equal(best.usage.promptTokens, all.usage.promptTokens);
  assert.equal(best.seed, 4);
});

test('the prompt does not count, and stands in front where echo asks for it', async () => {
  const plain = await collect(submitBestOf(engine, { ...request, logprobs: 2 }, 5));
  const echoed = await collect(submitBestOf(engine, { ...request, logprobs: 2, echo: true }, 5));
  for (const [place, prompt] of request.prompts.entries()) {
    const { text, tokens } = echoed.sequences[place]!;
    assert.equal(text, `${prompt}${plain.sequences[place]!.text}`);
    const own = tokens.slice(tokens.length - plain.sequences[place]!.tokens.length);
    assert.deepEqual(
      own.map(({ id, logprob }) => [id, logprob]),
      plain.sequences[place]!.tokens.map(({ id, logprob }) => [id, logprob]),
    );
    const first = tokens.length - own.length;
    assert.deepEqual(
      tokens.slice(0, first).map(({ id }) => id),
      [...tokenizer.encode(prompt as string)],
    );
    if (own.length > 0) assert.equal(own[0]!.offset, (prompt as string).length);
  }
  const text = await collect(submitBestOf(engine, { ...request, echo: true }, 5));
  assert.deepEqual(text.sequences[1], { ...echoed.sequences[1]!, tokens: [] });
});

test('it can be given up', async () => {
  const abort = new AbortController();
  const answer = collect(submitBestOf(engine, request, 8, abort.signal));
  abort.abort();
  await assert.rejects(answer, { code: 'INFERENCE_ABORTED' });
  assert.deepEqual(engine.occupancy, { running: 0, waiting: 0 });
});
