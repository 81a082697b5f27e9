/**
 * Brings a database to the version of this program: forward only, each step whole or not at all, and a backup first.
 *
 * A database of a newer program is refused: what this one does not know it would not keep.
 */
import type { Database, DatabaseKind, Queries } from './database.ts';
import { StorageError } from './errors.ts';
import { MIGRATIONS } from './schema.ts';

/** Of this program. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * @param backup called before a database with content is changed, with its version
 * @throws StorageError STORAGE_NEWER
 */
export async function migrate(
  database: Database,
  backup: (version: number) => Promise<void>,
  migrations = MIGRATIONS,
): Promise<void> {
  await database.write((queries) => queries.run('CREATE TABLE IF NOT EXISTS tunan_schema (version BIGINT NOT NULL)'));
  const version = await versionOf(database);
  requireKnown(version, database.name, migrations.length);
  if (version === migrations.length) return;
  if (version > 0) await backup(version);
  // Another process may have done it meanwhile.
  await database.write(async (queries) => {
    const now = await versionOf(queries);
    requireKnown(now, database.name, migrations.length);
    await applySteps(queries, database.kind, now, migrations);
  });
}

/** Of an empty database 0. */
export async function versionOf(queries: Pick<Queries, 'rows'>): Promise<number> {
  const [row] = await queries.rows<{ version: number }>('SELECT version FROM tunan_schema');
  return row?.version ?? 0;
}

export async function applySteps(
  queries: Queries,
  kind: DatabaseKind,
  from: number,
  migrations: typeof MIGRATIONS,
): Promise<void> {
  for (const step of migrations.slice(from).flat()) {
    for (const statement of typeof step === 'string' ? [spelt(step, kind)] : step[kind]) await queries.run(statement);
  }
  await queries.run('DELETE FROM tunan_schema');
  await queries.run('INSERT INTO tunan_schema (version) VALUES (?)', migrations.length);
}

/** In SQLite a key of this name alone is the number of the row itself. */
const spelt = (statement: string, kind: DatabaseKind): string =>
  kind === 'sqlite' ? statement.replaceAll('BIGINT PRIMARY KEY', 'INTEGER PRIMARY KEY') : statement;

function requireKnown(version: number, name: string, known: number): void {
  if (version <= known) return;
  throw new StorageError('STORAGE_NEWER', {
    en: `${name} was written by a newer tunan (schema ${version}, this one knows ${known}): install that version, or restore an older backup into another place`,
    zh: `${name} 由更新版本的 tunan 写成（结构版本 ${version}，当前程序只认识 ${known}）：请安装新版本，或把旧备份恢复到别处`,
  });
}
