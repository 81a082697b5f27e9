import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { extractFolder } from './extract-folder.ts';

const fixtures = path.resolve(import.meta.dirname, '../../../tests/fixtures/pages');

function directory(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'tunan-extract-'));
}

test('each page becomes a text, rejects are counted with their reasons', async () => {
  const out = path.join(directory(), 'texts');
  const result = await extractFolder(fixtures, { out });
  assert.ok(result.pages >= 20);
  assert.equal(result.written, readdirSync(out).length);
  assert.equal(result.written + result.rejected.length, result.pages);
  assert.ok(result.reasons['index-page']! >= 3);
  assert.ok(result.rejected.some(({ page }) => page === 'index-portal.html'));
  assert.ok(result.forums >= 2);
  assert.ok(readFileSync(path.join(out, 'news-div.txt'), 'utf8').startsWith('清晨五点'));
});

test('Traditional text as written, or in Simplified script', async () => {
  const folder = directory();
  copyFileSync(path.join(fixtures, 'traditional.html'), path.join(folder, 'a.html'));
  await extractFolder(folder, { out: path.join(folder, 'hant') });
  await extractFolder(folder, { out: path.join(folder, 'hans'), simplified: true });
  assert.match(readFileSync(path.join(folder, 'hant/a.txt'), 'utf8'), /雨季來的時候/);
  assert.match(readFileSync(path.join(folder, 'hans/a.txt'), 'utf8'), /雨季来的时候/);
});

test('subfolders are kept, equal names stay apart, what is no page is rejected', async () => {
  const folder = directory();
  const page = readFileSync(path.join(fixtures, 'news-div.html'));
  mkdirSync(path.join(folder, 'sub'));
  mkdirSync(path.join(folder, 'folder.html'));
  for (const name of ['a.htm', 'a.html', 'sub/b.SHTML']) writeFileSync(path.join(folder, name), page);
  writeFileSync(path.join(folder, 'empty.html'), '');
  writeFileSync(path.join(folder, 'picture.html'), Buffer.from('89504e470d0a1a0a', 'hex'));
  writeFileSync(path.join(folder, 'notes.txt'), 'no page');
  const out = path.join(folder, 'out');
  const result = await extractFolder(folder, { out });
  assert.deepEqual(readdirSync(out, { recursive: true }).sort(), ['a.html.txt', 'a.txt', 'sub', 'sub/b.txt']);
  assert.deepEqual(result.reasons, { empty: 1, 'not-a-file': 1, binary: 1 });
});

test('a missing folder, one without pages and a blocked target say what to do', async () => {
  const folder = directory();
  await assert.rejects(extractFolder(path.join(folder, 'none'), { out: folder }), { code: 'CORPUS_SOURCE_MISSING' });
  await assert.rejects(extractFolder(folder, { out: folder }), { code: 'CORPUS_EMPTY' });
  writeFileSync(path.join(folder, 'file'), '');
  await assert.rejects(extractFolder(fixtures, { out: path.join(folder, 'file') }), { code: 'CORPUS_OUTPUT' });
});
