import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generatedPages } from './generated-pages.ts';

test('generated pages of docs/ are those of the code (npm run docs writes them)', () => {
  const pages = generatedPages();
  assert.ok(pages.length > 0);
  for (const { file, wanted } of pages) assert.equal(readFileSync(file, 'utf8'), wanted, `${file}: npm run docs`);
});
