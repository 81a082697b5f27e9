import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ggufOf } from './open-engine.ts';

function folderOf(t: TestContext, ...files: string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-open-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const file of files) writeFileSync(path.join(folder, file), '');
  return folder;
}

test('a GGUF, and a folder with one alone, is for llama.cpp; a model directory for torch', (t) => {
  assert.equal(ggufOf('a/b.GGUF'), 'a/b.GGUF');
  const alone = folderOf(t, 'Modelfile', 'poems-q8_0.gguf');
  assert.equal(ggufOf(alone), path.join(alone, 'poems-q8_0.gguf'));
  const parts = folderOf(t, 'big-00001-of-00002.gguf', 'big-00002-of-00002.gguf');
  assert.equal(ggufOf(parts), path.join(parts, 'big-00001-of-00002.gguf'));
  const both = folderOf(t, 'config.json', 'poems.gguf');
  assert.equal(ggufOf(both), undefined);
  assert.equal(ggufOf(both, 'llama.cpp'), path.join(both, 'poems.gguf'));
  const empty = folderOf(t);
  mkdirSync(path.join(empty, 'folder'));
  assert.equal(ggufOf(empty), undefined);
});

test('what an engine cannot compute, and a choice that is not clear, is told', (t) => {
  assert.throws(() => ggufOf('a.gguf', 'torch'), { code: 'INFERENCE_BAD_OPTION', option: 'engine' });
  assert.throws(() => ggufOf(folderOf(t, 'a.gguf', 'b.gguf')), { message: /name one of them: a.gguf, b.gguf$/ });
  assert.throws(() => ggufOf(folderOf(t, 'config.json'), 'llama.cpp'), { message: /tunan model export/ });
});
