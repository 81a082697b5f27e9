import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { recipeSchema } from '@tunan/corpus';
import { schemaReference } from '@tunan/protocol/mistakes';
import { referenceDocuments } from './recipe-reference.ts';

const root = path.resolve(import.meta.dirname, '..');

test('the references of recipes say what the schemas say; npm run docs:recipes writes them again', () => {
  for (const [file, content] of referenceDocuments())
    assert.equal(readFileSync(path.join(root, file), 'utf8'), content);
});

test('every field has a meaning, in both languages', () => {
  const english = schemaReference(recipeSchema, 'en').split('\n');
  const chinese = schemaReference(recipeSchema, 'zh').split('\n');
  const withoutWords = /^\| `[^|]*(masks\.[a-z-]+|\[\]\.(category|path)|\.sha256)` \|/;
  for (const line of english) {
    if (line.startsWith('| `') && !withoutWords.test(line)) assert.doesNotMatch(line, /\| {2}\|$/);
  }
  for (const line of chinese) {
    if (!line.startsWith('| `') || withoutWords.test(line)) continue;
    assert.match(line.split(' | ').at(-1)!, /\p{Script=Han}/u, line);
  }
});
