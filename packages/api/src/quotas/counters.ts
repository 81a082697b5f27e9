/**
 * What each limit has used in its window, within one transaction: rows are read when they are needed and written back once, at the end.
 *
 * The rules, for every request: it is charged to the window that runs when it is reserved, and what it did not use is given back to that
 * window alone. `t`, the moment of a request, is never before the beginning of a window that it is charged to, so that
 * `window begins ≤ reserved at` says exactly which window that was, whatever the clocks of several processes say.
 */
import { firstRow, type Transaction } from '../storage/database.ts';
import type { Bound, Subjects } from './limits.ts';
import { endOf, type Metric, windowOf } from './metrics.ts';

interface Row extends Omit<Bound, 'amount'> {
  readonly id: number;
  began_at: number;
  ends_at: number;
  used: number;
}

export interface Counter {
  readonly bound: Bound;
  readonly row: Row;
}

const COLUMNS = 'id, scope, subject, model, metric, began_at, ends_at, used';

const keyOf = ({ scope, subject, metric, model }: Omit<Bound, 'amount'>): string =>
  `${scope} ${subject} ${metric} ${model}`;

export class Counters {
  readonly #queries: Transaction;
  readonly #byBound = new Map<string, Row>();
  readonly #byId = new Map<number, Row>();
  /** Whose counters have been read. */
  readonly #subjects = new Set<string>();
  readonly #dirty = new Set<Row>();
  #lastId: number | undefined;

  constructor(queries: Transaction) {
    this.#queries = queries;
  }

  /** Reads those of callers before they are asked for, all in one way to the database and back. */
  async prepare(callers: readonly Subjects[]): Promise<void> {
    const all = callers.flatMap(({ organisationId, accountId, keyId }) => [organisationId, accountId, keyId]);
    const subjects = [...new Set(all)];
    if (subjects.length === 0) return;
    await this.#load(
      subjects.map(() => 'subject = ?'),
      ...subjects,
    );
    for (const subject of subjects) this.#subjects.add(subject);
  }

  /** The counters of bounds, in windows that run at the moment that is returned with them. */
  async open(
    bounds: readonly Bound[],
    now: number,
  ): Promise<{ readonly counters: readonly Counter[]; readonly t: number }> {
    const counters: Counter[] = [];
    for (const bound of bounds) counters.push({ bound, row: await this.#rowOf(bound, now) });
    const t = Math.max(now, ...counters.map(({ row }) => row.began_at));
    for (const { row } of counters) {
      if (row.ends_at > t) continue;
      row.began_at = t;
      row.ends_at = endOf(row.metric, t);
      row.used = 0;
      this.#dirty.add(row);
    }
    return { counters, t };
  }

  charge({ row }: Counter, amount: number): void {
    row.used += amount;
    this.#dirty.add(row);
  }

  /**
   * Gives back what a request reserved and did not use, where its window still runs.
   * @param back by what is counted; negative where more was used than reserved
   */
  async release(id: number, reservedAt: number, back: (metric: Metric) => number): Promise<void> {
    if (!this.#byId.has(id)) await this.#load(['subject = (SELECT subject FROM counters WHERE id = ?)'], id);
    const row = this.#byId.get(id);
    if (row === undefined || row.began_at > reservedAt) return;
    const amount = back(row.metric);
    if (amount === 0) return;
    row.used = Math.max(0, row.used - amount);
    this.#dirty.add(row);
  }

  save(): void {
    for (const { began_at, ends_at, used, id } of this.#dirty) {
      this.#queries.later(
        'UPDATE counters SET began_at = ?, ends_at = ?, used = ? WHERE id = ?',
        began_at,
        ends_at,
        used,
        id,
      );
    }
  }

  async #rowOf(bound: Bound, now: number): Promise<Row> {
    const { subject } = bound;
    const key = keyOf(bound);
    if (!this.#byBound.has(key) && !this.#subjects.has(subject)) {
      await this.#load(['subject = ?'], subject);
      this.#subjects.add(subject);
    }
    return this.#byBound.get(key) ?? (await this.#insert(bound, now));
  }

  /** All counters of a subject at once: a request that needs one mostly needs the others. */
  async #load(wheres: readonly string[], ...values: readonly (string | number)[]): Promise<void> {
    const sql = wheres.map((where) => `SELECT ${COLUMNS} FROM counters WHERE ${where}`).join(' UNION ALL ');
    for (const found of await this.#queries.rows<Row>(sql, ...values)) {
      this.#subjects.add(found.subject);
      if (!this.#byId.has(found.id)) this.#keep({ ...found });
    }
  }

  #keep(row: Row): void {
    this.#byId.set(row.id, row);
    this.#byBound.set(keyOf(row), row);
  }

  async #insert({ scope, subject, model, metric }: Bound, now: number): Promise<Row> {
    this.#lastId ??=
      (await firstRow<{ last: number | null }>(this.#queries, 'SELECT MAX(id) AS last FROM counters'))?.last ?? 0;
    const id = ++this.#lastId;
    const began = windowOf(metric) === undefined ? 0 : now;
    const row: Row = { id, scope, subject, model, metric, began_at: began, ends_at: endOf(metric, now), used: 0 };
    this.#queries.later(
      'INSERT INTO counters (id, scope, subject, model, metric, began_at, ends_at, used) VALUES (?, ?, ?, ?, ?, ?, ?, 0)',
      ...[id, scope, subject, model, metric, row.began_at, row.ends_at],
    );
    this.#keep(row);
    return row;
  }
}
