/** One line of progress over the tasks of a suite, with the time left of the task at hand. */
import type { EvaluationProgress, ShardProgress, Split } from '@tunan/evaluation';
import { text } from '../language.ts';
import { type ProgressLine, percent } from '../progress.ts';

export class SuiteProgress {
  readonly #line: ProgressLine;
  readonly #tasks: number;
  #title = '';
  #number = 0;
  #began = 0;
  #doneBefore = 0;

  constructor(line: ProgressLine, tasks: number) {
    this.#line = line;
    this.#tasks = tasks;
  }

  /** For onProgress of evaluateTasks. */
  readonly task = ({ task, done, total }: EvaluationProgress): void => {
    this.show(task.title, done, total);
  };

  /** What all shards have done of the task that the slowest is at. */
  shards(shards: readonly ShardProgress[]): void {
    const { title } = shards.reduce((slowest, one) =>
      one.done / one.total < slowest.done / slowest.total ? one : slowest,
    );
    const same = shards.filter((one) => one.title === title);
    const sum = (pick: (one: ShardProgress) => number) => same.reduce((total, one) => total + pick(one), 0);
    this.show(
      title,
      sum((one) => one.done),
      sum((one) => one.total),
    );
  }

  training(title: string, split: Split, epoch: number): void {
    this.#line.show(text(`${title}, split ${split}, epoch ${epoch}`, `${title}，划分 ${split}，第 ${epoch} 轮`));
  }

  show(title: string, done: number, total: number): void {
    const now = performance.now();
    if (title !== this.#title) {
      this.#title = title;
      this.#number++;
      this.#began = now;
      // What the cache had already says nothing of the speed.
      this.#doneBefore = done;
    }
    const fresh = done - this.#doneBefore;
    const left = fresh > 0 ? ((now - this.#began) / fresh) * (total - done) : undefined;
    const place = this.#number <= this.#tasks ? ` (${this.#number}/${this.#tasks})` : '';
    this.#line.show(`${title}${place} ${percent(done, total)}${left === undefined ? '' : timeLeft(left / 1000)}`);
  }

  end(): void {
    this.#line.end();
  }
}

function timeLeft(seconds: number): string {
  const rounded = Math.ceil(seconds);
  const time = rounded < 90 ? `${rounded} s` : `${Math.ceil(rounded / 60)} min`;
  return text(`, ${time} left`, `，约剩 ${time}`);
}
