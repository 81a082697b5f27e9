/**
 * What each limit has used in its window, within one transaction: rows are read when they are needed and written back once, at the end.
 *
 * The rules, for every request: it is charged to the window that runs when it is reserved, and what it did not use is given back to that
 * window alone. `t`, the moment of a request, is never before the beginning of a window that it is charged to, so that
 * `window begins ≤ reserved at` says exactly which window that was, whatever the clocks of several processes say.
 */
import { firstRow, type Queries } from '../storage/database.ts';
import type { Bound } from './limits.ts';
import { endOf, type Metric, windowOf } from './metrics.ts';

interface Row {
  readonly id: number;
  readonly metric: Metric;
  began_at: number;
  ends_at: number;
  used: number;
}

export interface Counter {
  readonly bound: Bound;
  readonly row: Row;
}

const COLUMNS = 'id, metric, began_at, ends_at, used';

export class Counters {
  readonly #queries: Queries;
  readonly #byBound = new Map<string, Row>();
  readonly #byId = new Map<number, Row>();
  readonly #dirty = new Set<Row>();
  #lastId: number | undefined;

  constructor(queries: Queries) {
    this.#queries = queries;
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
    const row = this.#byId.get(id) ?? (await this.#load('id = ?', id));
    if (row === undefined || row.began_at > reservedAt) return;
    const amount = back(row.metric);
    if (amount === 0) return;
    row.used = Math.max(0, row.used - amount);
    this.#dirty.add(row);
  }

  async save(): Promise<void> {
    for (const { began_at, ends_at, used, id } of this.#dirty) {
      await this.#queries.run(
        'UPDATE counters SET began_at = ?, ends_at = ?, used = ? WHERE id = ?',
        began_at,
        ends_at,
        used,
        id,
      );
    }
  }

  async #rowOf(bound: Bound, now: number): Promise<Row> {
    const { subject, scope, model, metric } = bound;
    const key = `${scope} ${subject} ${metric} ${model}`;
    const known = this.#byBound.get(key);
    if (known !== undefined) return known;
    const found = await this.#load(
      'subject = ? AND scope = ? AND model = ? AND metric = ?',
      ...[subject, scope, model, metric],
    );
    const row = found ?? (await this.#insert(bound, now));
    this.#byBound.set(key, row);
    return row;
  }

  async #load(where: string, ...values: readonly (string | number)[]): Promise<Row | undefined> {
    const found = await firstRow<Row>(this.#queries, `SELECT ${COLUMNS} FROM counters WHERE ${where}`, ...values);
    if (found === undefined) return undefined;
    const row = this.#byId.get(found.id) ?? { ...found };
    this.#byId.set(row.id, row);
    return row;
  }

  async #insert({ scope, subject, model, metric }: Bound, now: number): Promise<Row> {
    this.#lastId ??=
      (await firstRow<{ last: number | null }>(this.#queries, 'SELECT MAX(id) AS last FROM counters'))?.last ?? 0;
    const id = ++this.#lastId;
    const began = windowOf(metric) === undefined ? 0 : now;
    const row = { id, metric, began_at: began, ends_at: endOf(metric, now), used: 0 };
    await this.#queries.run(
      'INSERT INTO counters (id, scope, subject, model, metric, began_at, ends_at, used) VALUES (?, ?, ?, ?, ?, ?, ?, 0)',
      ...[id, scope, subject, model, metric, row.began_at, row.ends_at],
    );
    this.#byId.set(id, row);
    return row;
  }
}
