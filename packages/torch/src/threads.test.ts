/**
 * The one setting of threads: TUNAN_THREADS, else OMP_NUM_THREADS, else all processors; each case in a process of its own.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import test from 'node:test';

const index = new URL('./index.ts', import.meta.url).href;
const program = `import { getThreads } from ${JSON.stringify(index)};
try { console.log(getThreads()); } catch (error) { console.log(error.code, error.message); }`;

function threadsWith(environment: NodeJS.ProcessEnv): string {
  const { TUNAN_THREADS: _threads, OMP_NUM_THREADS: _openMp, ...inherited } = process.env;
  return execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
    env: { ...inherited, ...environment },
  }).trim();
}

test('threads follow the environment', () => {
  assert.equal(threadsWith({}), String(availableParallelism()));
  assert.equal(threadsWith({ OMP_NUM_THREADS: '3,1' }), '3');
  assert.equal(threadsWith({ OMP_NUM_THREADS: '3', TUNAN_THREADS: '1' }), '1');
});

test('a setting that is no number of threads is named', () => {
  const fix = 'is no number of threads; give a positive integer or unset it';
  assert.equal(threadsWith({ TUNAN_THREADS: 'many' }), `TORCH_BAD_SETTING TUNAN_THREADS=many ${fix}`);
  assert.equal(threadsWith({ TUNAN_THREADS: '0' }), `TORCH_BAD_SETTING TUNAN_THREADS=0 ${fix}`);
});
