/**
 * Where the ranks of a run meet, read from the environment that a launcher gives them. torchrun's is the contract (RANK, WORLD_SIZE,
 * LOCAL_RANK, MASTER_ADDR, MASTER_PORT), which Kubernetes' PyTorchJob and `tunan train run --nproc` set too; Slurm's srun and Open MPI's mpirun
 * name their numbers themselves, and need MASTER_ADDR where they run on several machines; on one, jobs meet at ports of their own.
 */
import { TorchError } from './errors.ts';

/** What moves the bytes; none where a process is alone. */
export type GroupBackend = 'none' | 'gloo' | 'nccl' | 'mpi';

export interface Rendezvous {
  readonly rank: number;
  readonly size: number;
  /** On this machine: which device is this rank's. */
  readonly localRank: number;
  readonly host: string;
  readonly port: number;
  /** Whether this rank holds the store that all meet at. */
  readonly holdsStore: boolean;
  /** gloo when absent. */
  readonly backend?: GroupBackend | undefined;
  /** For all to arrive, at the start and at each collective; 600 when absent. */
  readonly timeoutSeconds?: number | undefined;
  /** A rank without a sign of life for so long is taken to be lost; 30 when absent. */
  readonly silenceSeconds?: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Names of rank, size and local rank, in the order in which they are looked for. */
const LAUNCHERS = [
  { rank: 'RANK', size: 'WORLD_SIZE', local: 'LOCAL_RANK' },
  { rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE', local: 'OMPI_COMM_WORLD_LOCAL_RANK' },
  { rank: 'PMI_RANK', size: 'PMI_SIZE', local: 'MPI_LOCALRANKID' },
  { rank: 'SLURM_PROCID', size: 'SLURM_NTASKS', local: 'SLURM_LOCALID' },
] as const;

/** What a launcher that speaks to MPI gives to every process: PMIx (Open MPI's mpirun, srun --mpi=pmix), PMI. */
const MPI_LAUNCHED = ['PMIX_RANK', 'PMI_RANK'];

const BACKENDS: readonly GroupBackend[] = ['gloo', 'nccl', 'mpi'];

const DEFAULT_PORT = 29500;

/**
 * Undefined where no launcher started this process, or it is the only one.
 * @throws TorchError TORCH_BAD_SETTING for numbers that do not fit together
 */
export function rendezvousOf(environment: Environment): Rendezvous | undefined {
  const names = LAUNCHERS.find(({ rank, size }) => environment[rank] && environment[size]);
  // Inside a Slurm allocation every process has SLURM_NTASKS; only those that srun started have a step.
  if (names === undefined || (names.rank === 'SLURM_PROCID' && !environment.SLURM_STEP_ID)) return undefined;
  const number = (name: string, least: number) => wholeNumber(environment, name, least);
  const size = number(names.size, 1);
  const rank = number(names.rank, 0);
  if (rank >= size)
    throw bad(
      `${names.rank}=${rank}`,
      `of ${size} ranks (${names.size}) the last is ${size - 1}`,
      `共 ${size} 个进程（${names.size}），最大序号为 ${size - 1}`,
    );
  if (size === 1) return undefined;
  // torchrun's own store stands at MASTER_PORT and speaks the protocol of its version of libtorch, which need not be ours: the ranks have
  // theirs beside it.
  const beside = environment.TORCHELASTIC_USE_AGENT_STORE === 'True' ? 1 : 0;
  const seconds = (name: string) => (environment[name] ? number(name, 1) : undefined);
  return {
    rank,
    size,
    localRank: environment[names.local] ? number(names.local, 0) : rank,
    host: environment.MASTER_ADDR || firstNode(environment.SLURM_STEP_NODELIST) || '127.0.0.1',
    port: beside + (environment.MASTER_PORT ? number('MASTER_PORT', 1) : portOfJob(environment)),
    holdsStore: rank === 0,
    backend: backendOf(environment),
    timeoutSeconds: seconds('TUNAN_RANK_TIMEOUT'),
    silenceSeconds: seconds('TUNAN_RANK_SILENCE'),
  };
}

/** By the number of Open MPI or Slurm: two jobs of one node must not meet. */
function portOfJob({ OMPI_MCA_ess_base_jobid: openMpi, SLURM_JOB_ID: slurm }: Environment): number {
  const job = Number(openMpi || slurm || Number.NaN);
  return Number.isInteger(job) ? 20000 + (job % 20000) : DEFAULT_PORT;
}

/** TUNAN_RANK_BACKEND; undefined leaves it to the device. */
function backendOf(environment: Environment): GroupBackend | undefined {
  const name = environment.TUNAN_RANK_BACKEND;
  if (!name) return undefined;
  const backend = BACKENDS.find((one) => one === name);
  if (backend === undefined) {
    throw new TorchError('TORCH_BAD_SETTING', {
      en: `the backend ${name} is not known: give ${BACKENDS.join(', ')}`,
      zh: `未知的通信后端 ${name}：可选 ${BACKENDS.join('、')}`,
    });
  }
  if (backend === 'mpi' && !MPI_LAUNCHED.some((one) => environment[one])) {
    throw new TorchError('TORCH_BAD_SETTING', {
      en: 'MPI knows only processes that its own launcher starts: use mpirun -n N, or srun --mpi=pmix, in place of --nproc and torchrun',
      zh: 'MPI 只识别由其启动器启动的进程：请用 mpirun -n N 或 srun --mpi=pmix 启动，而非 --nproc 或 torchrun',
    });
  }
  return backend;
}

/** "node[003-005,7],other" → "node003"; "host" → "host". */
function firstNode(list: string | undefined): string | undefined {
  const match = /^([^[,]+)(?:\[(\d+))?/.exec(list ?? '');
  return match === null ? undefined : `${match[1]}${match[2] ?? ''}`;
}

function wholeNumber(environment: Environment, name: string, least: number): number {
  const value = Number(environment[name]);
  if (environment[name] && Number.isInteger(value) && value >= least) return value;
  throw bad(`${name}=${environment[name]}`, `expected an integer of at least ${least}`, `应为不小于 ${least} 的整数`);
}

function bad(what: string, en: string, zh: string): TorchError {
  return new TorchError('TORCH_BAD_SETTING', {
    en: `${what}: ${en}; the launcher (torchrun, mpirun, srun) sets it`,
    zh: `${what}：${zh}；该变量由启动器（torchrun、mpirun、srun）设置`,
  });
}
