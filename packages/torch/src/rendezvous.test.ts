import assert from 'node:assert/strict';
import test from 'node:test';
import { rendezvousOf } from './rendezvous.ts';

test("torchrun's, mpirun's and srun's environments say who a process is", () => {
  const torchrun = { RANK: '5', WORLD_SIZE: '8', LOCAL_RANK: '1', MASTER_ADDR: 'head', MASTER_PORT: '1234' };
  assert.deepEqual(rendezvousOf({ ...torchrun, TORCHELASTIC_USE_AGENT_STORE: 'True' }), {
    rank: 5,
    size: 8,
    localRank: 1,
    host: 'head',
    port: 1235, // beside torchrun's own store
    holdsStore: false,
    backend: undefined,
    timeoutSeconds: undefined,
    silenceSeconds: undefined,
  });
  const pick = (environment: Record<string, string>) => {
    const { rank, size, localRank, host, port, holdsStore } = rendezvousOf(environment)!;
    return [rank, size, localRank, host, port, holdsStore];
  };
  assert.deepEqual(pick({ ...torchrun, RANK: '0' }), [0, 8, 1, 'head', 1234, true]);
  const mpirun = { OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_LOCAL_RANK: '0' };
  assert.deepEqual(pick(mpirun), [2, 4, 0, '127.0.0.1', 29500, false]);
  // Two of them on one machine, or in one job of Slurm.
  const numbered = { ...mpirun, OMPI_MCA_ess_base_jobid: '1596129281', SLURM_JOB_ID: '7' };
  assert.deepEqual(pick(numbered), [2, 4, 0, '127.0.0.1', 20000 + (1596129281 % 20000), false]);
  const srun = { SLURM_PROCID: '0', SLURM_NTASKS: '4', SLURM_LOCALID: '0', SLURM_STEP_ID: '0', SLURM_JOB_ID: '20007' };
  assert.deepEqual(pick({ ...srun, SLURM_STEP_NODELIST: 'node[003-005,9]' }), [0, 4, 0, 'node003', 20007, true]);
});

test('without a launcher, or as its only process, there is nobody to meet', () => {
  assert.equal(rendezvousOf({}), undefined);
  assert.equal(rendezvousOf({ RANK: '0', WORLD_SIZE: '1' }), undefined);
  // In the shell of an allocation, not started by srun.
  assert.equal(rendezvousOf({ SLURM_PROCID: '0', SLURM_NTASKS: '4' }), undefined);
});

test('what moves the bytes is chosen by TUNAN_RANK_BACKEND; MPI only under a launcher that speaks to it', () => {
  const ranks = { RANK: '0', WORLD_SIZE: '2' };
  const chosen = (more: Record<string, string>) => rendezvousOf({ ...ranks, ...more })!.backend;
  assert.equal(chosen({ TUNAN_RANK_BACKEND: 'gloo' }), 'gloo');
  assert.equal(chosen({ TUNAN_RANK_BACKEND: 'mpi', PMIX_RANK: '0' }), 'mpi');
  assert.throws(() => chosen({ TUNAN_RANK_BACKEND: 'mpi' }), {
    code: 'TORCH_BAD_SETTING',
    message: /^MPI knows only processes that its own launcher starts: use mpirun -n N/,
    chinese: /^MPI 只识别由其启动器启动的进程：请用 mpirun -n N/,
  });
  assert.throws(() => chosen({ TUNAN_RANK_BACKEND: 'ucc' }), {
    message: 'the backend ucc is not known: give gloo, nccl, mpi',
  });
});

test('numbers that do not fit are refused with the name of the variable', () => {
  assert.throws(() => rendezvousOf({ RANK: '4', WORLD_SIZE: '4' }), {
    message: /^RANK=4: of 4 ranks .* the last is 3/,
  });
  assert.throws(() => rendezvousOf({ RANK: 'x', WORLD_SIZE: '4' }), { message: /^RANK=x: expected an integer/ });
  assert.throws(() => rendezvousOf({ RANK: '1', WORLD_SIZE: '2', MASTER_PORT: 'y' }), { code: 'TORCH_BAD_SETTING' });
});
