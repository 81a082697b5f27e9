import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { ERROR_KINDS } from './error-kinds.ts';

const packages = resolve(import.meta.dirname, '../..');

test('every code of every package has its kind in Chinese, and no other', () => {
  const files = globSync(join(packages, '*/src/{,errors/,export/,storage/,accounts/,quotas/,safety/}errors.ts')).filter(
    (file) => !file.includes('/cli/'),
  );
  const codes = files.flatMap((file) => readFileSync(file, 'utf8').match(/(?<=')[A-Z]+_[A-Z_0-9]+(?=')/g) ?? []);
  assert.deepEqual(Object.keys(ERROR_KINDS).sort(), [...new Set(codes)].sort());
});

test('a message is wholly Chinese where Chinese is asked for, and English elsewhere', () => {
  const { LC_MESSAGES: _, LANG: __, ...environment } = process.env;
  const said = (locale: string) => {
    const args = [join(packages, 'cli/bin/tunan.mjs'), 'corpus', 'report', join(tmpdir(), 'no-corpus-here')];
    return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...environment, LC_ALL: locale } }).stderr;
  };
  assert.match(said('zh_CN.UTF-8'), /^错误：.*no-corpus-here 不是语料目录/);
  assert.match(said('C'), /^error: .*no-corpus-here is no corpus directory/);
});
