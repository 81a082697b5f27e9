/** Runs the stages of the quickstart one after another: a heading, a progress line, the time it took. */
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';
import { QUICKSTART_STAGES, type QuickstartStage } from '../stage-names.ts';

export class Stages {
  readonly #print: (line: string) => void;
  readonly #began = performance.now();
  readonly #seconds: Record<string, number> = {};

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Since the first stage. */
  get elapsedSeconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** Of each finished stage. */
  get seconds(): Readonly<Record<string, number>> {
    return this.#seconds;
  }

  async run<T>(name: QuickstartStage, work: (progress: (line: string) => void) => Promise<T>): Promise<T> {
    const began = performance.now();
    const title = QUICKSTART_STAGES[name];
    const line = new ProgressLine();
    line.show(title);
    try {
      return await work((progress) => line.show(text(`${title}: ${progress}`, `${title}：${progress}`)));
    } finally {
      line.end();
      this.#seconds[name] = (performance.now() - began) / 1000;
      this.#print(`▸ ${title}  ${this.#seconds[name].toFixed(1)} s`);
    }
  }
}
