/**
 * Asks long work to stop: the first SIGINT, SIGTERM or SIGHUP aborts the signal, so that the work can save what it has; the
 * second one ends the process as if nobody had listened.
 */
export class StopSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  readonly #listener = () => {
    this[Symbol.dispose]();
    this.#controller.abort();
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
