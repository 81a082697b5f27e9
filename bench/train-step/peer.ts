// One engine as a child process that stays alive: a line on its stdin is an order, a line of JSON on its stdout the answer. All
// children wait while one works, so that rounds of all engines can take turns.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** Of a child's last output, enough to see why it ended. */
const TAIL = 2000;

export class Peer implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #complaints = '';

  /** Answers the first line, which the child gives when it is warm. */
  static async start(
    name: string,
    command: readonly string[],
    environment: NodeJS.ProcessEnv,
  ): Promise<[Peer, unknown]> {
    const peer = new Peer(name, command, environment);
    return [peer, await peer.#read()];
  }

  private constructor(name: string, [file = '', ...args]: readonly string[], environment: NodeJS.ProcessEnv) {
    this.name = name;
    this.#child = spawn(file, args, { env: environment });
    this.#child.on('error', (error) => {
      this.#complaints += String(error);
    });
    this.#child.stdin.on('error', () => {}); // the end of the child is reported by #read
    this.#child.stderr.on('data', (chunk) => {
      this.#complaints = (this.#complaints + chunk).slice(-TAIL);
    });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async ask(order: string): Promise<unknown> {
    this.#child.stdin.write(`${order}\n`);
    return this.#read();
  }

  /** Lines that are no JSON are what the engine says by itself. */
  async #read(): Promise<unknown> {
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done) throw new Error(`${this.name} ended: ${this.#complaints.trim() || this.#ending()}`);
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }

  #ending(): string {
    if (this.#child.signalCode === 'SIGKILL')
      return 'killed, as the system does when memory is out; leave other peers out';
    return this.#child.signalCode ?? 'without a word';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await closed;
    clearTimeout(timer);
  }
}
