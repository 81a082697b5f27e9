/**
 * A fixed number of worker threads that take tasks in order and give results in task order. The module to run is
 * named without extension: in a checkout it is TypeScript, in the published package JavaScript.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type CarriedError, unpackError } from '../errors.ts';

type Answer = { result: unknown } | { error: CarriedError };

export class WorkerPool implements AsyncDisposable {
  readonly #workers: Worker[];

  /** @param module file name beside this one, without extension; it answers each message with one Answer. */
  constructor(module: string, count: number, workerData: unknown) {
    const url = new URL(`./${module}${extname(import.meta.url)}`, import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Worker(url, { workerData }));
  }

  /** Runs every task; `onResult` is called as each ends, in any order. The first error ends the run. */
  run<Task, Result>(tasks: Task[], onResult?: (result: Result) => void): Promise<Result[]> {
    const results = new Array<Result>(tasks.length);
    let given = 0;
    const serve = (worker: Worker) =>
      new Promise<void>((done, fail) => {
        let current = -1;
        const finish = (settle: () => void) => {
          worker.off('message', take).off('error', broken).off('exit', gone);
          settle();
        };
        const broken = (error: Error) => finish(() => fail(error));
        const gone = (code: number) => finish(() => fail(new Error(`a corpus worker ended early (exit code ${code})`)));
        const give = () => {
          if (given >= tasks.length) return finish(done);
          current = given++;
          worker.postMessage(tasks[current]);
        };
        const take = (answer: Answer) => {
          if ('error' in answer) {
            given = tasks.length;
            return finish(() => fail(unpackError(answer.error)));
          }
          results[current] = answer.result as Result;
          onResult?.(answer.result as Result);
          give();
        };
        worker.on('message', take).on('error', broken).on('exit', gone);
        give();
      });
    return Promise.all(this.#workers.map(serve)).then(() => results);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
