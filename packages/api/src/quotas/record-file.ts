/**
 * How far the open requests of one process have come, in a file beside the database: what a part of an answer counts is written here before
 * the part is sent, in microseconds and without a transaction. What a process has written stays when it is killed; whoever settles its
 * requests reads it. It serves one machine, as SQLite does: with PostgreSQL the table of requests holds the same.
 *
 * A place of 32 bytes for each request, used again after its end: four float64, little-endian: id, tokens of the answer, tokens of the
 * prompt, 1 where the answer is complete. A place whose id is not that of an open request says nothing.
 */
import { closeSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { systemProblem } from '@tunan/files';
import type { Database } from '../storage/database.ts';
import { StorageError } from '../storage/errors.ts';

const PLACE = 32;

export interface Progress {
  readonly completionTokens: number;
  readonly promptTokens: number;
  /** Whether the answer is complete. */
  readonly complete: boolean;
}

export class RecordFile {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(PLACE);
  readonly #free: number[] = [];
  #places = 0;
  #closed = false;

  private constructor(file: string) {
    this.#file = file;
    this.#descriptor = guarded(file, () => openSync(file, 'w', 0o600));
  }

  /** Of a process that has just got its number. @returns undefined where the database does without @throws StorageError */
  static begin(database: Database, process: number): RecordFile | undefined {
    return database.kind === 'sqlite' ? new RecordFile(fileOf(database, process)) : undefined;
  }

  /** A place that no open request has. */
  take(): number {
    return this.#free.pop() ?? this.#places++;
  }

  give(place: number): void {
    this.#free.push(place);
  }

  /** @throws StorageError */
  write(place: number, id: number, { completionTokens, promptTokens, complete }: Progress): void {
    // Its descriptor may be another file's by now.
    if (this.#closed) throw closed(this.#file);
    this.#bytes.writeDoubleLE(id, 0);
    this.#bytes.writeDoubleLE(completionTokens, 8);
    this.#bytes.writeDoubleLE(promptTokens, 16);
    this.#bytes.writeDoubleLE(complete ? 1 : 0, 24);
    guarded(this.#file, () => writeSync(this.#descriptor, this.#bytes, 0, PLACE, place * PLACE));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }
}

const closed = (file: string): StorageError =>
  new StorageError('STORAGE_DOWN', { en: `${file} is closed already`, zh: `${file} 已关闭` });

const fileOf = ({ name }: Database, process: number): string => `${name}-open-${process}`;

/** What a process had written, by request; empty where there is none. @throws StorageError */
export function readRecords(database: Database, process: number): ReadonlyMap<number, Progress> {
  const found = new Map<number, Progress>();
  if (database.kind !== 'sqlite') return found;
  const file = fileOf(database, process);
  const bytes = guarded(file, () => readIfThere(file));
  for (let at = 0; at + PLACE <= bytes.length; at += PLACE) {
    const [id, completionTokens, promptTokens, complete] = [0, 8, 16, 24].map((part) => bytes.readDoubleLE(at + part));
    found.set(id!, { completionTokens: completionTokens!, promptTokens: promptTokens!, complete: complete === 1 });
  }
  return found;
}

/** When nothing of the process is open any more. */
export function removeRecords(database: Database, process: number): void {
  if (database.kind === 'sqlite') removeIfThere(fileOf(database, process));
}

/**
 * Files whose processes have been settled by one that died before it removed them.
 * @param known numbers of all processes, asked for when the files have been listed: a file is made after its number
 */
export async function removeStrayRecords(database: Database, known: () => Promise<ReadonlySet<number>>): Promise<void> {
  if (database.kind !== 'sqlite') return;
  const [folder, beginning] = [path.dirname(database.name), `${path.basename(database.name)}-open-`];
  const numbers = readdirSync(folder)
    .filter((name) => name.startsWith(beginning) && /^\d+$/.test(name.slice(beginning.length)))
    .map((name) => Number(name.slice(beginning.length)));
  if (numbers.length === 0) return;
  const processes = await known();
  for (const number of numbers) if (!processes.has(number)) removeIfThere(fileOf(database, number));
}

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function guarded<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const why = systemProblem(error);
    if (why === undefined) throw error;
    const message = { en: `${file} cannot be used: ${why.en}`, zh: `无法使用 ${file}：${why.zh}` };
    throw new StorageError('STORAGE_DOWN', message, { cause: error });
  }
}
