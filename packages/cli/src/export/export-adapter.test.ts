/** Adapters on their way out: merged for the time of an export, and by themselves for llama.cpp and Ollama. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { loadGguf } from '@tunan/inference';
import { tinyAdapters } from '@tunan/inference/testing/tiny-adapters';
import { tinyModel, tinyTokenizer } from '@tunan/inference/testing/tiny-model';
import { LanguageModel, loadAdapter } from '@tunan/model';
import { noGrad, scope, tensor } from '@tunan/torch';
import { adapterToGguf } from './adapter-to-gguf.ts';
import { exportMerged } from './merged.ts';
import { toGguf } from './to-gguf.ts';
import { toHuggingFace } from './to-hugging-face.ts';

const folder = mkdtempSync(path.join(tmpdir(), '图南 export-'));
after(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => path.join(folder, ...names);
const tokenizer = await tinyTokenizer();
tokenizer.save(at('tokenizer.json'));
{
  using model = tinyModel('llama');
  model.save(at('model'), { tokenizerFile: at('tokenizer.json') });
}
const [adapter] = tinyAdapters(at('model'), 1) as [string];
const wishes = { dir: at('model'), out: undefined, measure: undefined, limit: 1 };

function logits(model: LanguageModel): number[] {
  return noGrad(() =>
    scope(() => Array.from(model.logits(model.hidden(tensor([[5, 6, 7]], { dtype: 'int64' }))).toArray(), Number)),
  );
}

test('an export with an adapter merged is named after both, has its numbers, and leaves nothing beside', async () => {
  using layers = loadAdapter(adapter, tinyModel('llama').config);
  using adapted = LanguageModel.load(at('model'), { makers: layers });
  using plain = LanguageModel.load(at('model'));
  const expected = logits(adapted);
  const furthest = (found: number[]) => Math.max(...found.map((one, i) => Math.abs(one - expected[i]!)));
  assert.ok(furthest(logits(plain)) > 0.01);
  await exportMerged({ ...wishes, type: 'f32' }, adapter, false, toGguf);
  const file = at('model-model-0-gguf', 'model-model-0-f32.gguf');
  using read = loadGguf(file);
  assert.ok(furthest(logits(read)) < 1e-5);
  await exportMerged({ ...wishes, type: 'f32' }, adapter, false, toHuggingFace);
  using written = LanguageModel.load(at('model-model-0-f32'));
  assert.ok(furthest(logits(written)) < 1e-5);
  await assert.rejects(exportMerged({ ...wishes, type: 'none' }, adapter, false, toGguf), { name: 'UsageError' });
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
  );
});

test('an adapter by itself is a GGUF with a Modelfile that names its model', async () => {
  const own = { ...wishes, dir: adapter, type: undefined };
  await adapterToGguf('gguf', own, at('model'), false);
  const [file, beside] = ['gguf', 'Modelfile'].map((ending) => at('model-0-gguf', `model-0-f32.${ending}`)) as [
    string,
    string,
  ];
  assert.ok(existsSync(file));
  assert.match(readFileSync(beside, 'utf8'), /^FROM \.\/model\.gguf\nADAPTER \.\/model-0-f32\.gguf\n/);
  await assert.rejects(adapterToGguf('gguf', own, at('model'), false), { code: 'EXPORT_EXISTS' });
  await assert.rejects(adapterToGguf('onnx', own, at('model'), false), { message: /--merge/ });
  await assert.rejects(adapterToGguf('gguf', own, undefined, false), { message: /--base/ });
});
