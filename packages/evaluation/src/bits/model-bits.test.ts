import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { noGrad } from '@tunan/torch';
import { evaluateBitsPerCharacter } from './model-bits.ts';
import { tokenLosses } from './token-losses.ts';

const documents = [
  '春晓\n春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。',
  '明月\n明月出青山，明月照江水。',
  '', // only its end
  '<eod>是文字', // text that others wrote is not the token
  '𠮷', // four bytes, one character
];
const characters = documents.reduce((sum, document) => sum + Array.from(document).length + 1, 0);

let tokenizer: Tokenizer;
before(async () => {
  tokenizer = Tokenizer.fromFile(await trainBpe([...documents, ...documents], { vocabularySize: 320 }));
});

function tinyModel(): LanguageModel {
  return LanguageModel.create(
    // A context that the first document exceeds.
    { vocabularySize: 384, contextLength: 16, layers: 1, width: 16, heads: 2, initStd: 0.3 },
    { seed: 3 },
  );
}

test('a model that knows nothing needs log2(V) bits a token, its end and the fragments of characters included', async () => {
  using model = tinyModel();
  noGrad(() => {
    for (const parameter of model.namedParameters().values()) parameter.zero_();
  });
  const result = await evaluateBitsPerCharacter(model, tokenizer, documents);
  const tokens = documents.map((document) => tokenizer.encode(document, { specials: false }).length + 1);
  assert.equal(
    result.tokens,
    tokens.reduce((sum, count) => sum + count, 0),
  );
  assert.equal(result.characters, characters);
  assert.equal(result.chineseCharacters, 38);
  assert.ok(Math.abs(result.perplexity - 384) < 1e-3);
  assert.ok(Math.abs(result.bitsPerCharacter - (result.tokens * Math.log2(384)) / characters) < 1e-6);
});

test('the total is that of the tokens, whatever they are', async () => {
  using model = tinyModel();
  const result = await evaluateBitsPerCharacter(model, tokenizer, documents);
  const bits = (result.natsPerToken * result.tokens) / Math.LN2;
  assert.ok(Math.abs(result.bitsPerCharacter * characters - bits) < 1e-9);
});

test('a Chinese text alone: all its bits but those of the end are Chinese', async () => {
  using model = tinyModel();
  const result = await evaluateBitsPerCharacter(model, tokenizer, ['明月春晓']);
  const [losses] = await tokenLosses(model, [[tokenizer.eod, ...tokenizer.encode('明月春晓'), tokenizer.eod]]);
  const end = losses!.at(-1)! / Math.LN2;
  assert.equal(result.characters, 5);
  assert.equal(result.chineseCharacters, 4);
  assert.ok(Math.abs(result.bitsPerCharacter * 5 - result.chineseBitsPerCharacter! * 4 - end) < 1e-9);
});

test('neither the batch size nor the order of the documents moves a score', async () => {
  using model = tinyModel();
  const expected = await evaluateBitsPerCharacter(model, tokenizer, documents, { batchTokens: 1 });
  for (const batchTokens of [40, 4_096]) {
    const result = await evaluateBitsPerCharacter(model, tokenizer, documents.toReversed(), { batchTokens });
    assert.ok(Math.abs(result.bitsPerCharacter - expected.bitsPerCharacter) < 1e-6);
    assert.ok(Math.abs(result.chineseBitsPerCharacter! - expected.chineseBitsPerCharacter!) < 1e-6);
  }
});

test('nothing to evaluate, or a tokenizer of more tokens than the model has', async () => {
  using model = tinyModel();
  await assert.rejects(evaluateBitsPerCharacter(model, tokenizer, []), { code: 'EVALUATION_EMPTY_TEXT' });
  using small = LanguageModel.create(
    { vocabularySize: 128, contextLength: 8, layers: 1, width: 8, heads: 1 },
    { seed: 1 },
  );
  await assert.rejects(evaluateBitsPerCharacter(small, tokenizer, documents), {
    code: 'EVALUATION_VOCABULARY_MISMATCH',
  });
});
