/** A signal to a whole process group comes twice, directly and passed on by the parent; this much later it is a wish. */
const REPEAT_MILLISECONDS = 1000;

/**
 * Asks long work to stop: the first SIGINT, SIGTERM or SIGHUP aborts the signal, so that the work can save what it has; a
 * second one, a second later or more, ends the process as if nobody had listened.
 */
export class StopSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  #first: number | undefined;
  readonly #listener = (name: NodeJS.Signals) => {
    const now = performance.now();
    if (this.#first === undefined) {
      this.#first = now;
      this.#controller.abort();
    } else if (now - this.#first >= REPEAT_MILLISECONDS) {
      this[Symbol.dispose]();
      process.kill(process.pid, name);
    }
  };

  constructor() {
    for (const name of this.#names) process.on(name, this.#listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves when the process is asked to stop. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) process.off(name, this.#listener);
  }
}
