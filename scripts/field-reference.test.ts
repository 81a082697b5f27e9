import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pages } from './field-reference.ts';

test('the tables of fields in docs/ are those of the schemas, in both languages', () => {
  for (const { name, content, wanted } of pages()) assert.equal(content, wanted, `${name}: npm run docs:fields`);
});
