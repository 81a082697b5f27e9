/**
 * A database in one file, for all processes of one machine: SQLite in WAL mode.
 *
 * `synchronous=NORMAL`: what is committed survives the death of every process, kill -9 included. A power loss may take the last commits
 * back, those since the last checkpoint at most, and never leaves the file broken.
 *
 * One connection writes, one reads; their statements take microseconds and are run in place. Where another process writes, a transaction
 * waits for it without holding up the event loop. Checkpoints bring the log into the file, wait for the disk, and therefore run in a
 * thread of their own (checkpoints.ts).
 */
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, type Said, systemProblem, WriteError } from '@tunan/files';
import { startCheckpoints } from './checkpoints.ts';
import type { Database, Queries, Transaction, Value } from './database.ts';
import { StorageError } from './errors.ts';
import { networkFileSystem } from './network-file-system.ts';

/** How long a transaction waits for other processes, ms. Theirs take less than one. */
const PATIENCE = 10_000;
/** How long the event loop may be held up by a wait inside of SQLite, ms. */
const BLOCKING = 2;

/** @param mustExist refuses to make a new file @throws StorageError */
export function openSqlite(file: string, { mustExist = false } = {}): Database {
  const place = placeOf(file, mustExist);
  const existed = existsSync(place);
  try {
    return new Sqlite(place);
  } catch (error) {
    throw openError(error, place, existed);
  }
}

function placeOf(file: string, mustExist: boolean): string {
  const folder = path.dirname(path.resolve(file));
  try {
    if (!mustExist) makeFolder(folder);
    const real = realpathSync(folder);
    const kind = networkFileSystem(real);
    if (kind !== undefined) throw onNetwork(file, kind);
    if (mustExist && !existsSync(path.join(real, path.basename(file)))) throw missing(file);
    return path.join(real, path.basename(file));
  } catch (error) {
    if (error instanceof StorageError || error instanceof WriteError) throw error;
    const why = systemProblem(error);
    if (why === undefined) throw error;
    throw cannotOpen(file, why, error);
  }
}

function cannotOpen(file: string, why: Said, cause: unknown): StorageError {
  const message = { en: `${file} cannot be opened: ${why.en}`, zh: `无法打开 ${file}：${why.zh}` };
  return new StorageError('STORAGE_CANNOT_OPEN', message, { cause });
}

function missing(file: string): StorageError {
  return new StorageError('STORAGE_CANNOT_OPEN', {
    en: `there is no database ${file}: tunan serve --accounts ${file}, or tunan account create, makes one`,
    zh: `没有数据库 ${file}：可由 tunan serve --accounts ${file} 或 tunan account create 建立`,
  });
}

function onNetwork(file: string, kind: string): StorageError {
  return new StorageError('STORAGE_NETWORK', {
    en: `${file} lies on a network file system (${kind}), where processes cannot share it safely: choose a local disk, or PostgreSQL by its URL`,
    zh: `${file} 位于网络文件系统（${kind}），多个进程无法安全共用：请换成本地磁盘，或用 URL 指定 PostgreSQL`,
  });
}

class Sqlite implements Database {
  readonly kind = 'sqlite';
  readonly name: string;
  readonly #writer: DatabaseSync;
  readonly #reader: DatabaseSync;
  readonly #writing: WritingStatements;
  readonly #reading: Queries;
  readonly #inode: bigint;
  readonly #checkpoints: { stop(): Promise<void> };
  /** When all transactions before have ended. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: string) {
    this.name = file;
    // Names, addresses and digests of passwords are its owner's alone to read; the log takes the rights of the file.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    this.#writer = new DatabaseSync(file, { timeout: PATIENCE });
    this.#writer.exec('PRAGMA journal_mode = WAL');
    this.#writer.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
    // Refuses here what can only be read, and not at the first request.
    this.#writer.exec('BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS tunan_writable (x INTEGER); ROLLBACK');
    this.#writer.exec(`PRAGMA busy_timeout = ${BLOCKING}`);
    this.#reader = new DatabaseSync(file, { readOnly: true, timeout: 1_000 });
    this.#writing = new WritingStatements(this.#writer, file);
    this.#reading = new Statements(this.#reader, file);
    this.#inode = statSync(file, { bigint: true }).ino;
    this.#checkpoints = startCheckpoints(file);
  }

  async rows<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return await this.#reading.rows<Row>(sql, ...values);
  }

  async write<T>(work: (queries: Transaction) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => this.#transaction(work));
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }

  async snapshot<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    using connection = new DatabaseSync(this.name, { readOnly: true, timeout: 1_000 });
    connection.exec('BEGIN');
    return await work(new Statements(connection, this.name));
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#checkpoints.stop();
    if (this.#reader.isOpen) this.#reader.close();
    if (this.#writer.isOpen) this.#writer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #transaction<T>(work: (queries: Transaction) => Promise<T>): Promise<T> {
    this.#requireFile();
    try {
      await this.#begin();
      const result = await work(this.#writing);
      this.#writing.requireWhole();
      execute(this.#writer, 'COMMIT', this.name);
      return result;
    } catch (error) {
      this.#writing.forget();
      if (this.#writer.isTransaction) this.#writer.exec('ROLLBACK');
      // SQLite may notice it too, and calls it read-only.
      this.#requireFile();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (let wait = 1; ; wait = Math.min(wait * 2, 16)) {
      try {
        this.#writer.exec('BEGIN IMMEDIATE');
        return;
      } catch (error) {
        if (codeOf(error) !== BUSY || performance.now() > end) throw down(error, this.name);
        // Uneven, so that two processes do not miss each other again and again.
        await sleep(wait * (0.5 + Math.random()));
      }
    }
  }

  /** A file that was removed or replaced would be written on in vain. */
  #requireFile(): void {
    const now = statSync(this.name, { bigint: true, throwIfNoEntry: false })?.ino;
    if (now === this.#inode) return;
    throw new StorageError('STORAGE_DOWN', {
      en: `${this.name} was ${now === undefined ? 'removed' : 'replaced'} while it was in use: put it back, or start again`,
      zh: `${this.name} 在使用中被${now === undefined ? '移走' : '替换'}：请放回原处，或重新启动`,
    });
  }
}

