/**
 * How far the open requests of one process have come, in a file beside the database: what a part of an answer counts is written here before
 * the part is sent, in microseconds and without a transaction. What a process has written stays when it is killed; whoever settles its
 * requests reads it. It serves one machine, as SQLite does: with PostgreSQL the table of requests holds the same.
 *
 * A place of 32 bytes for each request, used again after its end: four float64, little-endian: id, tokens of the answer, tokens of the
 * prompt, 1 where the answer is complete. A place whose id is not that of an open request says nothing.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Database } from '../storage/database.ts';
import { closedError, guarded, processFile, readProcessFile } from './process-files.ts';

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
    return database.kind === 'sqlite' ? new RecordFile(processFile(database, 'open', process)) : undefined;
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
    if (this.#closed) throw closedError(this.#file);
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

/** What a process had written, by request; empty where there is none. @throws StorageError */
export function readRecords(database: Database, process: number): ReadonlyMap<number, Progress> {
  const found = new Map<number, Progress>();
  const bytes = readProcessFile(database, 'open', process);
  for (let at = 0; at + PLACE <= bytes.length; at += PLACE) {
    const [id, completionTokens, promptTokens, complete] = [0, 8, 16, 24].map((part) => bytes.readDoubleLE(at + part));
    found.set(id!, { completionTokens: completionTokens!, promptTokens: promptTokens!, complete: complete === 1 });
  }
  return found;
}
