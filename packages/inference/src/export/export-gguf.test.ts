import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { LanguageModel } from '@tunan/model';
import { scope, type Tensor } from '@tunan/torch';
import { ExportError } from './errors.ts';
import { exportGguf } from './export-gguf.ts';
import type { GgufType } from './gguf/file-types.ts';
import { GgufFile } from './gguf/gguf-file.ts';
import { configs, llama, qwen2, saved, tokenizer } from './testing/small-models.ts';

const numbers = (tensor: Tensor): number[] => Array.from(tensor.detach().contiguous().toArray(), Number);

for (const [kind, config] of Object.entries(configs)) {
  test(`every weight stands in the file where llama.cpp looks for it, ${kind}`, (t) => {
    const directory = saved(t, config);
    const file = path.join(path.dirname(directory), 'model.gguf');
    exportGguf(directory, file, { type: 'f32' });
    using gguf = new GgufFile(file);
    using model = LanguageModel.load(directory);
    const weights = model.namedParameters();
    assert.equal(gguf.tensors.size, weights.size);
    assert.deepEqual(gguf.metadata.get('general.architecture'), { type: 'string', value: kind });
    const stored = (name: string): [readonly number[], number[]] => {
      const tensor = gguf.tensors.get(name)!;
      const rows = tensor.shape.length === 1 ? 1 : tensor.shape[0]!;
      return [tensor.shape, Array.from(gguf.rows(tensor, 0, rows))];
    };
    const expected = (name: string, arrange = (tensor: Tensor) => tensor): [readonly number[], number[]] =>
      scope(() => {
        const tensor = arrange(weights.get(name)!);
        return [tensor.shape, numbers(tensor)];
      });
    const transposed = (tensor: Tensor) => tensor.transpose(0, 1);
    const pairs = (tensor: Tensor) => tensor.view(-1, 2, 6, 32).transpose(1, 2).contiguous().view(-1, 32);
    if (kind === 'gpt2') {
      assert.deepEqual(stored('token_embd.weight'), expected('transformer.wte.weight'));
      assert.deepEqual(stored('position_embd.weight'), expected('transformer.wpe.weight'));
      assert.deepEqual(stored('blk.1.attn_qkv.weight'), expected('transformer.h.1.attn.c_attn.weight', transposed));
      assert.deepEqual(stored('blk.1.ffn_down.weight'), expected('transformer.h.1.mlp.c_proj.weight', transposed));
      assert.deepEqual(stored('blk.0.ffn_up.bias'), expected('transformer.h.0.mlp.c_fc.bias'));
    } else {
      const rotated = kind === 'llama' ? pairs : undefined;
      assert.deepEqual(stored('blk.1.attn_q.weight'), expected('model.layers.1.self_attn.q_proj.weight', rotated));
      assert.deepEqual(stored('blk.0.attn_k.weight'), expected('model.layers.0.self_attn.k_proj.weight', rotated));
      assert.deepEqual(stored('blk.0.attn_v.weight'), expected('model.layers.0.self_attn.v_proj.weight'));
      assert.deepEqual(stored('blk.1.ffn_gate.weight'), expected('model.layers.1.mlp.gate_proj.weight'));
      assert.equal(gguf.tensors.has('blk.0.attn_q.bias'), kind === 'qwen2');
      assert.equal(gguf.tensors.has('blk.0.attn_q_norm.weight'), kind === 'qwen3');
      assert.equal(gguf.tensors.has('output.weight'), kind !== 'qwen3');
    }
  });
}

test('16 bits for matrices, 32 for vectors and positions, each rounded to the nearest', (t) => {
  const directory = saved(t, configs.gpt2);
  using model = LanguageModel.load(directory);
  for (const [type, dtype] of [['f16', 'float16'] as const, ['bf16', 'bfloat16'] as const]) {
    const file = path.join(path.dirname(directory), `${type}.gguf`);
    exportGguf(directory, file, { type });
    using gguf = new GgufFile(file);
    const tensor = gguf.tensors.get('blk.0.attn_output.weight')!;
    assert.equal(tensor.type, type.toUpperCase());
    const rounded = scope(() =>
      numbers(model.namedParameters().get('transformer.h.0.attn.c_proj.weight')!.transpose(0, 1).to(dtype)),
    );
    assert.deepEqual(Array.from(gguf.rows(tensor, 0, 32)), rounded);
    for (const name of ['position_embd.weight', 'blk.0.attn_norm.weight', 'blk.1.ffn_up.bias'])
      assert.equal(gguf.tensors.get(name)!.type, 'F32');
  }
});

