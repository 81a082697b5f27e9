import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { UserMistake } from '@tunan/files';
import { LanguageModel, type ModelConfigInput } from '@tunan/model';
import { ChatTemplate, Tokenizer } from '@tunan/tokenizer';
import { liveTensors, scope } from '@tunan/torch';
import fc from 'fast-check';
import { ExportError } from './errors.ts';
import { exportGguf } from './export-gguf.ts';
import { GgufFile } from './gguf/gguf-file.ts';
import { writeGguf } from './gguf/gguf-writer.ts';
import { int32s, type Metadata, type MetadataValue, string, strings, uint32 } from './gguf/metadata.ts';
import { importGguf, loadGguf } from './import-gguf.ts';
import { configs, gpt2, llama, saved, temporary } from './testing/small-models.ts';

const ropes = {
  linear: { type: 'linear', factor: 2 },
  yarn: { type: 'yarn', factor: 4, originalContext: 16, betaFast: 32, betaSlow: 1, attentionFactor: 1.3 },
  llama3: { type: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192 },
} as const;
const forms: Record<string, ModelConfigInput> = {
  ...configs,
  linear: { ...llama, ropeScaling: ropes.linear },
  yarn: { ...llama, ropeScaling: ropes.yarn },
  llama3: { ...llama, variant: 'llama', ropeScaling: ropes.llama3 } as const,
};

for (const [name, config] of Object.entries(forms)) {
  test(`a GGUF in float32 read back is the model that it was made of, ${name}`, (t) => {
    const directory = saved(t, config);
    const file = path.join(temporary(t), 'model.gguf');
    exportGguf(directory, file, { type: 'f32' });
    const back = path.join(temporary(t), 'back');
    importGguf(file, back);
    for (const same of ['model.safetensors', 'tokenizer.json'])
      assert.ok(readFileSync(path.join(back, same)).equals(readFileSync(path.join(directory, same))), same);
    using original = LanguageModel.load(directory);
    using read = LanguageModel.load(back);
    // How weights were drawn is not in the file, and no matter.
    const { initStd: _, ...expected } = original.config;
    const { initStd: __, ...found } = read.config;
    assert.deepEqual({ ...found, outputInit: undefined }, { ...expected, outputInit: undefined });
    assert.equal(Tokenizer.load(back).eod, Tokenizer.load(directory).eod);
  });
}

