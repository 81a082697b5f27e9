import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { LanguageModel, type ModelConfigInput } from '@tunan/model';
import { noGrad, scope, tensor } from '@tunan/torch';
import * as ort from 'onnxruntime-web';
import { tinyTokenizer } from '../testing/tiny-model.ts';
import { ExportError } from './errors.ts';
import { exportOnnx } from './export-onnx.ts';
import { loadRounded } from './onnx/rounded-model.ts';
import { readModel } from './onnx/testing/read-model.ts';

ort.env.wasm.numThreads = 1;

const tokenizer = await tinyTokenizer();
const sizes = { vocabularySize: 320, contextLength: 48, layers: 2, width: 32, initStd: 0.25 } as const;
const llama = { ...sizes, family: 'llama', heads: 4, kvHeads: 2, headDim: 12, outputInit: 'normal' } as const;
const bands = { lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 16 };
const yarn = { originalContext: 8, betaFast: 32, betaSlow: 1, attentionFactor: 1.1 };
const configs = {
  gpt2: { ...sizes, heads: 2 },
  qwen3: llama,
  qwen2: { ...llama, variant: 'qwen2', ropeScaling: { type: 'yarn', factor: 4, ...yarn } },
  llama: {
    ...llama,
    variant: 'llama',
    headDim: 8,
    tiedHead: false,
    ropeScaling: { type: 'llama3', factor: 8, ...bands },
  },
} as const satisfies Record<string, ModelConfigInput>;

/** Of logits up to 6, where what is multiplied is rounded too: what sums of another order can move, a number here and there rounding up for down. */
const ROUNDED_OTHERWISE = 0.05;

const ids = Array.from({ length: 20 }, (_, index) => (index * 37 + 11) % 300);

