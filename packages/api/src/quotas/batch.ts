/**
 * What one transaction of the ledger does: first ends, and records where the table keeps them, then reservations, which so find what was
 * given back. Told to those who asked when it is committed.
 *
 * Of requests of this process all is known: their ends ask nothing of the database and go in one way to it and back, together with the
 * commit. They change nothing where others have taken this process for dead, because its requests are settled then. Reservations read and
 * then write: two ways.
 */
import { firstRow, type Transaction } from '../storage/database.ts';
import type { Clock } from './clock.ts';
import { type Counter, Counters } from './counters.ts';
import { QuotaError } from './errors.ts';
import type { Lease, NumberedProcess } from './lease.ts';
import { type KnownLimits, LIMITS_VERSION, type Subjects } from './limits.ts';
import { countsTokens } from './metrics.ts';
import type { OwnRequest } from './open-request.ts';
import { type Allowance, allowanceOf, refusalOf } from './refusal.ts';
import { billOf, close, END_REQUEST, type Spent } from './settlement.ts';
import { UsageSums } from './usage-sums.ts';

export interface Asked extends Subjects {
  /** The id that the answer carries as x-request-id. */
  readonly request: string;
  readonly model: string;
  /** Such as `/v1/completions`. */
  readonly route: string;
  readonly promptTokens: number;
  /** Tokens that all its answers together may have at most. */
  readonly completionTokens: number;
  /** False for a further part of a request that was counted already. */
  readonly counts?: boolean;
}

export interface Reservation {
  readonly id: number;
  /** What is left of the tightest limits, this request taken off. */
  readonly allowance: Allowance;
}

export interface Done<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

interface Reserve {
  readonly kind: 'reserve';
  readonly asked: Asked;
  readonly done: Done<Reservation>;
}

interface Record {
  readonly kind: 'record';
  readonly id: number;
  readonly completionTokens: number;
  readonly done: Done<void>;
}

interface Settle {
  readonly kind: 'settle';
  readonly id: number;
  readonly spent: Spent;
  /** Whether it fails where others have settled the request. */
  readonly strict?: boolean;
  readonly done: Done<void>;
}

export type Operation = Reserve | Record | Settle;

export interface BatchParts {
  readonly queries: Transaction;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly known: KnownLimits;
  /** Of this process, by id; changed when the batch is committed. */
  readonly open: Map<number, OwnRequest>;
  /** Of these the ones that may have been settled in a transaction whose answer did not come. */
  readonly doubtful: Set<number>;
}

export class Batch {
  /** Ids of reservations. */
  readonly reserved: number[] = [];
  readonly #parts: BatchParts;
  readonly #counters: Counters;
  readonly #sums: UsageSums;
  readonly #told: (() => void)[] = [];

  constructor(parts: BatchParts) {
    this.#parts = parts;
    this.#counters = new Counters(parts.queries);
    this.#sums = new UsageSums(parts.queries);
  }

  /** @throws LeaseGone */
  async run(operations: readonly Operation[]): Promise<void> {
    const { lease, known, queries } = this.#parts;
    const slow = this.#runKnown(operations);
    if (slow.length === 0) return;
    const callers = slow.flatMap((one) => (one.kind === 'reserve' ? [one.asked] : []));
    const [found] = await Promise.all([
      firstRow<{ process: number | null; limits: string | null }>(queries, NOW, lease.current?.id ?? 0),
      this.#counters.prepare(callers),
    ]);
    const process = lease.require(found!.process);
    await known.refresh(queries, found!.limits);
    for (const operation of slow) {
      if (operation.kind === 'reserve') await this.#reserve(operation, process);
      else await this.#settle(operation);
    }
    this.#counters.save();
    this.#sums.save();
  }

  /** After the commit. */
  tell(): void {
    for (const tell of this.#told) tell();
  }

  /** @returns those that have to read first */
  #runKnown(operations: readonly Operation[]): (Reserve | Settle)[] {
    const slow: (Reserve | Settle)[] = [];
    const ends = new Map<number, { readonly open: OwnRequest; readonly settle: Settle }>();
    for (const operation of operations) {
      if (operation.kind === 'record') this.#record(operation);
      else {
        const open = operation.kind === 'settle' ? this.#parts.open.get(operation.id) : undefined;
        const isKnown = open !== undefined && !ends.has(open.id) && !this.#parts.doubtful.has(open.id);
        if (operation.kind === 'settle' && isKnown) ends.set(open.id, { open, settle: operation });
        else slow.push(operation);
      }
    }
    this.#end([...ends.values()]);
    return slow;
  }

