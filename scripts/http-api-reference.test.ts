import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HTTP_API_FILES, httpApiReference } from './http-api-reference.ts';

for (const language of ['en', 'zh'] as const) {
  test(`the reference of the HTTP API is that of the schemas (${language}; npm run docs:http-api)`, () => {
    assert.equal(readFileSync(HTTP_API_FILES[language], 'utf8'), httpApiReference(language));
  });
}
