import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LanguageModel } from '@tunan/model';
import { liveTensors, noGrad, scope, tensor } from '@tunan/torch';
import { tokenLosses } from './token-losses.ts';

const CONTEXT = 6;
const VOCABULARY = 23;

function tinyModel(change = {}): LanguageModel {
  return LanguageModel.create(
    // A large spread of weights, so that what a token sees matters for its loss.
    { vocabularySize: VOCABULARY, contextLength: CONTEXT, layers: 2, width: 16, heads: 2, initStd: 0.5, ...change },
    { seed: 7 },
  );
}

/** Lengths below, at and above the context, in no order. */
const sequences = [2, 9, 3, 7, 20, 2, 8, 5].map((length, row) =>
  Array.from({ length }, (_, i) => (row * 5 + i * i + 1) % VOCABULARY),
);

/** The definition, one forward pass a token: it sees from the first window that reaches it. */
function slowLosses(model: LanguageModel, sequence: readonly number[]): number[] {
  const stride = CONTEXT / 2;
  return sequence.slice(1).map((target, i) => {
    const start = Math.max(0, Math.ceil((i + 1 - CONTEXT) / stride)) * stride;
    const ids = sequence.slice(start, i + 1);
    return scope(() =>
      noGrad(() => {
        const logits = model.logits(model.hidden(tensor([ids], { dtype: 'int64' }))); // (1, T, V)
        return -logits
          .select(1, ids.length - 1)
          .logSoftmax(-1)
          .select(1, target)
          .item();
      }),
    );
  });
}

for (const change of [{}, { family: 'llama', kvHeads: 1, outputInit: 'normal' }]) {
  test(`every token is predicted once, from all before it as far as the window reaches, ${change.family ?? 'gpt2'}`, async () => {
    using model = tinyModel(change);
    const losses = await tokenLosses(model, sequences);
    sequences.forEach((sequence, i) => {
      const expected = slowLosses(model, sequence);
      assert.equal(losses[i]!.length, expected.length);
      expected.forEach((loss, j) => {
        assert.ok(Math.abs(losses[i]![j]! - loss) < 1e-5, `sequence ${i}, token ${j}: ${losses[i]![j]} is not ${loss}`);
      });
    });
  });
}

test('the batch size does not change a loss beyond rounding', async () => {
  using model = tinyModel();
  const expected = await tokenLosses(model, sequences, { batchTokens: 1 });
  for (const batchTokens of [7, 30, 10_000]) {
    const losses = await tokenLosses(model, sequences, { batchTokens });
    losses.forEach((row, i) => {
      row.forEach((loss, j) => {
        assert.ok(
          Math.abs(loss - expected[i]![j]!) < 1e-6 * Math.max(1, loss), // eight roundings of float32
          `batch of ${batchTokens}: ${loss} is not ${expected[i]![j]}`,
        );
      });
    });
  }
});

test('progress ends at the total, and no tensor is left', async () => {
  using model = tinyModel();
  const before = liveTensors();
  const calls: [number, number][] = [];
  await tokenLosses(model, sequences, { batchTokens: 16, onProgress: (done, total) => calls.push([done, total]) });
  assert.ok(calls.length > 2);
  assert.ok(calls.every(([done], i) => i === 0 || done > calls[i - 1]![0]));
  assert.equal(calls.at(-1)![0], calls.at(-1)![1]);
  assert.equal(liveTensors(), before);
});

test('aborting stops between batches', async () => {
  using model = tinyModel();
  const controller = new AbortController();
  let batches = 0;
  const losses = tokenLosses(model, sequences, {
    batchTokens: 1,
    signal: controller.signal,
    onProgress: () => {
      if (++batches === 2) controller.abort();
    },
  });
  await assert.rejects(losses, { name: 'AbortError' });
  assert.equal(batches, 2);
});

test('a damaged model, a foreign vocabulary and a bad setting are named', async () => {
  using model = tinyModel();
  await assert.rejects(tokenLosses(model, [[1, VOCABULARY]]), { code: 'EVALUATION_VOCABULARY_MISMATCH' });
  await assert.rejects(tokenLosses(model, sequences, { batchTokens: 0 }), { code: 'EVALUATION_BAD_SETTING' });
  scope(() => noGrad(() => model.namedParameters().get('transformer.ln_f.weight')!.fill_(Number.NaN)));
  await assert.rejects(tokenLosses(model, sequences), { code: 'EVALUATION_NON_FINITE' });
});
