/** Between two lines where stderr is no terminal. */
const EVERY_MILLISECONDS = 10_000;

/**
 * The progress of long work on stderr: one line that is written over on a terminal; elsewhere a line every ten seconds, so that a log
 * shows life and stays short. Short work prints nothing there.
 */
export class ProgressLine {
  readonly #terminal = process.stderr.isTTY === true;
  #printed = performance.now();

  show(line: string): void {
    if (this.#terminal) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    else if (performance.now() - this.#printed >= EVERY_MILLISECONDS) {
      process.stderr.write(`${line}\n`);
      this.#printed = performance.now();
    }
  }

  /** Clears the line, for what is printed next. */
  end(): void {
    if (this.#terminal) process.stderr.write('\r\x1b[K');
  }
}

export function percent(done: number, total: number): string {
  return `${Math.floor((100 * done) / Math.max(1, total))} %`;
}
