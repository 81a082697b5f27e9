import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { LanguageModel } from '@tunan/model';
import { readSafetensors } from '@tunan/torch';
import { exportHuggingFace } from './export-hugging-face.ts';
import { configs, gpt2, saved } from './testing/small-models.ts';

const json = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), 'utf8'));

for (const [name, config] of Object.entries(configs)) {
  test(`a clean directory of each type, ${name}`, (t) => {
    const directory = saved(t, config);
    writeFileSync(path.join(directory, 'README.md'), '# a card');
    writeFileSync(path.join(directory, 'optimizer.safetensors'), 'of the training');
    for (const [type, dtype] of [
      ['f32', 'float32'] as const,
      ['f16', 'float16'] as const,
      ['bf16', 'bfloat16'] as const,
    ]) {
      const output = path.join(path.dirname(directory), type);
      exportHuggingFace(directory, output, type);
      assert.deepEqual(readdirSync(output).sort(), [
        ...['README.md', 'config.json', 'generation_config.json', 'model.safetensors'],
        ...['tokenizer.json', 'tokenizer_config.json'],
      ]);
      assert.equal(json(output, 'config.json').torch_dtype, dtype);
      assert.equal(readFileSync(path.join(output, 'README.md'), 'utf8'), '# a card');
      using weights = readSafetensors(path.join(output, 'model.safetensors'));
      using original = readSafetensors(path.join(directory, 'model.safetensors'));
      assert.deepEqual(weights.names(), original.names());
      for (const stored of weights.names()) {
        using written = weights.get(stored);
        using before = original.get(stored);
        using rounded = before.to(dtype);
        assert.equal(written.dtype, dtype);
        assert.deepEqual(written.toArray(), rounded.toArray());
      }
      LanguageModel.load(output).dispose();
    }
  });
}

test('what cannot be written is refused, and no model is left', (t) => {
  const filled = saved(t, gpt2, (model) => model.namedParameters().get('transformer.wpe.weight')!.fill_(1e6));
  const output = path.join(path.dirname(filled), 'out');
  assert.throws(() => exportHuggingFace(filled, output, 'f16'), {
    code: 'EXPORT_UNFIT',
    message: /transformer\.wpe\.weight: a weight is too large for float16/,
  });
  assert.ok(!existsSync(path.join(output, 'config.json')));
  const plm = saved(t, { ...gpt2, objective: 'plm' });
  assert.throws(() => exportHuggingFace(plm, path.join(path.dirname(plm), 'out'), 'bf16'), /prefix language model/);
  assert.throws(() => exportHuggingFace(plm, plm, 'bf16'), { code: 'EXPORT_EXISTS' });
});
