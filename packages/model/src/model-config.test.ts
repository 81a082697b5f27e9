import assert from 'node:assert/strict';
import test from 'node:test';
import { ModelError } from './errors.ts';
import { familyOf, padVocabulary, parseModelConfig, sizesOf, trainingFlopsPerToken } from './model-config.ts';

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

test('sizes of the llama family are those of its parameters, which published models have', () => {
  const common = { family: 'llama', contextLength: 128 } as const;
  const qwen3 = {
    vocabularySize: 151_936,
    layers: 28,
    width: 1024,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    mlpWidth: 3072,
  };
  const qwen2 = { vocabularySize: 151_936, layers: 24, width: 896, heads: 14, kvHeads: 2, mlpWidth: 4864 };
  const llama = { vocabularySize: 128_256, layers: 16, width: 2048, heads: 32, kvHeads: 8, mlpWidth: 8192 };
  const total = (config: object) => sizesOf(parseModelConfig({ ...common, ...config })).parameters;
  assert.equal(total(qwen3).total, 596_049_920); // Qwen3-0.6B
  assert.equal(total({ ...qwen2, variant: 'qwen2' }).total, 494_032_768); // Qwen2-0.5B
  assert.equal(total({ ...llama, variant: 'llama' }).total, 1_235_814_400); // Llama-3.2-1B
  // The embedding is only looked up where the head has a matrix of its own.
  const untied = total({ ...llama, variant: 'llama', tiedHead: false });
  assert.equal(untied.multiplied, 1_235_814_400);
  assert.equal(untied.total - untied.multiplied, 128_256 * 2048);
  const small = parseModelConfig({
    ...common,
    vocabularySize: 512,
    layers: 2,
    width: 36,
    heads: 3,
    headDim: 10,
    kvHeads: 1,
  });
  const counted = familyOf(small).parameterShapes(small);
  assert.equal(
    sizesOf(small).parameters.total,
    counted.reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length), 0),
  );
});

test('the matrices that a family names are those of its blocks, part by part', () => {
  for (const config of [
    configG,
    parseModelConfig({
      family: 'llama',
      vocabularySize: 512,
      contextLength: 16,
      layers: 3,
      width: 48,
      heads: 4,
      kvHeads: 2,
      headDim: 10,
    }),
  ]) {
    const matrices = familyOf(config)
      .parameterShapes(config)
      .filter(({ matrix }) => matrix !== undefined);
    const size = matrices.reduce((sum, { shape: [rows = 0, columns = 0] }) => sum + rows * columns, 0);
    assert.equal(size, sizesOf(config).parameters.blockMatrices);
    for (const { name, shape, matrix } of matrices) {
      const outputs = shape[matrix!.layout === 'in-out' ? 1 : 0];
      assert.equal(matrix!.parts?.reduce((sum, part) => sum + part) ?? outputs, outputs, name);
    }
  }
});

test('padding of the vocabulary', () => {
  assert.equal(padVocabulary(53_228, 128 * 8), 53_248);
  assert.equal(padVocabulary(128), 128);
  assert.equal(padVocabulary(129), 256);
});

test('defaults, and mistakes with their field', () => {
  assert.ok(configG.family !== 'llama');
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
  wrong({ family: 'gpt3' }, /^model\.json: family: there is no "gpt3"; there are gpt2, llama$/);
  assert.deepEqual(sizesOf(parseModelConfig({ ...configG, family: 'gpt2' })), sizesOf(configG));
});

test('defaults of the llama family, and heads that do not fit', () => {
  const config = { family: 'llama', vocabularySize: 512, contextLength: 64, layers: 2, width: 192, heads: 3 } as const;
  const parsed = parseModelConfig(config);
  assert.ok(parsed.family === 'llama');
  assert.deepEqual(
    [parsed.variant, parsed.kvHeads, parsed.headDim, parsed.mlpWidth, parsed.outputInit, parsed.tiedHead],
    ['qwen3', 3, 64, 512, 'zeros', true],
  );
  const wrong = (change: object, en: RegExp, zh: RegExp) =>
    assert.throws(
      () => parseModelConfig({ ...config, ...change }, 'model.json'),
      (error) =>
        error instanceof ModelError &&
        error.code === 'MODEL_BAD_CONFIG' &&
        en.test(error.message) &&
        zh.test(error.chinese ?? ''),
    );
  wrong({ heads: 5 }, /^model\.json: heads: width 192 is not divisible by 5 heads: give headDim$/, /请给出 headDim$/);
  wrong({ heads: 5, headDim: 8, variant: 'llama' }, /^model\.json: heads: width 192 is not/, /heads：宽度 192/);
  wrong(
    { heads: 6, kvHeads: 4 },
    /kvHeads: 6 heads of queries cannot share 4/,
    /kvHeads：6 个查询头无法共用 4 个键值头/,
  );
  wrong({ headDim: 5 }, /headDim: heads of 5 have no halves/, /headDim：头的宽度 5/);
  wrong({ endOfDocumentId: 512 }, /endOfDocumentId: id 512 is outside/, /endOfDocumentId：编号 512 超出/);
  wrong({ layerNormEpsilon: 1e-5 }, /unknown field "layerNormEpsilon"/, /未知字段“layerNormEpsilon”/);
  wrong(
    { ropeScaling: { type: 'dynamic', factor: 2 } },
    /ropeScaling\.type: .*linear.*llama3.*yarn/,
    /ropeScaling\.type/,
  );
});
