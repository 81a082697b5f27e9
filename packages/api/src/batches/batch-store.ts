/**
 * Files and batches of a server, in one folder that one process holds:
 *
 *   files/ID         bytes            files/ID.json     what is known of them, and whose they are
 *   batches/ID.json  the batch        batches/ID.jsonl  its answers so far, a line each, in the order in which they came
 *
 * Names of files are made here, never taken from a caller. What is written whole survives a kill; a line of answers that broke off is dropped.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { LockHeldError, makeFolder, ProcessLock, writeWhole } from '@tunan/files';
import type { Batch, StoredFile } from '@tunan/protocol';
import type { Caller } from '../accounts/keys.ts';
import { ApiError } from '../errors/errors.ts';

export interface OwnedFile {
  readonly owner: string;
  readonly file: StoredFile;
}

export interface OwnedBatch {
  readonly owner: string;
  /** For whom its requests count; undefined where there are no accounts. */
  readonly caller: Caller | undefined;
  readonly batch: Batch;
}

/** An answer of a batch, as it stands in its file. */
export interface AnsweredLine {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: unknown };
  readonly error: null;
}

/** Of one caller. */
export const BATCH_LIMITS = { fileBytes: 64 * 2 ** 20, bytes: 2 * 2 ** 30, files: 1_000, openBatches: 16 } as const;

export class BatchStore implements Disposable {
  readonly #folder: string;
  readonly #lock: ProcessLock;
  readonly #files = new Map<string, OwnedFile>();
  readonly #batches = new Map<string, OwnedBatch>();

  /** @throws WriteError; ApiError API_DATA_FOLDER where another process holds the folder, or a file of it is damaged */
  constructor(folder: string) {
    this.#folder = path.resolve(folder);
    for (const part of ['files', 'batches']) makeFolder(path.join(this.#folder, part));
    this.#lock = lockOf(this.#folder);
    for (const one of this.#read<OwnedFile>('files')) this.#files.set(one.file.id, one);
    for (const one of this.#read<OwnedBatch>('batches')) this.#batches.set(one.batch.id, one);
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }

  /** In the order in which they were made. */
  files(owner: string): readonly StoredFile[] {
    const own = [...this.#files.values()].filter((one) => one.owner === owner);
    return own.map(({ file }) => file).sort((a, b) => a.created_at - b.created_at);
  }

  file(owner: string, id: string): StoredFile | undefined {
    const found = this.#files.get(id);
    return found?.owner === owner ? found.file : undefined;
  }

  /** Of a file that is there. */
  content({ id }: StoredFile): Buffer {
    return readFileSync(this.#place('files', id));
  }

  /** Whether a caller may keep so many bytes more. */
  hasRoom(owner: string, bytes: number): boolean {
    const own = this.files(owner);
    const kept = own.reduce((sum, file) => sum + file.bytes, 0);
    return own.length < BATCH_LIMITS.files && kept + bytes <= BATCH_LIMITS.bytes;
  }

  /** @throws WriteError */
  addFile(owner: string, given: { readonly filename: string; readonly purpose: string }, content: Buffer): StoredFile {
    const id = `file-${randomUUID().replaceAll('-', '')}`;
    const made = { bytes: content.length, created_at: seconds(), status: 'processed' as const };
    const file: StoredFile = { id, object: 'file', ...made, ...given };
    writeWhole(this.#place('files', id), content);
    writeWhole(this.#place('files', `${id}.json`), JSON.stringify({ owner, file }));
    this.#files.set(id, { owner, file });
    return file;
  }

  deleteFile({ id }: StoredFile): void {
    this.#files.delete(id);
    for (const name of [`${id}.json`, id]) rmSync(this.#place('files', name), { force: true });
  }

  batches(owner?: string): readonly OwnedBatch[] {
    const own = [...this.#batches.values()].filter((one) => owner === undefined || one.owner === owner);
    return own.sort((a, b) => a.batch.created_at - b.batch.created_at);
  }

  batch(owner: string, id: string): Batch | undefined {
    const found = this.#batches.get(id);
    return found?.owner === owner ? found.batch : undefined;
  }

  known(id: string): OwnedBatch | undefined {
    return this.#batches.get(id);
  }

  /** @throws WriteError */
  save(owned: OwnedBatch): void {
    const { id } = owned.batch;
    writeWhole(this.#place('batches', `${id}.json`), JSON.stringify(owned));
    this.#batches.set(id, owned);
  }

  /** Adds to a batch without writing it down: its answers say the same. */
  count(id: string, request_counts: Batch['request_counts']): void {
    const owned = this.#batches.get(id);
    if (owned !== undefined) this.#batches.set(id, { ...owned, batch: { ...owned.batch, request_counts } });
  }

  append(id: string, answer: AnsweredLine): void {
    appendFileSync(this.#place('batches', `${id}.jsonl`), `${JSON.stringify(answer)}\n`);
  }

  /** Answers so far. One that broke off is taken away, so that the next begins on a line of its own. */
  answers(id: string): AnsweredLine[] {
    const place = this.#place('batches', `${id}.jsonl`);
    if (!existsSync(place)) return [];
    const content = readFileSync(place);
    const whole = content.lastIndexOf('\n') + 1;
    if (whole < content.length) truncateSync(place, whole);
    const lines = content.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AnsweredLine);
  }

  /** They stand in files of the caller by now. */
  dropAnswers(id: string): void {
    rmSync(this.#place('batches', `${id}.jsonl`), { force: true });
  }

  #place(part: 'files' | 'batches', name: string): string {
    return path.join(this.#folder, part, name);
  }

  #read<T>(part: 'files' | 'batches'): T[] {
    const names = readdirSync(path.join(this.#folder, part)).filter((name) => name.endsWith('.json'));
    return names.map((name) => {
      const place = this.#place(part, name);
      try {
        return JSON.parse(readFileSync(place, 'utf8')) as T;
      } catch (cause) {
        this.#lock[Symbol.dispose]();
        const message = {
          en: `${place} cannot be read: mend it, or take it out of the folder`,
          zh: `无法读取 ${place}：请修复，或将其移出目录`,
        };
        throw new ApiError('API_DATA_FOLDER', message, { cause });
      }
    });
  }
}

/** @throws ApiError */
function lockOf(folder: string): ProcessLock {
  try {
    return ProcessLock.acquire(path.join(folder, 'lock'));
  } catch (cause) {
    if (!(cause instanceof LockHeldError)) throw cause;
    const message = {
      en: `another server holds ${folder}: give this one another folder with --data DIR, or end that one`,
      zh: `另一服务正在使用 ${folder}：请用 --data DIR 另给目录，或先结束那个服务`,
    };
    throw new ApiError('API_DATA_FOLDER', message, { cause });
  }
}

/** Whether it is still to be run, or to be ended. */
export const isOpenOf = ({ status }: Batch): boolean => status === 'in_progress' || status === 'cancelling';

export const seconds = (): number => Math.floor(Date.now() / 1000);