/** Each text of SQL is prepared once a connection. */
class Statements implements Queries {
  readonly #connection: DatabaseSync;
  readonly #file: string;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(connection: DatabaseSync, file: string) {
    this.#connection = connection;
    this.#file = file;
  }

  async rows<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return this.#guarded(() => this.#statement(sql).all(...values) as Row[]);
  }

  async run(sql: string, ...values: readonly Value[]): Promise<number> {
    return this.changed(sql, values);
  }

  protected changed(sql: string, values: readonly Value[]): number {
    return this.#guarded(() => Number(this.#statement(sql).run(...values).changes));
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw down(error, this.#file);
    }
  }
}

/** Those of a transaction. */
class WritingStatements extends Statements implements Transaction {
  #failure: { readonly error: unknown } | undefined;

  async later(sql: string, ...values: readonly Value[]): Promise<number> {
    try {
      return this.changed(sql, values);
    } catch (error) {
      this.#failure ??= { error };
      return 0; // the transaction says it
    }
  }

  /** @throws what a statement failed with that nobody waited for */
  requireWhole(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** For the next transaction. */
  forget(): void {
    this.#failure = undefined;
  }
}

function execute(connection: DatabaseSync, sql: string, file: string): void {
  try {
    connection.exec(sql);
  } catch (error) {
    throw down(error, file);
  }
}

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const BUSY = 5;
const READ_ONLY = 8;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;
/** No fault of a statement, but of the disk, of memory, or of who else uses the file: BUSY LOCKED NOMEM READONLY IOERR CORRUPT FULL CANTOPEN PROTOCOL. */
const OUTSIDE = new Set([BUSY, 6, 7, READ_ONLY, 10, 11, 13, CANNOT_OPEN, 15]);

function codeOf(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : -1;
}

/** What lies outside of the program as a StorageError; its own faults as they are. */
function down(error: unknown, file: string): unknown {
  if (!OUTSIDE.has(codeOf(error))) return error;
  const why = (error as Error).message;
  return new StorageError(
    'STORAGE_DOWN',
    { en: `the database ${file} does not answer: ${why}`, zh: `数据库 ${file} 无法使用：${why}` },
    { cause: error },
  );
}

function openError(error: unknown, file: string, existed: boolean): unknown {
  const code = codeOf(error);
  if (code === READ_ONLY || (code === CANNOT_OPEN && existed)) {
    return new StorageError(
      'STORAGE_READ_ONLY',
      {
        en: `${file} can only be read: give this user the right to write it and its folder, or choose another place`,
        zh: `${file} 只能读取：请让当前用户可以写入该文件及其目录，或换一个位置`,
      },
      { cause: error },
    );
  }
  if (code === NOT_A_DATABASE) {
    const message = { en: `${file} is no database: choose another file`, zh: `${file} 不是数据库：请换一个文件` };
    return new StorageError('STORAGE_CANNOT_OPEN', message, { cause: error });
  }
  const refused = systemProblem(error);
  if (code < 0 && refused === undefined) return error;
  const why = refused ?? { en: (error as Error).message, zh: (error as Error).message };
  return cannotOpen(file, why, error);
}
