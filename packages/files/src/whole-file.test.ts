import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileSha256, fileSha256Sync, makeFolder, UserMistake, WholeFile, WriteError, writeWhole } from './index.ts';
import { mountSmallDisk } from './testing/small-disk.ts';

function temporary(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'tunan-whole-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('a file takes the place of an earlier one, and nothing else is left', (t) => {
  const directory = temporary(t);
  const file = path.join(directory, '春江.txt');
  writeWhole(file, '春江');
  writeWhole(file, Buffer.from('花月'));
  writeWhole(file, (descriptor) => {
    writeFileSync(descriptor, '夜');
    assert.equal(readFileSync(file, 'utf8'), '花月');
  });
  assert.equal(readFileSync(file, 'utf8'), '夜');
  assert.deepEqual(readdirSync(directory), ['春江.txt']);
});

test('where writing breaks off, the earlier file stays and nothing else is left', (t) => {
  const directory = temporary(t);
  const file = path.join(directory, 'x');
  writeWhole(file, 'earlier');
  const broken = new Error('the tensor was disposed');
  const half = (descriptor: number) => {
    writeFileSync(descriptor, 'later');
    throw broken;
  };
  assert.throws(() => writeWhole(file, half), broken);
  {
    using whole = new WholeFile(file);
    writeFileSync(whole.descriptor, 'later');
  }
  assert.equal(readFileSync(file, 'utf8'), 'earlier');
  assert.deepEqual(readdirSync(directory), ['x']);
});

test('a killed process leaves the earlier file whole', (t) => {
  const directory = temporary(t);
  const file = path.join(directory, 'x');
  writeWhole(file, 'earlier');
  const program = `import { writeFileSync } from 'node:fs';
import { writeWhole } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
writeWhole(${JSON.stringify(file)}, (descriptor) => {
  writeFileSync(descriptor, 'lat');
  process.kill(process.pid, 'SIGKILL');
});`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program]);
  assert.equal(signal, 'SIGKILL');
  assert.equal(readFileSync(file, 'utf8'), 'earlier');
  assert.deepEqual(
    readdirSync(directory).filter((name) => !name.endsWith('.partial')),
    ['x'],
  );
});

test('what the system refuses is said in both languages, with the place and what to do', (t) => {
  const directory = temporary(t);
  writeFileSync(path.join(directory, 'file'), '');
  mkdirSync(path.join(directory, 'folder/full'), { recursive: true });
  const refused = (write: () => void, en: RegExp, zh: RegExp) =>
    assert.throws(write, (error) => {
      assert.ok(error instanceof WriteError && error instanceof UserMistake && error.userMistake);
      assert.equal(error.code, 'FILES_WRITE_FAILED');
      assert.match(error.message, en);
      assert.match(error.chinese!, zh);
      return true;
    });
  const place = (name: string) => path.join(directory, name);
  refused(() => writeWhole(place('no/x'), ''), /^cannot write .*no\/x: its folder does not exist/, /所在目录不存在/);
  refused(() => writeWhole(place('file/x'), ''), /a part of the path is a file/, /路径中有一段是文件/);
  refused(() => writeWhole(place('folder'), ''), /folder/, /目录/);
  refused(() => makeFolder(place('file/a/b')), /^cannot write .*file\/a: a part of the path is a file/, /file\/a：/);
  refused(() => writeWhole(place('长'.repeat(100)), ''), /the name is too long/, /名称超过/);
  assert.deepEqual(readdirSync(directory).sort(), ['file', 'folder']);
});

test('a full disk, then a read-only one', (t) => {
  const disk = mountSmallDisk(t, '64k');
  if (disk === undefined) return;
  const file = path.join(disk.directory, 'x');
  writeWhole(file, 'earlier');
  const full = { code: 'FILES_WRITE_FAILED', message: /x: the disk is full: free some space.*\(ENOSPC\)$/ };
  assert.throws(() => writeWhole(file, 'y'.repeat(100_000)), full);
  assert.equal(readFileSync(file, 'utf8'), 'earlier');
  assert.deepEqual(readdirSync(disk.directory), ['x']);
  disk.remount('ro');
  assert.throws(() => writeWhole(file, 'y'), { message: /the file system is read-only/ });
});

test('hashes of files of any size', async (t) => {
  const file = path.join(temporary(t), 'x');
  for (const size of [0, 1, 3 << 20]) {
    const bytes = Buffer.alloc(size, '春');
    writeFileSync(file, bytes);
    const wanted = createHash('sha256').update(bytes).digest('hex');
    assert.equal(fileSha256Sync(file), wanted);
    assert.equal(await fileSha256(file), wanted);
  }
});
