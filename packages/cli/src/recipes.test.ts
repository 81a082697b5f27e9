import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { CommandLineError } from './errors.ts';
import { findRecipe, readRecipe, recipeNames } from './recipes.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tunan-recipes-'));
after(() => rmSync(folder, { recursive: true }));

test('built-in recipes are found by name', () => {
  assert.ok(recipeNames('corpus').includes('tiny-poet'));
  assert.equal(typeof readRecipe('corpus', 'tiny-poet'), 'object');
  assert.match(findRecipe('corpus', 'tiny-poet'), /recipes.corpus.tiny-poet\.json$/);
});

test('a path that ends in .json is a recipe of one’s own', () => {
  const file = path.join(folder, 'own.json');
  writeFileSync(file, '{"name":"own"}');
  assert.deepEqual(readRecipe('corpus', file), { name: 'own' });
});

test('an unknown name lists the known ones', () => {
  const lists = (error: unknown) => error instanceof CommandLineError && /known: .*tiny-poet/.test(error.message);
  assert.throws(() => findRecipe('corpus', 'tiny-poem'), lists);
});

test('a file that is missing or no JSON is named with the reason', () => {
  const file = path.join(folder, 'broken.json');
  writeFileSync(file, '{"name":');
  assert.throws(() => readRecipe('corpus', file), /broken\.json cannot be read: .*JSON/);
  assert.throws(() => readRecipe('corpus', path.join(folder, 'absent.json')), /absent\.json cannot be read: ENOENT/);
});
