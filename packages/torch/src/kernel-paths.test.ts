// The kernels under every instruction set that this processor has, each forced by TUNAN_CPU in a process of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { engineInfo } from './index.ts';

const run = promisify(execFile);
const paths = ['portable', 'avx2', 'avx512', 'avx512-bf16', 'amx'];
const file = (name: string) => new URL(`./${name}`, import.meta.url).pathname;

function environment(kernels: string): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _runner, TUNAN_CPU: _forced, ...inherited } = process.env;
  return { ...inherited, TUNAN_CPU: kernels };
}

async function inUse(kernels: string): Promise<string> {
  const index = new URL('./index.ts', import.meta.url).href;
  const program = `import { engineInfo } from ${JSON.stringify(index)};
try { console.log(engineInfo().kernels); } catch (error) { console.log(error.message); }`;
  const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', program], {
    env: environment(kernels),
  });
  return stdout.trim();
}

describe('kernels', () => {
  const best = paths.indexOf(engineInfo().kernels);
  // The best is what the tests of the kernels run on by themselves.
  for (const kernels of paths.slice(0, Math.max(best, 0))) {
    test(`equal their references on ${kernels}`, async () => {
      assert.equal(await inUse(kernels), kernels);
      const tests = ['fused-kernels.test.ts', 'adamw.test.ts'].map(file);
      await run(process.execPath, ['--test', '--test-isolation=none', ...tests], { env: environment(kernels) });
    });
  }

  test('an instruction set that there is not is named, with those that there are', async () => {
    assert.match(await inUse('abacus'), /TUNAN_CPU=abacus is not what this processor has; choose one of portable/);
  });
});