  #record({ id, completionTokens, done }: Record): void {
    const sql = 'UPDATE requests SET completion_tokens = ? WHERE id = ? AND ended_at IS NULL';
    const changed = this.#parts.queries.later(sql, completionTokens, id);
    changed.catch(() => undefined);
    this.#told.push(() => {
      changed.then((rows) => (rows === 1 ? done.resolve() : done.reject(leaseLost())), done.reject);
    });
  }

  /** A counter that several gave back to is written once. */
  #end(ends: readonly { readonly open: OwnRequest; readonly settle: Settle }[]): void {
    const { queries, clock } = this.#parts;
    const back = new Map<string, { readonly values: readonly number[]; amount: number }>();
    const sums = new Map<number, UsageSums>();
    for (const { open, settle } of ends) {
      const { id, processId, reservedAt } = open;
      const bill = billOf(open, settle.spent);
      const changed = queries.later(
        END_REQUEST,
        ...[Math.max(clock(), reservedAt), settle.spent.outcome, bill.promptTokens, bill.completionTokens, id],
      );
      for (const { id: counter, metric, began } of open.charged) {
        const key = `${counter} ${began} ${processId}`;
        const before = back.get(key) ?? { values: [counter, began, processId], amount: 0 };
        before.amount += bill.back(metric);
        back.set(key, before);
      }
      if (!bill.nothing) {
        const own = sums.get(processId) ?? new UsageSums(queries);
        own.add(open, bill);
        sums.set(processId, own);
      }
      changed.catch(() => undefined);
      this.#told.push(() => {
        if (settle.strict !== true) this.#forget(settle);
        else changed.then((rows) => this.#forget(settle, rows === 0), settle.done.reject);
      });
    }
    for (const { values, amount } of back.values()) {
      if (amount !== 0) queries.later(GIVE_BACK, amount, amount, ...values);
    }
    for (const [processId, own] of sums) own.save(processId);
  }

  async #settle(operation: Settle): Promise<void> {
    const { queries, clock, open } = this.#parts;
    const closing = { counters: this.#counters, sums: this.#sums, now: clock() };
    await close(queries, open.get(operation.id) ?? operation.id, operation.spent, closing);
    this.#told.push(() => this.#forget(operation));
  }

  #forget({ id, done }: Settle, isLost = false): void {
    const { open, doubtful, lease } = this.#parts;
    const known = open.get(id);
    if (known?.place !== undefined && lease.current?.id === known.processId) lease.current.records?.give(known.place);
    open.delete(id);
    doubtful.delete(id);
    if (isLost) done.reject(leaseLost());
    else done.resolve();
  }

  async #reserve({ asked, done }: Reserve, process: NumberedProcess): Promise<void> {
    const { known, clock, queries, open } = this.#parts;
    const bounds = known.boundsOf(asked, asked.model);
    const counted = bounds.filter(({ metric }) => metric !== 'tokens_per_request');
    const { counters, t } = await this.#counters.open(counted, clock());
    const wanted = {
      tokens: asked.promptTokens + asked.completionTokens,
      requests: asked.counts === false ? 0 : 1,
    };
    const refusal = refusalOf(bounds, counters, wanted, t);
    if (refusal !== undefined) {
      this.#told.push(() => done.reject(refusal));
      return;
    }
    for (const counter of counters) {
      this.#counters.charge(counter, countsTokens(counter.bound.metric) ? wanted.tokens : wanted.requests);
    }
    const id = process.nextId();
    const { organisationId, accountId, keyId, model, promptTokens, completionTokens } = asked;
    const charged = counters.map(({ row }) => ({ id: row.id, metric: row.metric, began: row.began_at }));
    const ids = charged.map((one) => one.id);
    queries.later(
      `INSERT INTO requests (id, process_id, request, organisation_id, account_id, key_id, model, route, reserved_at, counters,
        prompt_tokens, most_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
      ...[id, process.id, asked.request, organisationId, accountId, keyId, model, asked.route],
      ...[t, JSON.stringify([wanted.requests, ...ids]), promptTokens, completionTokens],
    );
    this.reserved.push(id);
    const allowance = allowanceOf(counters, t);
    const tight = counters.some(isTight);
    this.#told.push(() => {
      open.set(id, {
        ...{ id, reservedAt: t, counters: ids, charged, requests: wanted.requests, processId: process.id },
        ...{ organisationId, accountId, keyId, model, promptTokens, mostTokens: completionTokens, tight },
        place: process.records?.take(),
      });
      done.resolve({ id, allowance });
    });
  }
}

/** Whether this process is still taken for alive, and which limits hold. */
const NOW = `SELECT (SELECT id FROM processes WHERE id = ?) AS process, ${LIMITS_VERSION} AS limits`;

const GIVE_BACK = `UPDATE counters SET used = CASE WHEN used > ? THEN used - ? ELSE 0 END
  WHERE id = ? AND began_at = ? AND EXISTS (SELECT 1 FROM processes WHERE id = ?)`;

/** Of a limit of which more than half is used or reserved another process may need what comes back. */
const isTight = ({ bound, row }: Counter): boolean => row.used > bound.amount / 2;

export function leaseLost(): QuotaError {
  return new QuotaError('QUOTA_LEASE_LOST', {
    en: 'the server stood still for too long and gave this request up: send it again',
    zh: '服务器停顿过久，已放弃该请求：请重新发送',
  });
}
