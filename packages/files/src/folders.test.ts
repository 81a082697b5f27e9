import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-folders-'));
after(() => rmSync(folder, { recursive: true }));

test('a folder is made with those above it; one that is there is left as it is', () => {
  const path = join(folder, 'a/b/c');
  makeFolder(path);
  writeFileSync(join(path, 'kept'), '');
  makeFolder(path);
  makeFolder('/');
  assert.ok(existsSync(join(path, 'kept')));
});

test('what stands in the way is named, with the reason of the system', () => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  const inTheWay = (path: string) => ({ code: 'FILES_WRITE_FAILED', message: new RegExp(`cannot write ${path}: `) });
  assert.throws(() => makeFolder(join(folder, 'file/below')), inTheWay(join(folder, 'file/below')));
  assert.throws(() => makeFolder(join(folder, 'link/below')), inTheWay(join(folder, 'link')));
});

test('below /proc, where the system makes nothing, the error comes at once', {
  skip: existsSync('/proc/self') ? false : 'no /proc here',
}, () => {
  assert.throws(() => makeFolder('/proc/tunan/a/b'), {
    code: 'FILES_WRITE_FAILED',
    message: /cannot write \/proc\/tunan: its folder does not exist, or cannot be made \(ENOENT\)/,
  });
});
