/**
 * Several processes for one evaluation: each scores every n-th request into the cache that all share (`scoreShard`); what remains is to
 * read it (`runSuite`).
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { EvaluationError } from '../errors.ts';
import type { EvaluationProgress } from '../evaluate-tasks.ts';
import type { Shard } from './run-suite.ts';

/** Sent by a shard to the process that started it. */
export interface ShardProgress {
  /** Of the task. */
  readonly title: string;
  readonly done: number;
  readonly total: number;
}

/** For `onProgress` of a shard: tells the process that started it, where there is one. */
export function reportProgress({ task, done, total }: EvaluationProgress): void {
  const message: ShardProgress = { title: task.title, done, total };
  process.send?.(message);
}

export interface RunShardsOptions {
  readonly signal?: AbortSignal | undefined;
  /** What all shards have done so far. */
  readonly onProgress?: ((progress: readonly ShardProgress[]) => void) | undefined;
}

/**
 * Runs a program once for each shard, and waits for all. The cores are divided among them.
 * @param program a module; `argumentsOf` are what it is called with to score a shard
 * @throws EvaluationError EVALUATION_SHARD when one fails; the others are stopped, what they scored stays in the cache
 */
export async function runShards(
  count: number,
  program: string,
  argumentsOf: (shard: Shard) => readonly string[],
  { signal, onProgress }: RunShardsOptions = {},
): Promise<void> {
  const threads = String(Math.max(1, Math.floor(availableParallelism() / count)));
  const progress: ShardProgress[] = [];
  const children = Array.from({ length: count }, (_, index) =>
    fork(program, argumentsOf({ index, count }), {
      env: { ...process.env, OMP_NUM_THREADS: threads },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    }),
  );
  const stop = () => {
    for (const child of children) child.kill('SIGTERM');
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(
      children.map((child, i) => {
        child.on('message', (message) => {
          progress[i] = message as ShardProgress;
          onProgress?.(progress.filter((one) => one !== undefined));
        });
        return ended(child, `${i + 1}/${count}`);
      }),
    );
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
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
      const first = errors.trim().split('\n').at(0) ?? '';
      reject(new EvaluationError('EVALUATION_SHARD', { en: `shard ${name}: ${first}`, zh: `分片 ${name}：${first}` }));
    });
  });
}
