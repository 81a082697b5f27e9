import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referencePages } from './field-reference.ts';

test('the fields in docs/ are those of the schemas, in both languages', () => {
  for (const { file, content, wanted } of referencePages())
    assert.equal(content, wanted, `${file}: npm run docs:fields`);
});
