/**
 * The table of limits: for an organisation, an account or a key, over all models (`*`) or of one, a metric and what it may reach. The subject
 * `*` stands for all that have no line of their own: a default, which each of them has for itself.
 *
 * All lines that fit a request hold together. Every process reads the table again as soon as its version has changed; the ledger looks at
 * it in each of its transactions, so that a new limit holds at once.
 */
import { type Database, firstRow, type Queries } from '../storage/database.ts';
import { QuotaError } from './errors.ts';
import { METRICS, type Metric } from './metrics.ts';

export const SCOPES = ['organisation', 'account', 'key'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Limit {
  readonly scope: Scope;
  /** Id, or `*` for the default of all. */
  readonly subject: string;
  /** Or `*` for all models together. */
  readonly model: string;
  readonly metric: Metric;
  /** Undefined lifts a default. */
  readonly amount: number | undefined;
}

/** One that a request must keep. */
export interface Bound {
  readonly scope: Scope;
  readonly subject: string;
  readonly model: string;
  readonly metric: Metric;
  readonly amount: number;
}

export interface Subjects {
  readonly organisationId: string;
  readonly accountId: string;
  readonly keyId: string;
}

export const ALL = '*';
/** Of the programme that this one continues: 30 000 calls in three months. */
const DEFAULT_LIMITS: readonly Limit[] = [
  { scope: 'organisation', subject: ALL, model: ALL, metric: 'requests_per_quarter', amount: 30_000 },
];

const VERSION = 'limits_version';
const NO_VERSION = '0';
/** A subquery: null before the first change. */
export const LIMITS_VERSION = `(SELECT value FROM settings WHERE name = '${VERSION}')`;
/** How «no limit» is kept: what no counter reaches. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** Is told of each change, in its transaction. @param details of the line, with what held before */
export type OnLimitChange = (
  queries: Queries,
  action: 'limit_set' | 'limit_removed',
  line: Omit<Limit, 'amount'>,
  details: Readonly<Record<string, string | number | null>>,
) => Promise<void>;

export class Limits {
  readonly #database: Database;
  readonly #onChange: OnLimitChange | undefined;

  constructor(database: Database, onChange?: OnLimitChange) {
    this.#database = database;
    this.#onChange = onChange;
  }

  /** Puts the defaults into a database that is new. */
  async seed(): Promise<void> {
    if ((await versionOf(this.#database)) !== NO_VERSION) return;
    await this.#database.write(async (queries) => {
      if ((await versionOf(queries)) !== NO_VERSION) return;
      for (const limit of DEFAULT_LIMITS) await put(queries, limit);
      await bump(queries);
    });
  }

  async list(): Promise<Limit[]> {
    return await rowsOf(this.#database);
  }

  /** @throws QuotaError QUOTA_BAD_LIMIT */
  async set(limit: Limit): Promise<void> {
    requireLimit(limit);
    await this.#database.write(async (queries) => {
      const before = await amountOf(queries, limit);
      await put(queries, limit);
      await bump(queries);
      const { model, metric, amount = null } = limit;
      await this.#onChange?.(queries, 'limit_set', limit, {
        model,
        metric,
        amount,
        ...(before && { before: before.amount }),
      });
    });
  }

  /** Its default holds again, where there is one. @returns whether there was such a line */
  async remove(line: Omit<Limit, 'amount'>): Promise<boolean> {
    return await this.#database.write(async (queries) => {
      const before = await amountOf(queries, line);
      if (before === undefined) return false;
      await queries.run(`DELETE FROM limits ${LINE}`, ...namesOf(line));
      await bump(queries);
      const { model, metric } = line;
      await this.#onChange?.(queries, 'limit_removed', line, { model, metric, before: before.amount });
      return true;
    });
  }
}

const LINE = 'WHERE scope = ? AND subject = ? AND model = ? AND metric = ?';
const namesOf = ({ scope, subject, model, metric }: Omit<Limit, 'amount'>) => [scope, subject, model, metric] as const;

/** Undefined where there is no such line; null in it: no limit. */
async function amountOf(queries: Queries, line: Omit<Limit, 'amount'>): Promise<{ amount: number | null } | undefined> {
  const row = await firstRow<{ amount: number }>(queries, `SELECT amount FROM limits ${LINE}`, ...namesOf(line));
  return row && { amount: row.amount === UNLIMITED ? null : row.amount };
}

