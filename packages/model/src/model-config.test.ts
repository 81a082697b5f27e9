import assert from 'node:assert/strict';
import test from 'node:test';
import { ModelError } from './errors.ts';
import { padVocabulary, parseModelConfig, sizesOf, trainingFlopsPerToken } from './model-config.ts';

const configG = parseModelConfig({ vocabularySize: 8192, contextLength: 256, layers: 6, width: 384, heads: 6 });

test('sizes of Yuan 1.0 and of the benchmark model', () => {
  const yuan = (layers: number, width: number, heads: number) =>
    sizesOf(parseModelConfig({ vocabularySize: 53_248, contextLength: 2048, layers, width, heads })).parameters.total /
    1e9;
  assert.equal(yuan(76, 16_384, 128).toFixed(3), '245.735'); // as the closed form in Yuan 1.0's planner gives
  assert.equal(yuan(40, 5120, 40).toFixed(2), '12.87');
  assert.equal((sizesOf(configG).parameters.total / 1e6).toFixed(1), '13.9');
});

test('FLOPs a token: six for every weight but the positions, and the causal half of attention', () => {
  const { total, blockMatrices } = sizesOf(configG).parameters;
  assert.equal(trainingFlopsPerToken(configG, 256), 6 * (total - 256 * 384) + 6 * 6 * 256 * 384);
  assert.equal(blockMatrices, 6 * 12 * 384 ** 2);
});

test('padding of the vocabulary', () => {
  assert.equal(padVocabulary(53_228, 128 * 8), 53_248);
  assert.equal(padVocabulary(128), 128);
  assert.equal(padVocabulary(129), 256);
});

test('defaults, and mistakes with their field', () => {
  assert.deepEqual(
    [configG.dropout, configG.initStd, configG.scaledResidualInit, configG.layerNormEpsilon],
    [0, 0.02, true, 1e-5],
  );
  const wrong = (change: object, message: RegExp) =>
    assert.throws(
      () => parseModelConfig({ ...configG, ...change }, 'model.json'),
      (error) => error instanceof ModelError && error.code === 'MODEL_BAD_CONFIG' && message.test(error.message),
    );
  wrong({ heads: 5 }, /^model\.json: heads: width 384 is not divisible by 5 heads$/);
  wrong({ layers: -1 }, /layers/);
  wrong({ endOfDocumentId: 8192 }, /endOfDocumentId: id 8192 is outside/);
  wrong({ hidden: 3 }, /hidden/);
  wrong({ family: 'gpt3' }, /^model\.json: family: there is no "gpt3"; there are gpt2$/);
  assert.deepEqual(sizesOf(parseModelConfig({ ...configG, family: 'gpt2' })), sizesOf(configG));
});