test('a chat template, a beginning of every text and a second end go there and back', (t) => {
  const directory = saved(t, llama);
  const file = JSON.parse(readFileSync(path.join(directory, 'tokenizer.json'), 'utf8'));
  const special = { SpecialToken: { id: '<sep>', type_id: 0 } };
  file.post_processor = {
    type: 'TemplateProcessing',
    single: [special, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [special, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<sep>': { id: '<sep>', ids: [file.model.vocab['<sep>']], tokens: ['<sep>'] } },
  };
  writeFileSync(path.join(directory, 'tokenizer.json'), JSON.stringify(file));
  writeFileSync(path.join(directory, 'tokenizer_config.json'), JSON.stringify({ eos_token: '<pad>' }));
  writeFileSync(path.join(directory, 'generation_config.json'), JSON.stringify({ eos_token_id: [4] }));
  writeFileSync(path.join(directory, 'chat_template.jinja'), '{{ messages[0].content }}');
  const gguf = path.join(temporary(t), 'model.gguf');
  exportGguf(directory, gguf, { type: 'q8_0' });
  const back = path.join(temporary(t), 'back');
  importGguf(gguf, back);
  const [one, other] = [Tokenizer.load(directory), Tokenizer.load(back)];
  assert.deepEqual([...other.ends], [...one.ends]);
  assert.equal(other.bod, file.model.vocab['<sep>']);
  assert.deepEqual(other.encode('明月'), one.encode('明月'));
  assert.equal(ChatTemplate.load(back, other)!.source, '{{ messages[0].content }}');
});

test('quantised weights are read as what they stand for, and nothing is left in memory', (t) => {
  const directory = saved(t, { ...gpt2, width: 256 });
  const file = path.join(temporary(t), 'model.gguf');
  const before = liveTensors();
  for (const type of ['q8_0', 'q4_0', 'q4_k_m'] as const) {
    const each = `${file}.${type}`;
    exportGguf(directory, each, { type });
    using gguf = new GgufFile(each);
    using model = loadGguf(each);
    const stored = gguf.tensors.get('blk.0.ffn_up.weight')!;
    assert.equal(stored.type, { q8_0: 'Q8_0', q4_0: 'Q4_0', q4_k_m: 'Q4_K' }[type]);
    const weight = model.namedParameters().get('transformer.h.0.mlp.c_fc.weight')!;
    const transposed = scope(() => weight.transpose(0, 1).contiguous().toArray());
    assert.deepEqual(transposed, gguf.rows(stored, 0, stored.shape[0]!));
  }
  assert.equal(liveTensors(), before);
});

/** Of a small GPT-2; `change` may take tensors and metadata away, or put others in. */
function changed(
  t: TestContext,
  change: (metadata: Map<string, MetadataValue>, tensors: Map<string, number[]>) => void,
): string {
  const file = path.join(temporary(t), 'model.gguf');
  exportGguf(saved(t, gpt2), file, { type: 'f32' });
  using gguf = new GgufFile(file);
  const metadata = new Map(gguf.metadata);
  const tensors = new Map([...gguf.tensors].map(([name, { shape }]) => [name, [...shape]]));
  change(metadata, tensors);
  const written = [...tensors].map(([name, shape]) => ({
    ...({ name, type: 'F32', shape } as const),
    rows: (_: number, count: number) => new Float32Array(count * shape.at(-1)!),
  }));
  const out = path.join(temporary(t), 'changed.gguf');
  writeGguf(out, metadata as Metadata, written);
  return out;
}

function refused(t: TestContext, file: string, en: RegExp, zh: RegExp): void {
  const directory = path.join(temporary(t), 'back');
  const before = liveTensors();
  assert.throws(
    () => importGguf(file, directory),
    (error) => {
      assert.ok(error instanceof ExportError, String(error));
      assert.match(error.message, en);
      assert.match(error.chinese!, zh);
      return error.message.includes(file) && !error.message.includes('\n');
    },
  );
  assert.equal(liveTensors(), before);
  assert.deepEqual(readdirSync(path.dirname(directory)), []);
}

test('files that contradict themselves, or are of another kind, are refused by name', (t) => {
  const wrong = (change: Parameters<typeof changed>[1], en: RegExp, zh: RegExp) =>
    refused(t, changed(t, change), en, zh);
  wrong((metadata) => metadata.set('general.architecture', string('mamba')), /architecture mamba is not read/, /mamba/);
  wrong((metadata) => metadata.delete('gpt2.block_count'), /gpt2\.block_count is missing/, /缺少 gpt2\.block_count/);
  wrong((metadata) => metadata.set('gpt2.block_count', string('two')), /block_count has no value/, /值不对/);
  wrong((metadata) => metadata.set('gpt2.attention.scale', uint32(2)), /scale is not known here/, /此处不认识/);
  wrong((_, tensors) => tensors.delete('blk.1.ffn_down.bias'), /blk\.1\.ffn_down\.bias is missing/, /缺少张量/);
  wrong((_, tensors) => tensors.set('output.weight', [320, 32]), /output\.weight is none of a model/, /不属于这类模型/);
  wrong((_, tensors) => tensors.set('blk.0.attn_qkv.weight', [32, 96]), /has shape \(32, 96\).*\(96, 32\)/, /形状/);
  wrong((metadata) => metadata.set('gpt2.block_count', uint32(3)), /blk\.2\.attn_norm\.weight is missing/, /缺少张量/);
  wrong(
    (metadata) => metadata.set('tokenizer.ggml.model', string('llama')),
    /the kind llama is not read/,
    /字节级 BPE/,
  );
  wrong(
    (metadata) => metadata.set('tokenizer.ggml.pre', string('tekken')),
    /split tekken is not known/,
    /预切分 tekken/,
  );
  wrong(
    (metadata) => metadata.set('tokenizer.ggml.tokens', strings(['a', 'b'])),
    /lists 2 tokens, but the embedding has 320 rows/,
    /列出 2 个词元，而词嵌入有 320 行/,
  );
  wrong((metadata) => metadata.set('tokenizer.ggml.tokens', int32s([1, 2])), /tokens has no value/, /值不对/);
});

test('a file that ends anywhere is refused, never read past its end', (t) => {
  const whole = path.join(temporary(t), 'model.gguf');
  exportGguf(saved(t, gpt2), whole, { type: 'q8_0' });
  const bytes = readFileSync(whole);
  const { size } = statSync(whole);
  const cut = path.join(temporary(t), 'cut.gguf');
  for (const length of [0, 3, 20, 30, 200, 900, 5_000, size >> 1, size - 33]) {
    writeFileSync(cut, bytes);
    truncateSync(cut, length);
    refused(t, cut, /truncated|damaged|no GGUF|ends at byte/, /不完整|已损坏|不是 GGUF|就结束了/);
  }
});

test('damage in the header is found', (t) => {
  const whole = path.join(temporary(t), 'model.gguf');
  exportGguf(saved(t, gpt2), whole, { type: 'f32' });
  const bytes = readFileSync(whole);
  const spoilt = (change: (bytes: Buffer) => void, en: RegExp, zh: RegExp) => {
    const copy = Buffer.from(bytes);
    change(copy);
    const file = path.join(temporary(t), 'spoilt.gguf');
    writeFileSync(file, copy);
    refused(t, file, en, zh);
  };
  spoilt((copy) => copy.write('GGML', 0), /no GGUF file/, /不是 GGUF 文件/);
  spoilt((copy) => copy.writeUInt32LE(9, 4), /GGUF version 9 is not read/, /版本 9/);
  spoilt((copy) => copy.writeBigUInt64LE(1n << 60n, 8), /counts 1152921504606846976 things/, /声称有/);
  spoilt((copy) => copy.writeBigUInt64LE(1n << 50n, 24), /damaged/, /已损坏/);
  const info = bytes.indexOf('blk.0.attn_qkv.weight') + 'blk.0.attn_qkv.weight'.length;
  spoilt((copy) => copy.writeUInt32LE(77, info), /77 dimensions/, /77 维/);
  spoilt((copy) => copy.writeUInt32LE(16, info + 20), /type with code 16, which is not read/, /类型代码为 16/);
  spoilt((copy) => copy.writeBigUInt64LE(0n, info + 24), /begins inside another/, /重叠/);
  spoilt((copy) => copy.writeBigUInt64LE(7n, info + 24), /impossible place/, /位置不可能/);
});

test('whatever byte of the header is damaged: a model, or a mistake that is said', (t) => {
  const whole = path.join(temporary(t), 'model.gguf');
  exportGguf(saved(t, llama), whole, { type: 'q8_0' });
  const bytes = readFileSync(whole);
  const header = bytes.lastIndexOf('output_norm.weight') + 60;
  const file = path.join(temporary(t), 'damaged.gguf');
  const before = liveTensors();
  fc.assert(
    fc.property(fc.nat(header - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
      const copy = Buffer.from(bytes);
      copy[at]! ^= bits;
      writeFileSync(file, copy);
      const directory = path.join(temporary(t), 'back');
      try {
        importGguf(file, directory);
        loadGguf(file).dispose();
      } catch (error) {
        assert.ok(error instanceof UserMistake, String((error as Error).stack));
        assert.doesNotMatch(error.message, /\n/);
      }
      assert.equal(liveTensors(), before);
    }),
    { numRuns: 60 },
  );
});

test('a missing file, and a directory that holds a model', (t) => {
  refused(t, path.join(temporary(t), 'no.gguf'), /no such file/, /没有这个文件|不存在/);
  const directory = saved(t, gpt2);
  const file = path.join(temporary(t), 'model.gguf');
  exportGguf(directory, file, { type: 'f16' });
  assert.throws(() => importGguf(file, directory), { code: 'EXPORT_EXISTS' });
  mkdirSync(path.join(path.dirname(directory), 'empty'));
  importGguf(file, path.join(path.dirname(directory), 'empty'));
});
