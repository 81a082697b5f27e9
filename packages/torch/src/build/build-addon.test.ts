/**
 * What the set-up says when something is missing. That a build succeeds is shown by every other test of the package.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findLibtorch } from '../index.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'tunan-build-'));
after(() => rmSync(directory, { recursive: true }));
const program = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Runs the build program with a cache of its own; gives the events that it prints. */
function build(environment: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    encoding: 'utf8',
    env: { ...process.env, TUNAN_CACHE: path.join(directory, 'cache'), ...environment },
  });
  assert.equal(stderr, '');
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
  return { status, events };
}

test('the libtorch of these tests has a version and its libraries', () => {
  const { version, libraries, includes } = findLibtorch();
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.ok(readdirSync(libraries).some((name) => name.startsWith('libtorch_cpu.')));
  assert.ok(includes.length > 0);
});

test('TUNAN_LIBTORCH that holds none', () => {
  const { status, events } = build({ TUNAN_LIBTORCH: directory });
  assert.equal(status, 1);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['failed'],
  );
  assert.match(events[0]!.message!, /^TUNAN_LIBTORCH=.* holds no libtorch \(.*\); unset it or correct it$/);
  assert.match(events[0]!.chinese!, /^TUNAN_LIBTORCH=.* 处没有 libtorch（.*）；请取消或更正该变量$/);
});

test('a libtorch that does not compile: the log is named, and no folder is left', () => {
  // The layout of an unpacked archive from which the headers were lost.
  const archive = path.join(directory, 'archive');
  const api = path.join(archive, 'include/torch/csrc/api/include/torch');
  mkdirSync(api, { recursive: true });
  const version = ['MAJOR 2', 'MINOR 11', 'PATCH 3'].map((part) => `#define TORCH_VERSION_${part}\n`).join('');
  writeFileSync(path.join(api, 'version.h'), version);
  mkdirSync(path.join(archive, 'lib'));
  for (const name of ['libtorch.so', 'libtorch.dylib']) writeFileSync(path.join(archive, 'lib', name), '');
  const { status, events } = build({ TUNAN_LIBTORCH: archive });
  assert.equal(status, 1);
  const [compiling, failed, ...more] = events;
  assert.deepEqual(
    [compiling?.event, compiling?.version, compiling?.source],
    ['compiling', '2.11.3', 'TUNAN_LIBTORCH'],
  );
  assert.deepEqual([failed?.event, more], ['failed', []]);
  const log = failed?.message?.match(/^cmake failed with code \d+; the log is (.*)$/)?.[1];
  assert.ok(log, failed?.message);
  assert.match(readFileSync(log, 'utf8'), / error: /);
  assert.deepEqual(readdirSync(path.join(directory, 'cache')), [path.basename(log)]);
});

test('an addon that is not compiled yet: the fix is named', () => {
  const index = new URL('../index.ts', import.meta.url).href;
  const use = `import { ones } from ${JSON.stringify(index)}; try { ones([1]); } catch (error) { console.log(error.code, error.message); }`;
  const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', use], {
    encoding: 'utf8',
    env: { ...process.env, TUNAN_CACHE: path.join(directory, 'empty') },
  });
  assert.equal(output, 'TORCH_ADDON_MISSING the native addon is not compiled yet; run: npx tunan setup\n');
});
