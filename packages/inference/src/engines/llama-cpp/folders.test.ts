// Which of the folders with llama.cpp's libraries is taken.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { compiledFolder, librariesFolder, packagedFolder } from './folders.ts';

const variables = ['TUNAN_CACHE', 'TUNAN_LLAMA_CPP'];

test("npm's libraries, unless some were compiled for this processor or another build is named", (t) => {
  const before = variables.map((name) => process.env[name]);
  t.after(() => {
    variables.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
  });
  delete process.env.TUNAN_LLAMA_CPP;
  const cache = mkdtempSync(path.join(tmpdir(), 'tunan-folders-'));
  t.after(() => rmSync(cache, { recursive: true }));
  process.env.TUNAN_CACHE = cache;
  assert.equal(librariesFolder(), packagedFolder());
  const compiled = compiledFolder();
  if (compiled !== undefined) {
    assert.equal(path.dirname(compiled), cache);
    mkdirSync(compiled);
    assert.equal(librariesFolder(), compiled);
  }
  process.env.TUNAN_LLAMA_CPP = '/elsewhere';
  assert.equal(librariesFolder(), '/elsewhere');
});