function temporary(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-onnx-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A model directory, with biases and norms that are not those of the beginning. */
function saved(t: TestContext, config: ModelConfigInput, change?: (model: LanguageModel) => void): string {
  const directory = path.join(temporary(t), 'model');
  const tokenizerFile = path.join(path.dirname(directory), 'tokenizer.json');
  tokenizer.save(tokenizerFile);
  using model = LanguageModel.create({ ...config, endOfDocumentId: tokenizer.eod }, { seed: 5 });
  noGrad(() =>
    scope(() => {
      for (const parameter of Object.values(model.parameterGroups().plain)) {
        const waves = Array.from({ length: parameter.shape[0]! }, (_, index) => 0.2 * Math.sin(index + 1));
        parameter.copy_(parameter.add(tensor(waves)));
      }
      change?.(model);
    }),
  );
  model.save(directory, { tokenizerFile });
  return directory;
}

/** Logits (T, V) of our own engine. */
function logitsOf(model: LanguageModel, given: readonly number[]): Float32Array {
  return noGrad(() =>
    scope(() => model.logits(model.hidden(tensor([[...given]], { dtype: 'int64' }))).toArray() as Float32Array),
  );
}

function expectedLogits(directory: string, given: readonly number[]): Float32Array {
  using model = LanguageModel.load(directory);
  return logitsOf(model, given);
}

type Cache = Record<string, ort.Tensor>;

class Session implements AsyncDisposable {
  readonly inner: ort.InferenceSession;

  constructor(inner: ort.InferenceSession) {
    this.inner = inner;
  }

  static async open(file: string, options: ort.InferenceSession.SessionOptions = {}): Promise<Session> {
    return new Session(await ort.InferenceSession.create(file, options));
  }

  /** @param mask of the cache too */
  async run(rows: number[][], mask: number[][], positions: number[][], cache?: Cache) {
    const integers = (values: number[][]) =>
      new ort.Tensor('int64', BigInt64Array.from(values.flat(), BigInt), [values.length, values[0]!.length]);
    const results = await this.inner.run({
      input_ids: integers(rows),
      attention_mask: integers(mask),
      position_ids: integers(positions),
      ...(cache ?? this.#emptyCache(rows.length)),
    });
    const present = Object.entries(results).filter(([name]) => name.startsWith('present'));
    return {
      logits: results.logits!.data as Float32Array,
      cache: Object.fromEntries(present.map(([name, value]) => [name.replace('present', 'past_key_values'), value])),
    };
  }

  #emptyCache(batch: number): Cache {
    const past = this.inner.inputMetadata.filter(({ name }) => name.startsWith('past_key_values'));
    return Object.fromEntries(
      past.map((one) => {
        assert.ok(one.isTensor);
        const [, heads, , width] = one.shape as number[];
        return [one.name, new ort.Tensor('float32', new Float32Array(), [batch, heads!, 0, width!])];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner.release();
  }
}

const ones = (length: number) => Array.from({ length }, () => 1);
const upTo = (end: number, first = 0) => Array.from({ length: end - first }, (_, index) => first + index);

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(...Array.from(actual, (value, index) => Math.abs(value - expected[index]!)));
  assert.ok(worst < bound, `off by ${worst}`);
}

for (const [kind, config] of Object.entries(configs)) {
  test(`ONNX Runtime computes our logits, ${kind}: whole, from the cache, and behind padding`, async (t) => {
    const directory = saved(t, config);
    const expected = expectedLogits(directory, ids);
    const { file } = exportOnnx(directory, `${directory}-onnx`, { format: 'onnx', type: 'f32' });
    await using session = await Session.open(file);
    const whole = await session.run([ids], [ones(20)], [upTo(20)]);
    assertNear(whole.logits, expected, 1e-4);
    const first = await session.run([ids.slice(0, 13)], [ones(13)], [upTo(13)]);
    const rest = await session.run([ids.slice(13)], [ones(20)], [upTo(20, 13)], first.cache);
    assertNear([...first.logits, ...rest.logits], expected, 1e-4);
    // The shorter of two is padded in front, as programs that generate do.
    const [padding, short] = [Array<number>(6).fill(0), ids.slice(0, 14)];
    const both = await session.run(
      [ids, [...padding, ...short]],
      [ones(20), [...padding, ...ones(14)]],
      [upTo(20), [...padding.fill(1), ...upTo(14)]],
    );
    assertNear(both.logits.subarray(0, expected.length), expected, 1e-4);
    assertNear(both.logits.subarray(expected.length + 6 * 320), expected.subarray(0, 14 * 320), 1e-4);
    const next = [5, 7].map((id) => [id]);
    const step = await session.run(next, [ones(21), [...Array(6).fill(0), ...ones(15)]], [[20], [14]], both.cache);
    const after = [expectedLogits(directory, [...ids, 5]), expectedLogits(directory, [...short, 7])];
    assertNear(
      step.logits,
      after.flatMap((all) => [...all.slice(-320)]),
      1e-4,
    );
  });
}

test('half the bytes in f16, a quarter of a matrix in int8, and the logits of the rounded weights', async (t) => {
  for (const [kind, config] of Object.entries(configs)) {
    const directory = saved(t, { ...config, layers: 1 });
    const output = `${directory}-onnx`;
    const whole = statSync(exportOnnx(directory, output, { format: 'onnx', type: 'f32' }).file).size;
    for (const type of ['f16', 'int8'] as const) {
      const { file } = exportOnnx(directory, output, { format: 'onnx', type });
      assert.ok(statSync(file).size < 0.75 * whole, `${kind} ${type}`);
      using rounded = loadRounded(directory, 'onnx', type);
      const expected = logitsOf(rounded, ids);
      await using session = await Session.open(file);
      const { logits } = await session.run([ids], [ones(20)], [upTo(20)]);
      assertNear(logits, expected, type === 'int8' ? ROUNDED_OTHERWISE : 1e-4);
    }
  }
});

test('a QONNX file: fixed lengths, and every weight through a node that says its bits', (t) => {
  for (const [kind, config] of Object.entries(configs)) {
    const directory = saved(t, config);
    const output = `${directory}-qonnx`;
    for (const [type, operator, numbers] of [
      ['int8', 'Quant', 'SCALEDINT<8>'],
      ['pow2', 'FloatQuant', 'FLOAT<3,0,7>'],
    ] as const) {
      const { file } = exportOnnx(directory, output, { format: 'qonnx', type });
      const { graph, opsetImport } = readModel(file);
      assert.deepEqual(opsetImport.map(({ domain }) => domain).sort(), ['', 'qonnx.custom_op.general']);
      const lengths = graph.input.flatMap(({ type }) =>
        type.tensorType.shape.dim.map(({ dimValue }) => Number(dimValue)),
      );
      assert.ok(lengths.every((length) => length > 0));
      const stored = new Set(graph.initializer.map(({ name }) => name));
      const quantized = graph.node.filter(({ opType }) => opType === operator);
      const matrices = { gpt2: 9, qwen3: 15, qwen2: 15, llama: 16 }[kind];
      assert.equal(quantized.length, matrices);
      for (const { domain, input } of quantized) {
        assert.equal(domain, 'qonnx.custom_op.general');
        assert.ok(input.every((name) => stored.has(name)));
      }
      const products = graph.node.filter(({ opType }) => /MatMul|Gemm/.test(opType));
      assert.ok(products.every(({ input }) => !stored.has(input[1]!)));
      const kinds = graph.quantizationAnnotation.flatMap(({ quantParameterTensorNames: [entry] }) => entry!.value);
      assert.deepEqual(kinds, Array(matrices).fill(numbers));
    }
  }
});

test('weights in a second file where one cannot hold them, said in config.json', async (t) => {
  const directory = saved(t, configs.gpt2);
  const output = `${directory}-onnx`;
  const { file } = exportOnnx(directory, output, { format: 'onnx', type: 'f32', largest: 50_000 });
  assert.ok(statSync(file).size < 50_000);
  exportOnnx(directory, output, { format: 'onnx', type: 'f16' });
  const config = JSON.parse(readFileSync(path.join(output, 'config.json'), 'utf8'));
  assert.deepEqual(config['transformers.js_config'], { use_external_data_format: { 'model.onnx': 1 } });
  const data = `${file}_data`;
  const externalData = [{ path: path.basename(data), data: readFileSync(data) }];
  await using session = await Session.open(file, { externalData });
  const { logits } = await session.run([ids], [ones(20)], [upTo(20)]);
  assertNear(logits, expectedLogits(directory, ids), 1e-4);
});

test('the directory is one that transformers.js loads: config, tokenizer, ends, and onnx/', (t) => {
  const directory = saved(t, configs.qwen2);
  const output = `${directory}-onnx`;
  writeFileSync(path.join(directory, 'chat_template.jinja'), '{{ messages }}');
  exportOnnx(directory, output, { format: 'onnx', type: 'f16' });
  assert.deepEqual(readdirSync(output).sort(), [
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'onnx',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  assert.deepEqual(readdirSync(path.join(output, 'onnx')), ['model_fp16.onnx']);
  const json = (name: string) => JSON.parse(readFileSync(path.join(output, name), 'utf8'));
  assert.deepEqual([json('config.json').model_type, json('config.json').num_key_value_heads], ['qwen2', 2]);
  assert.equal(json('tokenizer_config.json').chat_template, '{{ messages }}');
  assert.equal(json('generation_config.json').eos_token_id, tokenizer.eod);
});

test('what cannot be exported is refused with the reason, and no graph is left', (t) => {
  const refused = (directory: string, en: RegExp, zh: RegExp, type: 'f32' | 'f16' = 'f32') => {
    assert.throws(
      () => exportOnnx(directory, `${directory}-onnx`, { format: 'onnx', type }),
      (error) =>
        error instanceof ExportError && en.test(error.message) && zh.test(error.chinese!) && !/\n/.test(error.message),
    );
    assert.ok(!existsSync(path.join(`${directory}-onnx`, 'onnx', type === 'f32' ? 'model.onnx' : 'model_fp16.onnx')));
  };
  const filled = (value: number) => (model: LanguageModel) => {
    model.namedParameters().get('transformer.h.1.mlp.c_fc.weight')!.fill_(value);
  };
  refused(saved(t, { ...configs.gpt2, objective: 'plm' }), /prefix language model/, /前缀语言模型/);
  refused(saved(t, configs.gpt2, filled(1e6)), /c_fc\.weight: .* too large for f16.*f32/, /超出 f16/, 'f16');
  refused(saved(t, configs.gpt2, filled(Number.NaN)), /c_fc\.weight: a weight is NaN/, /有权重为 NaN/);
  const directory = saved(t, configs.gpt2);
  exportOnnx(directory, `${directory}-onnx`, { format: 'onnx', type: 'f32' });
  assert.throws(() => exportOnnx(directory, `${directory}-onnx`, { format: 'onnx', type: 'f32' }), {
    code: 'EXPORT_EXISTS',
  });
  const other = saved(t, configs.qwen3);
  assert.throws(() => exportOnnx(other, `${directory}-onnx`, { format: 'onnx', type: 'f16' }), {
    code: 'EXPORT_EXISTS',
    message: /that of another model/,
  });
  writeFileSync(path.join(`${directory}-onnx`, 'config.json'), '{');
  assert.throws(() => exportOnnx(directory, `${directory}-onnx`, { format: 'onnx', type: 'f16' }), {
    code: 'EXPORT_EXISTS',
  });
});
