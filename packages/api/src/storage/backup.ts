/**
 * A database as a file of JSON lines, and back: the first line says what it is, then one for each row. It is taken of one state, while the
 * server runs, and restores into either database, so it is also the way from SQLite to PostgreSQL.
 *
 * It holds digests of keys and passwords, and no secret: the server's own (accounts/server-secret.ts) must be kept apart.
 */
import { createReadStream, existsSync, fchmodSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemProblem, WholeFile } from '@tunan/files';
import type { Database, Queries, Value } from './database.ts';
import { StorageError } from './errors.ts';
import { applySteps, migrate, SCHEMA_VERSION, versionOf } from './migrate.ts';
import { MIGRATIONS, TABLES } from './schema.ts';

const FORMAT = 'tunan accounts';

/** @returns rows that were written @throws WriteError, StorageError */
export async function writeBackup(database: Database, file: string): Promise<number> {
  return await database.snapshot(async (queries) => {
    using whole = new WholeFile(file);
    fchmodSync(whole.descriptor, 0o600);
    const version = await versionOf(queries);
    let rows = 0;
    writeFileSync(whole.descriptor, `${JSON.stringify({ format: FORMAT, version })}\n`);
    for await (const lines of pagesOf(queries, version)) {
      writeFileSync(whole.descriptor, lines.join(''));
      rows += lines.length;
    }
    whole.finish();
    return rows;
  });
}

/** Rows that are in memory at a time. */
const PAGE = 5_000;

/** Of the tables that a database of the version has: one that is about to be changed has not all of them yet. */
async function* pagesOf(queries: Queries, version: number): AsyncGenerator<string[], void, void> {
  for (const [table, { key, since }] of Object.entries(TABLES)) {
    if (since > version) continue;
    for (let from = 0; ; from += PAGE) {
      const rows = await queries.rows(`SELECT * FROM ${table} ORDER BY ${key} LIMIT ? OFFSET ?`, PAGE, from);
      yield rows.map((row) => `${JSON.stringify([table, row])}\n`);
      if (rows.length < PAGE) break;
    }
  }
}

/**
 * Fills an empty database, of a version of the backup's, and brings it to this program's.
 * @returns rows that were put in @throws StorageError STORAGE_BACKUP, STORAGE_NEWER
 */
export async function restoreBackup(database: Database, file: string): Promise<number> {
  const lines = linesOf(file);
  const version = await readHead(lines, file);
  await database.write((queries) => queries.run('CREATE TABLE IF NOT EXISTS tunan_schema (version BIGINT NOT NULL)'));
  // The one transaction that waits for something else, a file: nobody uses the database yet.
  const rows = await database.write(async (queries) => {
    if ((await versionOf(queries)) > 0) throw notEmpty(database.name);
    await applySteps(queries, database.kind, 0, MIGRATIONS.slice(0, version));
    let count = 0;
    for await (const line of lines) {
      await insert(queries, ...parsedRow(line, file));
      count++;
    }
    return count;
  });
  await migrate(database, async () => undefined);
  return rows;
}

async function* linesOf(file: string): AsyncGenerator<string, void, void> {
  if (!existsSync(file)) throw bad(file, { en: 'there is no such file', zh: '没有这个文件' });
  try {
    yield* createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    const why = systemProblem(error);
    throw why === undefined ? error : bad(file, why);
  }
}

async function readHead(lines: AsyncGenerator<string, void, void>, file: string): Promise<number> {
  const { value } = await lines.next();
  const head = parsed(value ?? '', file) as { format?: unknown; version?: unknown } | null;
  if (head?.format !== FORMAT || !Number.isSafeInteger(head.version) || (head.version as number) < 1)
    throw notOne(file);
  const version = head.version as number;
  if (version <= SCHEMA_VERSION) return version;
  throw new StorageError('STORAGE_NEWER', {
    en: `${file} was written by a newer tunan (schema ${version}, this one knows ${SCHEMA_VERSION}): install that version`,
    zh: `${file} 由更新版本的 tunan 写成（结构版本 ${version}，当前程序只认识 ${SCHEMA_VERSION}）：请安装新版本`,
  });
}

function parsedRow(line: string, file: string): [string, Record<string, Value>] {
  const entry = parsed(line, file);
  const [table, row] = Array.isArray(entry) ? (entry as unknown[]) : [];
  const isRow =
    typeof row === 'object' &&
    row !== null &&
    Object.entries(row).every(
      ([name, value]) => /^[a-z_]+$/.test(name) && (value === null || typeof value !== 'object'),
    );
  if (typeof table !== 'string' || !Object.hasOwn(TABLES, table) || !isRow) throw notOne(file);
  return [table, row as Record<string, Value>];
}

function parsed(line: string, file: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw notOne(file);
  }
}

async function insert(queries: Queries, table: string, row: Record<string, Value>): Promise<void> {
  const names = Object.keys(row);
  const places = names.map(() => '?').join(', ');
  await queries.run(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`, ...Object.values(row));
}

const bad = (file: string, why: { readonly en: string; readonly zh: string }): StorageError =>
  new StorageError('STORAGE_BACKUP', { en: `${file} cannot be read: ${why.en}`, zh: `无法读取 ${file}：${why.zh}` });

const notOne = (file: string): StorageError =>
  new StorageError('STORAGE_BACKUP', {
    en: `${file} is no backup of tunan account backup, or is damaged: choose another file`,
    zh: `${file} 不是 tunan account backup 的备份，或已损坏：请换一个文件`,
  });

const notEmpty = (name: string): StorageError =>
  new StorageError('STORAGE_BACKUP', {
    en: `${name} is not empty: restore into a new file, or an empty database`,
    zh: `${name} 不是空的：请恢复到新文件或空数据库`,
  });
