/**
 * Several processes for one evaluation: each scores every n-th request into the cache that all share; what remains is to read
 * it. `--shard i/n` does one part by hand, for processes on several machines with a common disk.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { EvaluationProgress } from '@tunan/evaluation';
import { CommandLineError, UsageError } from '../errors.ts';
import { text } from '../language.ts';

export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** Reads `i/n`, i from 1. @throws UsageError */
export function readShard(given: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(given);
  const index = Number(match?.[1]) - 1;
  const count = Number(match?.[2]);
  if (match !== null && index >= 0 && index < count) return { index, count };
  throw new UsageError(
    text(`--shard is i/n with i from 1 to n, not '${given}'`, `--shard 应为 i/n，i 从 1 到 n，而不是“${given}”`),
  );
}

/** Sent by a shard to the process that started it. */
export interface ShardProgress {
  readonly title: string;
  readonly done: number;
  readonly total: number;
}

export function reportProgress({ task, done, total }: EvaluationProgress): void {
  const message: ShardProgress = { title: task.title, done, total };
  process.send?.(message);
}

/**
 * Runs this very command again, once for each shard, and waits for all.
 * @throws CommandLineError when one fails; the others are stopped, what they scored stays in the cache
 */
export async function runShards(
  count: number,
  onProgress: (progress: readonly ShardProgress[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const own = process.argv.slice(2).filter((argument) => argument !== '--json');
  const threads = String(Math.max(1, Math.floor(availableParallelism() / count)));
  const progress: ShardProgress[] = [];
  const children = Array.from({ length: count }, (_, i) =>
    fork(process.argv[1]!, [...own, '--processes', '1', '--shard', `${i + 1}/${count}`], {
      env: { ...process.env, OMP_NUM_THREADS: threads },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    }),
  );
  const stop = () => {
    for (const child of children) child.kill('SIGTERM');
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(
      children.map((child, i) => {
        child.on('message', (message) => {
          progress[i] = message as ShardProgress;
          onProgress(progress.filter((one) => one !== undefined));
        });
        return ended(child, `${i + 1}/${count}`);
      }),
    );
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function ended(child: ReturnType<typeof fork>, name: string): Promise<void> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve();
      const last = errors.trim().split('\n').at(0) ?? '';
      reject(new CommandLineError('CLI_SHARD', text(`shard ${name}: ${last}`, `分片 ${name}：${last}`)));
    });
  });
}
