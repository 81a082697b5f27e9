import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';

const program = `import { engineInfo } from '@tunan/torch';
const { blasCore, kernels } = engineInfo();
console.log(JSON.stringify({ blasCore, kernels }));`;

/** Of a process of its own: OpenBLAS chooses when it is loaded. */
function chosen(coreType?: string): { blasCore: string; kernels: string } {
  const { OPENBLAS_CORETYPE: _inherited, ...env } = process.env;
  const stdout = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...env, TUNAN_CPU: '', ...(coreType !== undefined && { OPENBLAS_CORETYPE: coreType }) },
  });
  return JSON.parse(stdout) as { blasCore: string; kernels: string };
}

test('products in float32 never run on the kernels of a processor without AVX where this one has it', (t) => {
  const { blasCore, kernels } = chosen();
  if (blasCore === '') return t.skip('another BLAS than OpenBLAS');
  assert.ok(kernels === 'portable' || blasCore !== 'Prescott', `${blasCore} where the processor has ${kernels}`);
});

test('what OPENBLAS_CORETYPE asks for stays', (t) => {
  if (process.arch !== 'x64' || chosen().blasCore === '') return t.skip('only for OpenBLAS on x64');
  assert.equal(chosen('Prescott').blasCore, 'Prescott');
});
