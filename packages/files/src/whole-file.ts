/**
 * Files that are there whole or not at all, whenever the process is killed or the machine goes down: written under another name beside
 * their place, synced, renamed, and the folder synced, always. An earlier file of that name stays until then, and where writing fails.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeProblem } from './errors.ts';

/** Ends the names of files that are being written; what carries it and is not being written was left by a killed process. */
const UNFINISHED = '.partial';

/**
 * A file that is written piece by piece. `finish` puts it in its place; disposed of before, it leaves nothing.
 *
 * @example
 * using file = new WholeFile('samples.jsonl');
 * for (const sample of samples) writeFileSync(file.descriptor, `${JSON.stringify(sample)}\n`);
 * file.finish();
 */
export class WholeFile implements Disposable {
  /** Open for writing. `writeFileSync` writes everything to it or throws; `writeSync` may write less. */
  readonly descriptor: number;
  readonly #file: string;
  readonly #aside: string;
  #state: 'open' | 'closed' | 'finished' = 'open';

  /** @throws WriteError */
  constructor(file: string) {
    this.#file = file;
    // Two processes may write the same file; the later one's stays.
    this.#aside = `${file}.${randomBytes(4).toString('hex')}${UNFINISHED}`;
    try {
      this.descriptor = openSync(this.#aside, 'wx');
    } catch (error) {
      throw writeProblem(file, error);
    }
  }

  /** @throws WriteError */
  finish(): void {
    try {
      fsyncSync(this.descriptor);
      this.#close();
      renameSync(this.#aside, this.#file);
      this.#state = 'finished';
      syncPath(path.dirname(this.#file));
    } catch (error) {
      throw writeProblem(this.#file, error);
    }
  }

  [Symbol.dispose](): void {
    this.#close();
    if (this.#state !== 'finished') removeIfPossible(this.#aside);
  }

  #close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    closeSync(this.descriptor);
  }
}

/**
 * Writes a file whole or not at all.
 *
 * @param content or what writes it to the descriptor that it is given
 * @throws WriteError that names the file, the reason and what to do, in English and Chinese; what `content` throws
 *
 * @example
 * writeWhole('summary.json', `${JSON.stringify(summary, undefined, 2)}\n`);
 */
export function writeWhole(file: string, content: string | Uint8Array | ((descriptor: number) => void)): void {
  using whole = new WholeFile(file);
  try {
    if (typeof content === 'function') content(whole.descriptor);
    else writeFileSync(whole.descriptor, content);
  } catch (error) {
    throw writeProblem(file, error);
  }
  whole.finish();
}

/** Brings a file, or the names in a folder, to the disk. */
export function syncPath(place: string): void {
  const descriptor = openSync(place, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some network file systems know no syncing of folders, and need none.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a file if it is there. @throws WriteError */
export function removeFile(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    throw writeProblem(file, error);
  }
}

/** Removes what is left after writing has failed. On a disk that fails, removing may too; what failed first is what a person must hear. */
export function removeIfPossible(place: string): void {
  try {
    rmSync(place, { recursive: true, force: true, maxRetries: 1 });
  } catch (error) {
    if (!['EROFS', 'EIO', 'EACCES', 'EPERM', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  }
}
