/**
 * The numeric tests under every instruction set that this processor has, each forced by TUNAN_CPU, with one thread and with three (which
 * divide nothing evenly), each in a process of its own. The draws of properties are shared out: each number of threads gets others,
 * together as many as where the tests run by themselves.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
const sets = ['portable', 'avx2', 'avx512', 'avx512-bf16', 'amx'];

const perThreads = [
  ...['affine', 'attention', 'cross-entropy', 'degenerate-shapes', 'row-kernels'].map(
    (name) => `packages/torch/src/${name}.test.ts`,
  ),
  'packages/torch/src/adamw.test.ts',
  'packages/torch/src/muon.test.ts',
  'packages/model/src/golden.test.ts',
  'packages/model/src/language-model.test.ts',
  'packages/model/src/forward/cached-block.test.ts',
  'packages/model/src/forward/packed-forward.test.ts',
];
/** They set the threads themselves. */
const perSet = ['packages/training/src/threads.test.ts'];

function environment(set: string | undefined, threads: number): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _runner, TUNAN_CPU: _forced, ...inherited } = process.env;
  // Threads that wait for a busy core do not spin.
  const own = {
    TUNAN_THREADS: String(threads),
    TUNAN_TEST_DRAWS: '30',
    TUNAN_TEST_SEED: String(threads),
    OMP_WAIT_POLICY: 'passive',
  };
  return { ...inherited, ...own, ...(set !== undefined && { TUNAN_CPU: set }) };
}

async function inUse(set?: string): Promise<string> {
  const program = `import { engineInfo } from '@tunan/torch';
try { console.log(engineInfo().kernels); } catch (error) { console.log(error.message); }`;
  const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', program], {
    env: environment(set, 1),
    cwd: root,
  });
  return stdout.trim();
}

/** What failed, as its own tests print it, stands in the error. */
async function runTests(files: readonly string[], set: string, threads: number): Promise<void> {
  const options = { env: environment(set, threads), cwd: root, maxBuffer: 2 ** 26 };
  try {
    await run(process.execPath, ['--test', '--test-isolation=none', ...files], options);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    assert.fail(`${stdout.slice(stdout.indexOf('✖ failing tests'))}${stderr}`);
  }
}

const able = sets.slice(0, Math.max(0, sets.indexOf(await inUse())) + 1);

for (const set of able) {
  describe(`on ${set}`, () => {
    test('it is what the engine uses', async () => assert.equal(await inUse(set), set));
    for (const threads of [1, 3]) {
      test(`the numeric tests hold with ${threads} threads`, () => runTests(perThreads, set, threads));
    }
    test('training gives the same bits with any number of threads', () => runTests(perSet, set, 1));
  });
}

test('an instruction set that there is not is named, with those that there are', async () => {
  assert.match(await inUse('abacus'), /TUNAN_CPU=abacus is not what this processor has; choose one of portable/);
});
