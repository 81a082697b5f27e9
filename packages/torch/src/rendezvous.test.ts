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
  const srun = { SLURM_PROCID: '0', SLURM_NTASKS: '4', SLURM_LOCALID: '0', SLURM_STEP_ID: '0', SLURM_JOB_ID: '20007' };
  assert.deepEqual(pick({ ...srun, SLURM_STEP_NODELIST: 'node[003-005,9]' }), [0, 4, 0, 'node003', 20007, true]);
});

test('without a launcher, or as its only process, there is nobody to meet', () => {
  assert.equal(rendezvousOf({}), undefined);
  assert.equal(rendezvousOf({ RANK: '0', WORLD_SIZE: '1' }), undefined);
  // In the shell of an allocation, not started by srun.
  assert.equal(rendezvousOf({ SLURM_PROCID: '0', SLURM_NTASKS: '4' }), undefined);
});

test('numbers that do not fit are refused with the name of the variable', () => {
  assert.throws(() => rendezvousOf({ RANK: '4', WORLD_SIZE: '4' }), {
    message: /^RANK=4: of 4 ranks .* the last is 3/,
  });
  assert.throws(() => rendezvousOf({ RANK: 'x', WORLD_SIZE: '4' }), { message: /^RANK=x: expected an integer/ });
  assert.throws(() => rendezvousOf({ RANK: '1', WORLD_SIZE: '2', MASTER_PORT: 'y' }), { code: 'TORCH_BAD_SETTING' });
});