/** What a process knows of the table. */
export class KnownLimits {
  #version: string | undefined;
  #lines = new Map<string, readonly Limit[]>();
  #bounds = new Map<string, readonly Bound[]>();

  /** Reads the table again if it has changed. @param version as LIMITS_VERSION finds it; looked up when absent */
  async refresh(queries: Pick<Queries, 'rows'>, version?: string | null): Promise<void> {
    const now = version === undefined ? await versionOf(queries) : (version ?? NO_VERSION);
    if (now === this.#version) return;
    const lines = await rowsOf(queries);
    this.#lines = Map.groupBy(lines, ({ scope, subject, model }) => lineKey(scope, subject, model));
    this.#bounds = new Map();
    this.#version = now;
  }

  /** All that a line names, `*` too. */
  get models(): readonly string[] {
    return [...new Set([ALL, ...[...this.#lines.values()].flat().map(({ model }) => model)])];
  }

  /** All that a request of this caller for this model must keep. */
  boundsOf(caller: Subjects, model: string): readonly Bound[] {
    const key = `${caller.organisationId} ${caller.accountId} ${caller.keyId} ${model}`;
    let bounds = this.#bounds.get(key);
    if (bounds === undefined) {
      if (this.#bounds.size > MOST_REMEMBERED) this.#bounds.clear();
      const subjects = { organisation: caller.organisationId, account: caller.accountId, key: caller.keyId };
      bounds = SCOPES.flatMap((scope) =>
        [...new Set([ALL, model])].flatMap((one) => this.#boundsOf(scope, subjects[scope], one)),
      );
      this.#bounds.set(key, bounds);
    }
    return bounds;
  }

  #boundsOf(scope: Scope, subject: string, model: string): Bound[] {
    const amounts = new Map<Metric, number>();
    for (const named of [ALL, subject]) {
      for (const { metric, amount } of this.#lines.get(lineKey(scope, named, model)) ?? []) {
        amounts.set(metric, amount ?? UNLIMITED);
      }
    }
    return [...amounts]
      .filter(([, amount]) => amount < UNLIMITED)
      .map(([metric, amount]) => ({ scope, subject, model, metric, amount }));
  }
}

/** Callers whose bounds are put together once. */
const MOST_REMEMBERED = 10_000;

const lineKey = (scope: string, subject: string, model: string): string => `${scope} ${subject} ${model}`;

/** @throws QuotaError QUOTA_BAD_LIMIT */
function requireLimit({ metric, amount }: Limit): void {
  if (!METRICS.includes(metric)) {
    throw new QuotaError('QUOTA_BAD_LIMIT', {
      en: `'${metric}' cannot be limited: choose one of ${METRICS.join(', ')}`,
      zh: `不能限制“${metric}”：可取 ${METRICS.join('、')}`,
    });
  }
  if (amount === undefined || (Number.isSafeInteger(amount) && amount >= 0 && amount < UNLIMITED)) return;
  throw new QuotaError('QUOTA_BAD_LIMIT', {
    en: `${metric} is ${amount}: give a whole number from 0 to 2^53 - 2`,
    zh: `${metric} 为 ${amount}：应为 0 到 2^53 - 2 的整数`,
  });
}

async function versionOf(queries: Pick<Queries, 'rows'>): Promise<string> {
  const row = await firstRow<{ value: string }>(queries, 'SELECT value FROM settings WHERE name = ?', VERSION);
  return row?.value ?? NO_VERSION;
}

async function bump(queries: Queries): Promise<void> {
  const next = String(Number(await versionOf(queries)) + 1);
  const insert =
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value';
  await queries.run(insert, VERSION, next);
}

async function put(queries: Queries, { scope, subject, model, metric, amount }: Limit): Promise<void> {
  await queries.run(
    `INSERT INTO limits (scope, subject, model, metric, amount) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (scope, subject, model, metric) DO UPDATE SET amount = excluded.amount`,
    ...[scope, subject, model, metric, amount ?? UNLIMITED],
  );
}

async function rowsOf(queries: Pick<Queries, 'rows'>): Promise<Limit[]> {
  const rows = await queries.rows<Limit & { readonly amount: number }>(
    'SELECT scope, subject, model, metric, amount FROM limits ORDER BY scope, subject, model, metric',
  );
  return rows.map(({ scope, subject, model, metric, amount }) => ({
    ...{ scope, subject, model, metric },
    amount: amount === UNLIMITED ? undefined : amount,
  }));
}
