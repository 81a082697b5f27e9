/**
 * PostgreSQL, for API processes of several machines.
 *
 * Write transactions take one advisory lock of the database first, so that there is one at a time, as with SQLite: what is exact there is
 * exact here, without a thought on isolation in any statement. Each is short, and the ledger puts all that waits into one. Statements that
 * are asked for together are sent together, the beginning with the first and the commit with the last: a transaction that reads and then
 * writes takes two ways to the server and back, one that only writes takes one.
 */
import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { Database, Queries, Transaction, Value } from './database.ts';
import { StorageError } from './errors.ts';

/** Of the advisory lock: any number that no other program of the database uses. */
const WRITE_LOCK = 7_217_401_826;
const CONNECTIONS = 6;
const CONNECT_MILLISECONDS = 5_000;
/** A statement, the wait for other writers included. */
const STATEMENT_MILLISECONDS = 15_000;
/** Type of 64-bit numbers, which come as texts otherwise. */
const INT8 = 20;

/** @param url `postgres://user:password@host:port/database` @throws StorageError */
export async function openPostgres(url: string): Promise<Database> {
  const { Pool: Connections, TypeOverrides } = await import('pg').then((module) => module.default);
  const parsers = new TypeOverrides();
  parsers.setTypeParser(INT8, Number);
  let pool: Pool;
  try {
    pool = new Connections({
      connectionString: url,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      query_timeout: STATEMENT_MILLISECONDS,
      statement_timeout: STATEMENT_MILLISECONDS,
      idle_in_transaction_session_timeout: STATEMENT_MILLISECONDS,
      keepAlive: true,
      pipeline: true,
      application_name: 'tunan',
      types: parsers,
    });
  } catch (cause) {
    throw cannotOpen(url, cause);
  }
  // An idle connection that breaks is replaced when it is needed.
  pool.on('error', () => undefined);
  const database = new Postgres(pool, nameOf(url));
  try {
    await database.rows('SELECT 1 AS x');
  } catch (error) {
    await pool.end();
    throw cannotOpen(url, error);
  }
  return database;
}

/** The address without its password. */
function nameOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return 'PostgreSQL';
  return `${parsed.protocol}//${parsed.username === '' ? '' : `${parsed.username}@`}${parsed.host}${parsed.pathname}`;
}

function cannotOpen(url: string, cause: unknown): StorageError {
  const why = reasonOf(cause);
  const message = {
    en: `${nameOf(url)} cannot be opened: ${why}; look at the address, the rights and whether the server runs`,
    zh: `无法打开 ${nameOf(url)}：${why}；请检查地址、权限，以及该服务是否在运行`,
  };
  return new StorageError('STORAGE_CANNOT_OPEN', message, { cause });
}

/** Of several addresses of a host each has its error, and the whole none. */
function reasonOf(error: unknown): string {
  if (error instanceof StorageError) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

class Postgres implements Database {
  readonly kind = 'postgres';
  readonly name: string;
  readonly #pool: Pool;
  readonly #reading: Queries;
  #closed: Promise<void> | undefined;
  /** When all transactions of this process before have ended: they would only wait for each other in the database. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(pool: Pool, name: string) {
    this.#pool = pool;
    this.name = name;
    this.#reading = queriesOf(pool, name);
  }

  async rows<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return await this.#reading.rows<Row>(sql, ...values);
  }

  async write<T>(work: (queries: Transaction) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() =>
      this.#transaction(`BEGIN; SELECT pg_advisory_xact_lock(${WRITE_LOCK})`, work, 'COMMIT'),
    );
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }

  async snapshot<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return await this.#transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work, 'ROLLBACK');
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#closed ??= this.#pool.end();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #transaction<T>(begin: string, work: (queries: Transaction) => Promise<T>, end: string): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => Promise.reject(down(error, this.name)));
    let broken: Error | undefined;
    // Of statements that were sent together the first that fails says why; the others only that it did.
    const note = (error: Error) => {
      broken ??= error;
    };
    client.on('error', note);
    const sent: Promise<unknown>[] = [];
    const noted = <Result>(answer: Promise<Result>): Promise<Result> => {
      sent.push(answer);
      answer.catch(note);
      return answer;
    };
    try {
      noted(client.query(begin));
      const result = await work(transactionOf(queriesOf(client, this.name), noted));
      // In a transaction in which something failed it takes all of it back.
      noted(client.query(end));
      await Promise.all(sent);
      return result;
    } catch (error) {
      const first = broken ?? error;
      await client.query('ROLLBACK').catch(note);
      throw down(first, this.name);
    } finally {
      client.off('error', note);
      client.release(broken);
    }
  }
}

function transactionOf(queries: Queries, noted: <Result>(answer: Promise<Result>) => Promise<Result>): Transaction {
  return {
    rows: (sql, ...values) => noted(queries.rows(sql, ...values)),
    run: (sql, ...values) => noted(queries.run(sql, ...values)),
    later: (sql, ...values) => noted(queries.run(sql, ...values)),
  };
}

function queriesOf(client: Pool | PoolClient, name: string): Queries {
  const ask = async (sql: string, values: readonly Value[]) => {
    try {
      return await client.query({ ...prepared(sql), values: values.map(storable) });
    } catch (error) {
      throw down(error, name);
    }
  };
  return {
    rows: async <Row>(sql: string, ...values: readonly Value[]) => (await ask(sql, values)).rows as Row[],
    run: async (sql, ...values) => (await ask(sql, values)).rowCount ?? 0,
  };
}

/** Its texts hold no NUL. Nothing that is kept has one; what somebody looks for may. */
const storable = (value: Value): Value => (typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value);

const PREPARED = new Map<string, { readonly name: string; readonly text: string }>();

/** `?` becomes `$1`, `$2` …; the server keeps the plan under a name. No statement of ours has a `?` in a text. */
function prepared(sql: string): { readonly name: string; readonly text: string } {
  let found = PREPARED.get(sql);
  if (found === undefined) {
    let count = 0;
    const text = sql.replace(/\?/g, () => `$${++count}`);
    found = { name: createHash('sha256').update(text).digest('hex').slice(0, 32), text };
    PREPARED.set(sql, found);
  }
  return found;
}

/**
 * Classes of SQLSTATE that are no fault of a statement: connection, rollback by the server, resources, operator (shutdown, time limit),
 * system, and read-only (a standby, or a disk that is full).
 */
const OUTSIDE = /^(08|40|53|57|58|25006|25P03|55P03|28|3D)/;

/** What lies outside of the program as a StorageError; its own faults as they are. */
function down(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const connection = /^(Connection terminated|timeout e|Query read timeout|Client (has|was)|Cannot use a pool)/i;
  const outside =
    syscall !== undefined ||
    error instanceof AggregateError ||
    (code !== undefined && (OUTSIDE.test(code) || /^E[A-Z]+$/.test(code))) ||
    connection.test(error.message);
  if (!outside) return error;
  const why = reasonOf(error);
  return new StorageError(
    'STORAGE_DOWN',
    { en: `the database ${name} does not answer: ${why}`, zh: `数据库 ${name} 没有应答：${why}` },
    { cause: error },
  );
}
