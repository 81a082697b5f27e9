/** Starts one program as several ranks, as a launcher would, and collects what they say. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mpiPath } from '../build/build-addon.ts';

export interface RankEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunRanksOptions {
  readonly size: number;
  /** Gloo when absent; over MPI mpirun is the launcher, and a rank that was killed has a code and no signal. */
  readonly backend?: 'gloo' | 'mpi' | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Over Gloo: called when all are started, to stop or kill one. */
  readonly started?: (ranks: readonly ChildProcess[]) => void;
}

/** Under Open MPI's mpirun as root, in a container, beside other work: it would refuse, or hold every rank to a core of its own. */
export const MPIRUN_ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_hwloc_base_binding_policy: 'none',
};

/** Why nothing can be tried over MPI here; false where it can, as a test's `skip` wants it. */
export function whyNoMpi(): string | false {
  if (!existsSync(mpiPath())) return 'the addon was compiled without MPI';
  const said = spawnSync('mpirun', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  return said.includes('Open MPI') ? false : "no mpirun of Open MPI's";
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Of each rank, in order. @param program a file that Node runs, one thread each */
export async function runRanks(
  program: string,
  args: readonly string[],
  { size, backend = 'gloo', environment = {}, started }: RunRanksOptions,
): Promise<readonly RankEnd[]> {
  const place = { TUNAN_THREADS: '1', MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()), ...environment };
  if (backend === 'mpi') return runUnderMpirun([program, ...args], size, place);
  const children = Array.from({ length: size }, (_, rank) =>
    spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, RANK: String(rank), LOCAL_RANK: String(rank), WORLD_SIZE: String(size), ...place },
    }),
  );
  started?.(children);
  return Promise.all(children.map(endOf));
}

/** What a rank says and how it ends goes to files of its own: mpirun tells one rank's from another's neither on its output nor in its code. */
const KEEPING = '"$@" >"$RANKS/$PMIX_RANK.stdout" 2>"$RANKS/$PMIX_RANK.stderr"; echo $? >"$RANKS/$PMIX_RANK.code"';

async function runUnderMpirun(line: readonly string[], size: number, environment: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-ranks-'));
  try {
    // With recovery the others are left to say what they find where one is lost; else mpirun ends them.
    const args = ['--enable-recovery', '-n', String(size), 'sh', '-c', KEEPING, 'sh', process.execPath, ...line];
    const own = { ...MPIRUN_ENVIRONMENT, TUNAN_RANK_BACKEND: 'mpi', RANKS: folder, ...environment };
    const child = spawn('mpirun', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...own } });
    const launcher = await endOf(child);
    return Array.from({ length: size }, (_, rank): RankEnd => {
      const read = (what: string) => {
        const file = path.join(folder, `${rank}.${what}`);
        return existsSync(file) ? readFileSync(file, 'utf8') : '';
      };
      const code = read('code');
      const stderr = read('stderr') || launcher.stderr + launcher.stdout;
      return { code: code === '' ? launcher.code : Number(code), signal: null, stdout: read('stdout'), stderr };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function endOf(child: ChildProcess): Promise<RankEnd> {
  const said = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...said };
}
