/**
 * The progress of long work on stderr: one line that is written over on a terminal, nothing at all elsewhere, so that logs and
 * pipes stay clean.
 */
export class ProgressLine {
  readonly #terminal = process.stderr.isTTY === true;

  show(line: string): void {
    if (this.#terminal) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  /** Clears the line, for what is printed next. */
  end(): void {
    if (this.#terminal) process.stderr.write('\r\x1b[K');
  }
}

export function percent(done: number, total: number): string {
  return `${Math.floor((100 * done) / Math.max(1, total))} %`;
}
