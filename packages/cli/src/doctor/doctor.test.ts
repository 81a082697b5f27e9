// What doctor says about engine and machine, from the command itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finding } from './finding.ts';

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

function doctor(environment: Record<string, string>): { status: number | null; findings: Map<string, Finding> } {
  const { OMP_NUM_THREADS: _openMp, TUNAN_THREADS: _threads, TUNAN_CPU: _cpu, ...inherited } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [program, 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...inherited, LC_ALL: 'C', ...environment },
  });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { status, findings: new Map(findings.map((finding) => [finding.name, finding])) };
}

test('BLAS, OpenMP, threads and kernels of a process that loaded the addon', () => {
  const { status, findings } = doctor({});
  assert.equal(status, 0);
  for (const name of ['BLAS', 'OpenMP', 'threads', 'kernels']) assert.ok(findings.get(name)!.found.length > 0, name);
  assert.ok(findings.has('addon'));
  const groups = findings.get('process groups')!;
  assert.match(groups.found, /^(gloo(, nccl)?(, mpi)?|none)/);
  assert.equal(groups.status === 'ok', groups.fix === undefined);
});

test('fewer threads than processors, and the variable that says so', () => {
  const { found, status, fix } = doctor({ TUNAN_THREADS: '1', OMP_NUM_THREADS: '64' }).findings.get('threads')!;
  assert.match(found, /^1 of \d+ \(TUNAN_THREADS\)$/);
  if (status === 'warn') assert.equal(fix, 'unset TUNAN_THREADS');
});

test('kernels held to a slower instruction set, or to one that is not there', () => {
  const slower = doctor({ TUNAN_CPU: 'portable' }).findings.get('kernels')!;
  assert.match(slower.found, /^portable \(TUNAN_CPU\)/);
  const { status, findings } = doctor({ TUNAN_CPU: 'abacus' });
  assert.equal(status, 1);
  assert.match(findings.get('kernels')!.found, /^abacus \(TUNAN_CPU\), not possible here: one of .*portable$/);
});