test('the vocabulary: tokens, their types, merges, and the name of the split', (t) => {
  const directory = saved(t, configs.qwen3);
  const file = path.join(path.dirname(directory), 'model.gguf');
  const { notes } = exportGguf(directory, file, { type: 'f16' });
  assert.deepEqual(notes, []);
  using gguf = new GgufFile(file);
  const value = (key: string) => gguf.metadata.get(`tokenizer.ggml.${key}`)!.value;
  const [tokens, types] = [value('tokens') as string[], value('token_type') as number[]];
  assert.equal(value('pre'), 'deepseek-v3');
  assert.equal(tokens.length, 320);
  assert.equal(tokens[tokenizer.eod], '<eod>');
  assert.equal(types[tokenizer.eod], 3);
  assert.equal(value('eos_token_id'), tokenizer.eod);
  assert.equal(value('add_bos_token'), false);
  assert.deepEqual([tokens.at(-1), types.at(-1)], ['[PAD319]', 5]);
  assert.equal(types.filter((type) => type === 1).length, tokenizer.vocabularySize - tokenizer.specialTexts.length);
  assert.equal((value('merges') as string[]).length, tokenizer.file.model.merges.length);
});

test('what the format cannot hold is refused with the reason, and no file is left', (t) => {
  const refused = (directory: string, en: RegExp, zh: RegExp, type: GgufType = 'f32') => {
    const file = path.join(path.dirname(directory), 'model.gguf');
    assert.throws(
      () => exportGguf(directory, file, { type }),
      (error) =>
        error instanceof ExportError && en.test(error.message) && zh.test(error.chinese!) && !/\n/.test(error.message),
    );
    assert.deepEqual(
      readdirSync(path.dirname(directory)).filter((name) => name.startsWith('model.gguf')),
      [],
    );
  };
  const filled = (value: number) => (model: LanguageModel) => {
    model.namedParameters().get('transformer.h.1.mlp.c_fc.weight')!.fill_(value);
  };
  refused(saved(t, { ...configs.gpt2, objective: 'plm' }), /prefix language model/, /前缀语言模型/);
  for (const type of ['f16', 'q8_0'] as const)
    refused(saved(t, configs.gpt2, filled(1e6)), /blk\.1\.ffn_up\.weight: .* too large for .*bf16/, /来说太大/, type);
  refused(saved(t, configs.gpt2, filled(Number.NaN)), /blk\.1\.ffn_up\.weight: a weight is NaN/, /有权重为 NaN/);
  refused(saved(t, { ...configs.gpt2, vocabularySize: 270 }), /tokenizer\.json has 2\d\d tokens/, /只容 270 个/);
  refused(saved(t, qwen2), /4 heads of 12 are not 32 wide/, /不等于 32/);
  const ropeScaling = {
    type: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 16,
  } as const;
  refused(saved(t, { ...llama, ropeScaling }), /of qwen3/, /qwen3 不行/);
});

test('what llama.cpp would do otherwise is noted', (t) => {
  const directory = saved(t, configs.qwen3);
  const tokenizerFile = path.join(directory, 'tokenizer.json');
  const content = JSON.parse(readFileSync(tokenizerFile, 'utf8'));
  const added = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  content.normalizer = { type: 'NFC' };
  content.added_tokens.push({ ...added, id: 300, content: '<|a|' }, { ...added, id: 301, content: '|b|>' });
  writeFileSync(tokenizerFile, JSON.stringify(content));
  const renamed = path.join(path.dirname(directory), 'phi3');
  renameSync(directory, renamed);
  const file = path.join(path.dirname(directory), 'model.gguf');
  const { notes } = exportGguf(renamed, file, { type: 'f16' });
  assert.match(notes[0]!.en, /does not normalise text/);
  assert.match(notes[1]!.en, /<\|a\| and \|b\|> may overlap in a text/);
  assert.equal(notes.length, 2);
  // llama.cpp takes a model whose name has this in it for another one.
  using gguf = new GgufFile(file);
  assert.equal(gguf.metadata.get('general.name')!.value, 'qwen3');
});

test('a file that stands there is left alone', (t) => {
  const directory = saved(t, configs.gpt2);
  const file = path.join(path.dirname(directory), 'model.gguf');
  writeFileSync(file, 'mine');
  assert.throws(() => exportGguf(directory, file, { type: 'f32' }), { code: 'EXPORT_EXISTS' });
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});
