/**
 * What one process has reserved in a transaction that it holds open, for as long as that is not committed: a caller is told of a reservation
 * when it stands here, and the commit follows some milliseconds later with those of others. What is written here stays when the process is
 * killed; the next process that takes a number enters it (adopt.ts).
 *
 * A line for each reservation, from the beginning of the file anew for each transaction: CRC-32 of the rest, number of the transaction,
 * JSON. An empty line ends them, as does one of an earlier transaction, or one that a kill has cut: nobody was told of it.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Database } from '../storage/database.ts';
import { closedError, guarded, processFile, readProcessFile } from './process-files.ts';
import type { Reserved } from './reserved.ts';

export class HeldFile {
  readonly #file: string;
  readonly #descriptor: number;
  #transaction = 0;
  #at = 0;
  #closed = false;

  private constructor(file: string) {
    this.#file = file;
    this.#descriptor = guarded(file, () => openSync(file, 'w', 0o600));
  }

  /** Of a process that has just got its number. @returns undefined where the database does without @throws StorageError */
  static begin(database: Database, process: number): HeldFile | undefined {
    return database.kind === 'sqlite' ? new HeldFile(processFile(database, 'held', process)) : undefined;
  }

  /** What stands in it is committed. */
  clear(): void {
    this.#transaction++;
    this.#at = 0;
    this.#write(Buffer.from('\n'), 0);
  }

  /** @throws StorageError */
  add(reserved: readonly Reserved[]): void {
    const bytes = Buffer.from(reserved.map((one) => lineOf(this.#transaction, one)).join(''));
    this.#write(bytes, this.#at);
    this.#at += bytes.length;
  }

  #write(bytes: Buffer, at: number): void {
    // Its descriptor may be another file's by now.
    if (this.#closed) throw closedError(this.#file);
    let written = 0;
    while (written < bytes.length) {
      const left = bytes.length - written;
      written += guarded(this.#file, () => writeSync(this.#descriptor, bytes, written, left, at + written));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }
}

function lineOf(transaction: number, reserved: Reserved): string {
  const rest = `${transaction} ${JSON.stringify(reserved)}`;
  return `${checkOf(rest)} ${rest}\n`;
}

const checkOf = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** Of the last transaction that a process held open, committed or not. @throws StorageError */
export function readHeld(database: Database, process: number): Reserved[] {
  const found: Reserved[] = [];
  let own: string | undefined;
  for (const line of readProcessFile(database, 'held', process).toString('utf8').split('\n')) {
    const [, check, rest, transaction, json] = /^([0-9a-f]{8}) ((\d+) (.*))$/.exec(line) ?? [];
    if (rest === undefined || transaction === undefined || check !== checkOf(rest)) break;
    own ??= transaction;
    if (transaction !== own) break;
    found.push(JSON.parse(json!) as Reserved);
  }
  return found;
}
