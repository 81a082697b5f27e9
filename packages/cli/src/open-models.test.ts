import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openModels, readModelSource } from './open-models.ts';

test('a model is a folder or an address, with a name in front or without', () => {
  const cases: [string, string | undefined, string][] = [
    ['runs/quickstart/model', undefined, 'runs/quickstart/model'],
    ['poems=runs/quickstart/model', 'poems', 'runs/quickstart/model'],
    ['诗=runs/a=b', '诗', 'runs/a=b'],
    ['http://127.0.0.1:8000/v1', undefined, 'http://127.0.0.1:8000/v1'],
    ['http://127.0.0.1:8000/v1?key=a', undefined, 'http://127.0.0.1:8000/v1?key=a'],
    ['big=https://a.example/v1#qwen', 'big', 'https://a.example/v1#qwen'],
    ['big=http://a.example/v1,http://b.example/v1', 'big', 'http://a.example/v1,http://b.example/v1'],
    ['runs/lr=3/model', undefined, 'runs/lr=3/model'],
  ];
  for (const [given, name, source] of cases) assert.deepEqual(readModelSource(given), { name, source }, given);
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-models-'));
  const before = process.cwd();
  try {
    mkdirSync(path.join(folder, 'lr=3'));
    process.chdir(folder);
    assert.deepEqual(readModelSource('lr=3'), { name: undefined, source: 'lr=3' });
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

test('of several servers behind, none is shown the key of another', async () => {
  const sources = ['http://a.example/v1', 'https://b.example/v1'].map((source) => ({ name: undefined, source }));
  await assert.rejects(openModels(sources, {}, { keys: 'secret' }), {
    name: 'UsageError',
    message: /^TUNAN_UPSTREAM_KEY .*http:\/\/a\.example=KEY,https:\/\/b\.example=KEY$/,
  });
});
