/**
 * Starts a program as several ranks on this machine, with torchrun's environment, and ends them all when one fails, with one error that
 * names it. A run that lost a rank (killed, crashed, silent) may be started again; one that failed by a mistake of its user fails again.
 *
 * The first rank's output is that of the program; the others' lines come on stderr with their number. A rank that fails tells the reason
 * as a message to its parent (`tellLauncher`), so that it is said once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Said } from '@tunan/protocol/mistakes';
import { TrainingError } from '../errors.ts';

export interface LaunchOptions {
  readonly command: string;
  /** @param restart how often the run was started again before */
  readonly args: (restart: number) => readonly string[];
  readonly ranks: number;
  /** How often a run that lost a rank is started again; 0 when absent. */
  readonly maxRestarts?: number | undefined;
  /** With how many ranks it may be: each time with the next smaller of these numbers, where there is one. As many as before when absent. */
  readonly fewerRanks?: readonly number[];
  /** When aborted all ranks are told to stop, and end in their own time. */
  readonly signal?: AbortSignal;
  /** Told of a restart, and of lines of ranks other than the first. */
  readonly say: (line: Said) => void;
}

/** What a rank tells of its end. */
interface ToldFailure extends Said {
  readonly tunanFailure: true;
  readonly code: string;
}

interface RankFailure {
  readonly rank: number;
  readonly said: Said;
  /** Whether the rank was lost, rather than stopped by a mistake. */
  readonly lost: boolean;
}

/** After the first rank has failed, what the others are given to say why, in milliseconds. */
const GRACE = 4000;

/** @throws TrainingError TRAINING_RANK_FAILED */
export async function launch(options: LaunchOptions): Promise<void> {
  const { maxRestarts = 0, fewerRanks = [], signal, say } = options;
  for (let restart = 0, { ranks } = options; ; restart++) {
    const failure = await runOnce(options, ranks, restart);
    if (failure === undefined) return;
    const { en, zh } = failure.said;
    if (!failure.lost || restart === maxRestarts || signal?.aborted)
      throw new TrainingError('TRAINING_RANK_FAILED', failure.said);
    const fewer = fewerRanks.filter((count) => count < ranks);
    if (fewer.length > 0) ranks = Math.max(...fewer);
    say({
      en: `${en}; restart ${restart + 1} of ${maxRestarts} with ${ranks} processes, from the last good checkpoint`,
      zh: `${zh}；第 ${restart + 1}/${maxRestarts} 次重启，${ranks} 个进程，自最近的可用检查点继续`,
    });
  }
}

/** Whether this process was started by `launch`; then its failure is told there, and nowhere else. */
export function tellLauncher(error: { readonly code?: unknown; readonly en: string; readonly zh: string }): boolean {
  if (process.send === undefined || process.env.TUNAN_LAUNCHED !== '1') return false;
  process.send({ tunanFailure: true, code: String(error.code), en: error.en, zh: error.zh } satisfies ToldFailure);
  return true;
}

async function runOnce(options: LaunchOptions, ranks: number, restart: number): Promise<RankFailure | undefined> {
  const { command, args, signal, say } = options;
  const port = await freePort();
  const threads = Math.max(1, Math.floor(availableParallelism() / ranks));
  const told = new Map<number, ToldFailure>();
  const children = Array.from({ length: ranks }, (_, rank) => {
    const output = rank === 0 ? ('inherit' as const) : ('pipe' as const);
    const child = spawn(command, args(restart), {
      stdio: ['ignore', output, output, 'ipc'],
      env: {
        TUNAN_THREADS: String(threads),
        ...process.env,
        TUNAN_LAUNCHED: '1',
        RANK: String(rank),
        LOCAL_RANK: String(rank),
        WORLD_SIZE: String(ranks),
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: String(port),
        TORCHELASTIC_USE_AGENT_STORE: 'False',
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) =>
        say({ en: `[rank ${rank}] ${line}`, zh: `[进程 ${rank}] ${line}` }),
      );
    }
    child.on('message', (message) => {
      if (isToldFailure(message)) told.set(rank, message);
    });
    return child;
  });
  const stop = () => {
    for (const child of children) child.kill('SIGTERM');
  };
  signal?.addEventListener('abort', stop);
  try {
    return await firstFailure(children, told);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Waits until all have ended well, or one has not; then ends the others, also those that are stopped. */
async function firstFailure(
  children: readonly ChildProcess[],
  told: ReadonlyMap<number, ToldFailure>,
): Promise<RankFailure | undefined> {
  let first: { readonly rank: number; readonly code: number | null; readonly name: string | null } | undefined;
  const ends = children.map(async (child, rank) => {
    const [code, name] = await ended(child);
    if (code !== 0) first ??= { rank, code, name };
    return code;
  });
  const bad = Promise.any(
    ends.map(async (end) => {
      if ((await end) === 0) throw new Error('ended well');
    }),
  ).catch(() => undefined);
  await bad;
  if (first === undefined) return undefined;
  await Promise.race([Promise.all(ends), delay(GRACE, undefined, { ref: false })]);
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ends);
  return failureOf(first, told, children.length);
}

async function ended(child: ChildProcess): Promise<[code: number | null, signal: string | null]> {
  try {
    return (await once(child, 'close')) as [number | null, string | null];
  } catch {
    return [-1, null]; // could not be started: said by the system's error below
  }
}

function failureOf(
  first: { readonly rank: number; readonly code: number | null; readonly name: string | null },
  told: ReadonlyMap<number, ToldFailure>,
  ranks: number,
): RankFailure {
  const { rank, code, name } = first;
  const own = told.get(rank);
  if (own === undefined) {
    const how = name === null ? { en: `ended with code ${code}`, zh: `以退出码 ${code} 结束` } : killedBy(name);
    return {
      rank,
      lost: true,
      said: { en: `rank ${rank} of ${ranks} ${how.en}`, zh: `共 ${ranks} 个进程，进程 ${rank} ${how.zh}` },
    };
  }
  // What all say alike is no one rank's; what names a rank says it by itself.
  const isShared = [...told.values()].filter(({ en }) => en === own.en).length > 1;
  const lost = own.code === 'TORCH_RANK_LOST';
  const said =
    isShared || lost || /^rank \d/.test(own.en)
      ? own
      : { en: `rank ${rank}: ${own.en}`, zh: `进程 ${rank}：${own.zh}` };
  return { rank, lost, said: { en: said.en, zh: said.zh } };
}

function killedBy(name: string): Said {
  const memory =
    name === 'SIGKILL'
      ? { en: ' (by somebody, or for want of memory)', zh: '（被人终止，或内存不足）' }
      : { en: '', zh: '' };
  return { en: `was killed by ${name}${memory.en}`, zh: `被 ${name} 终止${memory.zh}` };
}

function isToldFailure(message: unknown): message is ToldFailure {
  return typeof message === 'object' && message !== null && 'tunanFailure' in message;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
