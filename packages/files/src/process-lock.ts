/**
 * A lock file that one process holds at a time, and that outlives no holder: what a killed process leaves is taken over, also by a
 * container that is restarted, by another container on the same volume, and by another machine on the same file server.
 *
 * The file names its holder (process-identity.ts). A holder that can be seen from here is looked at. One that cannot shows itself by
 * touching the file every few seconds, from a thread of its own, so that long computations do not stop it; when the file stays as it is for
 * several such times, the holder is gone. Node has no flock(2), and network file systems that honour it are few.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Milliseconds between two touches of a held lock. */
const BEAT = 3000;
/** Beats missed after which a holder out of sight is gone. */
const MISSED = 5;

/**
 * As a program of its own text: the packed package has no TypeScript to start. Ends where the file is another holder's, which it would keep
 * alive, or stays away: taking over moves it away for a moment, and may give it back.
 */
const HEARTBEAT = `
const { readFileSync, utimesSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const { file, content, beat, started } = workerData;
let missing = 0;
const beats = setInterval(() => {
  try {
    if (readFileSync(file, 'utf8') !== content) return clearInterval(beats);
    utimesSync(file, new Date(), new Date());
    missing = 0;
  } catch (error) {
    // What else a network file system says for a moment is over at one of the next beats.
    if (error.code === 'ENOENT' && ++missing === 2) clearInterval(beats);
  }
}, beat);
Atomics.store(started, 0, 1);
Atomics.notify(started, 0);
`;

/** Milliseconds that a thread is given to start; a machine too busy for that has slower steps than beats. */
const START = 10_000;

interface Holder extends ProcessIdentity {
  /** Of this one holding: the same process may hold it again later. */
  readonly token: string;
}

/** Somebody else holds the lock. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  /** Such as "process 12 on node-3"; empty where the file does not say. */
  readonly holder: string;

  constructor(file: string, holder: string) {
    super(`${file} is held${holder === '' ? '' : ` by ${holder}`}`);
    this.holder = holder;
  }
}

/** The lock was taken over: this process was taken for dead, as after having been stopped for long. */
export class LockLostError extends Error {
  override readonly name = 'LockLostError';
}

export class ProcessLock implements Disposable {
  readonly #file: string;
  /** Of the file while it is held. */
  readonly #content: string;
  readonly #heartbeat: Worker;

  private constructor(file: string, content: string, beat: number) {
    this.#file = file;
    this.#content = content;
    const started = new Int32Array(new SharedArrayBuffer(4));
    this.#heartbeat = new Worker(HEARTBEAT, { eval: true, execArgv: [], workerData: { file, content, beat, started } });
    this.#heartbeat.unref();
    Atomics.wait(started, 0, 0, START); // before a computation of the caller that leaves no core to it
  }

  /**
   * Takes the lock. Waits, five beats at most, only where a holder is out of sight.
   * @param beat milliseconds between two touches, the same for all who take this lock
   * @throws LockHeldError; what the file system says where the file cannot be written
   */
  static acquire(file: string, beat = BEAT): ProcessLock {
    const holder: Holder = { ...ownIdentity(), token: randomUUID() };
    const content = `${JSON.stringify(holder)}\n`;
    for (;;) {
      try {
        writeFileSync(file, content, { flag: 'wx' }); // of two processes at once one fails
        return new ProcessLock(file, content, beat);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const found = read(file);
        if (found !== undefined) removeDead(file, found, beat);
      }
    }
  }

  /** @throws LockLostError: whoever has it now writes the same files */
  requireHeld(): void {
    if (read(this.#file) === this.#content) return;
    throw new LockLostError(`${this.#file} was taken over while this process did not answer, as after a long pause`);
  }

  [Symbol.dispose](): void {
    void this.#heartbeat.terminate();
    if (read(this.#file) === this.#content) rmSync(this.#file, { force: true });
  }
}

/** The content of a lock file; undefined where it is gone. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes the lock if its holder is gone. @throws LockHeldError */
function removeDead(file: string, found: string, beat: number): void {
  const holder = parse(found);
  const alive = holder === undefined ? undefined : isAlive(holder);
  if (alive ?? isTouched(file, MISSED * beat)) throw new LockHeldError(file, nameOf(holder));
  // Of several that find the same dead holder one moves its file away; the others then find nothing, or a new holder's.
  const taken = `${file}.${randomUUID()}`;
  try {
    renameSync(file, taken);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(taken) !== found) giveBack(taken, file);
  rmSync(taken, { force: true });
}

/** The file of a holder who came between the look and the move. */
function giveBack(taken: string, file: string): void {
  try {
    linkSync(taken, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // else somebody holds it already, and the other will notice
  }
}

/** Whether the file is touched within the milliseconds. The clocks of two machines are not compared. */
function isTouched(file: string, within: number): boolean {
  const touched = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const [before, end] = [touched(), performance.now() + within];
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  while (performance.now() < end) {
    Atomics.wait(sleeper, 0, 0, within / 50);
    if (touched() !== before) return true; // a file that is gone meanwhile is looked for again
  }
  return false;
}

function parse(content: string): Holder | undefined {
  try {
    const holder = JSON.parse(content) as Partial<Holder> | null;
    return typeof holder?.process === 'number' && typeof holder.host === 'string' ? (holder as Holder) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // half written, or by a program before this one
    throw error;
  }
}

function nameOf(holder: Holder | undefined): string {
  return holder === undefined ? '' : `process ${holder.process} on ${holder.host}`;
}
