import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from './task-reference.ts';

test('the tables of fields of task files are those of the schema, in both languages', () => {
  for (const language of ['en', 'zh'] as const) {
    const { content, wanted } = pageOf(language);
    assert.equal(content, wanted, 'npm run docs:tasks');
  }
});
