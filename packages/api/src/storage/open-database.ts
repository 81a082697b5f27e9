/** The place that `--accounts` names becomes a database: a file, or the URL of PostgreSQL. */
import type { Database } from './database.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export const isPostgres = (place: string): boolean => /^postgres(ql)?:\/\//i.test(place);

/** @param options.mustExist refuses to make a new file @throws StorageError */
export async function openDatabase(place: string, options: { readonly mustExist?: boolean } = {}): Promise<Database> {
  return isPostgres(place) ? await openPostgres(place) : openSqlite(place, options);
}
