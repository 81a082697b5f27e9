import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { CommandLineError } from './errors.ts';
import { findRecipe } from './recipes.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tunan-recipes-'));
after(() => rmSync(folder, { recursive: true }));

test('built-in recipes are found by name', () => {
  const recipe: unknown = JSON.parse(readFileSync(findRecipe('corpus', 'tiny-poet'), 'utf8'));
  assert.equal((recipe as { name: string }).name, 'tiny-poet');
});

test('a path that ends in .json is a recipe of one’s own', () => {
  const file = path.join(folder, 'own.json');
  writeFileSync(file, '{"name":"own"}');
  assert.equal(findRecipe('corpus', file), file);
});

test('an unknown name, or a file that is missing, lists the known ones', () => {
  for (const name of ['tiny-poem', path.join(folder, 'absent.json')]) {
    assert.throws(
      () => findRecipe('corpus', name),
      (error) =>
        error instanceof CommandLineError && error.message.includes(name) && /known: .*tiny-poet/.test(error.message),
    );
  }
});
