/**
 * What accounts, limits and the ledger ask of a database: rows, statements, transactions. Two databases give it, SQLite (sqlite.ts) and
 * PostgreSQL (postgres.ts).
 *
 * SQL is written once, for both: `?` for parameters, whole numbers and texts alone (`schema.ts`). A write transaction is the only one at
 * its time, in all processes that share the database: what it reads is true until it ends. Transactions are short, and await nothing but
 * their own statements.
 */

export type Value = string | number | null;

export interface Queries {
  /** Every row that a statement gives, its columns by their names. */
  rows<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]>;
  /** @returns rows that were changed */
  run(sql: string, ...values: readonly Value[]): Promise<number>;
}

/**
 * Statements of a transaction run in the order in which they are asked for. Those that are asked for without waiting go to PostgreSQL
 * together, which makes one way there and back of them.
 */
export interface Transaction extends Queries {
  /**
   * Rows that will be changed. Nobody has to wait for it: where the statement fails, so does the transaction, and what is not waited for
   * goes together with the commit.
   */
  later(sql: string, ...values: readonly Value[]): Promise<number>;
}

export type DatabaseKind = 'sqlite' | 'postgres';

export interface Database extends AsyncDisposable {
  readonly kind: DatabaseKind;
  /** Without secrets: the file, or the address without its password. */
  readonly name: string;
  /** One statement that reads. @throws StorageError STORAGE_DOWN */
  rows<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]>;
  /** All of it or nothing. @throws StorageError STORAGE_DOWN; what `work` throws, and then nothing was written */
  write<T>(work: (queries: Transaction) => Promise<T>): Promise<T>;
  /** Several statements that read one state, and hold up no writer. */
  snapshot<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A statement that gives one row at most. */
export async function firstRow<Row>(
  queries: Pick<Queries, 'rows'>,
  sql: string,
  ...values: readonly Value[]
): Promise<Row | undefined> {
  return (await queries.rows<Row>(sql, ...values))[0];
}
