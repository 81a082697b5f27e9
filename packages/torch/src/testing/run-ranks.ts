/** Starts one program as several ranks, as a launcher would, and collects what they say. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface RankEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunRanksOptions {
  readonly size: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called when all are started: to stop or kill one. */
  readonly started?: (ranks: readonly ChildProcess[]) => void;
}

/** A port that is free now. */
async function freePort(): Promise<number> {
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
  { size, environment = {}, started }: RunRanksOptions,
): Promise<readonly RankEnd[]> {
  const port = String(await freePort());
  const children = Array.from({ length: size }, (_, rank) =>
    spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TUNAN_THREADS: '1',
        RANK: String(rank),
        LOCAL_RANK: String(rank),
        WORLD_SIZE: String(size),
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: port,
        ...environment,
      },
    }),
  );
  started?.(children);
  return Promise.all(children.map(endOf));
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
