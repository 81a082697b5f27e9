/** Builds on this machine: worker threads, and spill files beside the corpus. Tasks that are marked as done are not repeated. */

import type { DuplicateFinder } from '../duplicates/finder.ts';
import { LocalFinder } from '../duplicates/local-finder.ts';
import type { Decisions } from './decide.ts';
import { savedResult } from './finished-tasks.ts';
import { type UnitResult, type UnitTask, unitResultPath } from './read-unit.ts';
import type { Runner, RunnerTask } from './runner.ts';
import { SharedCount } from './shared-count.ts';
import { SpilledCorpus } from './spilled-corpus.ts';
import { WorkerPool } from './worker-pool.ts';
import { type Written, writeShards } from './write-corpus.ts';

/** A large file takes minutes: its progress is told meanwhile. */
const REPORT_MILLISECONDS = 500;
const DEFAULT_MEMORY = 512 * 2 ** 20;

export class LocalRunner implements Runner {
  readonly #task: RunnerTask;
  readonly #pool: WorkerPool;
  readonly #count = new SharedCount();
  #corpus: SpilledCorpus | undefined;

  constructor(task: RunnerTask) {
    this.#task = task;
    const { workers = 2, base = process.cwd() } = task.options;
    this.#pool = new WorkerPool('build-worker', Math.max(1, workers), {
      recipe: task.recipe,
      base,
      counters: this.#count.memory,
    });
  }

  async read(): Promise<SpilledCorpus> {
    const { recipe, work } = this.#task;
    this.#corpus = new SpilledCorpus(recipe, await this.#readUnits(), work);
    return this.#corpus;
  }

  finder(): DuplicateFinder {
    const { memory = DEFAULT_MEMORY, onProgress } = this.#task.options;
    const corpus = this.#corpus;
    return new LocalFinder(corpus!, memory, (done, total) =>
      onProgress?.({ stage: 'duplicates', done, total, documents: corpus!.documents, bytes: 0 }),
    );
  }

  async write(decisions: Decisions): Promise<Written> {
    const { directory, work, options } = this.#task;
    const sum = { documents: 0, bytes: 0 };
    return await writeShards(this.#pool, directory, work, this.#corpus!, decisions, (done, total, shard) => {
      sum.documents += shard.documents;
      sum.bytes += shard.contentBytes;
      options.onProgress?.({ stage: 'write', done, total, ...sum });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#corpus?.[Symbol.dispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  /** Reads the units that are not read yet; gives the results of all, in order. */
  async #readUnits(): Promise<UnitResult[]> {
    const { inputs, work, options } = this.#task;
    const results = inputs.map((_, index) => savedResult<UnitResult>(unitResultPath(work, index)));
    const tasks = inputs
      .map((unit, index): UnitTask => ({ task: 'read', unit, index, folder: work }))
      .filter(({ index }) => results[index] === undefined);
    let done = 0;
    const report = () => {
      const { documents, bytes } = this.#count;
      options.onProgress?.({ stage: 'read', done, total: inputs.length, documents, bytes });
    };
    for (const result of results) {
      if (result === undefined) continue;
      done++;
      this.#count.add(result.read.documents, result.read.bytes);
    }
    if (done > 0) report();
    const timer = setInterval(report, REPORT_MILLISECONDS);
    try {
      await this.#pool.run<UnitTask, UnitResult>(tasks, (result) => {
        results[result.index] = result;
        done++;
        report();
      });
    } finally {
      clearInterval(timer);
    }
    return results as UnitResult[];
  }
}
