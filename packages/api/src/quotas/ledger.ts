/**
 * Who has used what: reserved before a request runs, settled at what it really took.
 *
 * reserve → record, before each part that is sent → settle. What is asked within one turn of the event loop goes into few transactions,
 * which is what makes thousands of requests a second possible on one file; what is asked while one runs goes into the next.
 * A promise is kept when it resolves: the transaction is committed.
 *
 * A request is open from its reservation to its settlement, and belongs to this process, which shows that it lives (leases.ts). Of a
 * process that has died others settle what was recorded and release the rest. Where that happened to this one, though it lives, as after
 * a long stop, its requests end with QUOTA_LEASE_LOST, and nothing is sent that was not recorded.
 *
 * Where the database does not answer, reservations and records are refused at once. Settlements are kept and tried again until it does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Queries } from '../storage/database.ts';
import { StorageError } from '../storage/errors.ts';
import type { Clock } from './clock.ts';
import { steadyClock } from './clock.ts';
import { Counters } from './counters.ts';
import { QuotaError } from './errors.ts';
import { Lease, LeaseGone, type NumberedProcess } from './lease.ts';
import { KnownLimits, Limits, type Subjects } from './limits.ts';
import type { OpenRequest } from './open-request.ts';
import { type Allowance, allowanceOf, refusalOf } from './refusal.ts';
import { type Closing, close as closeRequest, type Spent } from './settlement.ts';
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

export interface LedgerOptions {
  readonly clock?: Clock | undefined;
  /** Between two signs of life, ms; 2 000 when absent. */
  readonly beat?: number | undefined;
  /** Told what could not be done for now, and is tried again. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
}

type Operation =
  | { readonly kind: 'reserve'; readonly asked: Asked; readonly done: Done<Reservation> }
  | { readonly kind: 'record'; readonly id: number; readonly completionTokens: number; readonly done: Done<void> }
  | { readonly kind: 'settle'; readonly id: number; readonly spent: Spent; readonly done: Done<void> };

interface Done<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Operations of which no more are waited for within a turn: a quarter of the open requests, within these bounds. In a larger group all
 * wait for the last, and go on together ever after; in a smaller one each pays more of its transaction.
 */
const GROUP = { least: 4, most: 32 } as const;
/** After a failure, ms. */
const RETRY = 500;
/** How long close() waits for a database that does not answer, ms. */
const LAST_WAIT = 5_000;

export class Ledger implements AsyncDisposable {
  readonly limits: Limits;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #lease: Lease;
  readonly #known = new KnownLimits();
  readonly #onTrouble: (error: unknown) => void;
  /** Of this process, by id. */
  readonly #open = new Map<number, OpenRequest>();
  #waiting: Operation[] = [];
  #running: Promise<void> | undefined;
  #enough: (() => void) | undefined;

  private constructor(database: Database, clock: Clock, lease: Lease, onTrouble: (error: unknown) => void) {
    this.limits = new Limits(database);
    this.#database = database;
    this.#clock = clock;
    this.#lease = lease;
    this.#onTrouble = onTrouble;
  }

  /** Settles what processes have left that are gone. @throws StorageError */
  static async open(database: Database, options: LedgerOptions = {}): Promise<Ledger> {
    const { clock = steadyClock(), beat, onTrouble = () => undefined } = options;
    await new Limits(database).seed();
    const lease = await Lease.begin(database, { clock, beat, onTrouble });
    return new Ledger(database, clock, lease, onTrouble);
  }

  /** Requests of this process that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** @throws QuotaError; StorageError */
  async reserve(asked: Asked): Promise<Reservation> {
    return await this.#ask<Reservation>((done) => ({ kind: 'reserve', asked, done }));
  }

  /** To be awaited before what it counts is sent. @throws QuotaError QUOTA_LEASE_LOST; StorageError */
  async record(id: number, completionTokens: number): Promise<void> {
    await this.#ask<void>((done) => ({ kind: 'record', id, completionTokens, done }));
  }

  /** Once for each reservation; again does nothing. @throws StorageError, and then it is tried again by itself */
  async settle(id: number, spent: Spent): Promise<void> {
    await this.#ask<void>((done) => ({ kind: 'settle', id, spent, done }));
  }

  /** When all that was asked has been done; open requests stay, and are others' to settle. */
  async close(): Promise<void> {
    const end = performance.now() + LAST_WAIT;
    while (this.#running !== undefined && performance.now() < end) await Promise.race([this.#running, sleep(50)]);
    await this.#lease.end(this.#open.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ask<T>(operation: (done: Done<T>) => Operation): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(operation({ resolve, reject }));
      if (this.#isEnough) this.#enough?.();
      this.#running ??= this.#run();
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#gather();
        const batch = this.#waiting;
        this.#waiting = [];
        if (!(await this.#commit(batch))) await sleep(RETRY);
      }
    } finally {
      this.#running = undefined;
    }
  }

  get #isEnough(): boolean {
    return this.#waiting.length >= Math.min(GROUP.most, Math.max(GROUP.least, this.#open.size / 4));
  }

  /** What else this turn of the event loop asks comes along, until there is enough for one transaction. */
  async #gather(): Promise<void> {
    if (this.#isEnough) return;
    await new Promise<void>((resolve) => {
      this.#enough = resolve;
      setImmediate(resolve);
    });
    this.#enough = undefined;
  }

  /** @returns whether the database took it */
  async #commit(batch: readonly Operation[]): Promise<boolean> {
    let batchOf: Batch | undefined;
    try {
      await this.#database.write(async (queries) => {
        await this.#known.refresh(queries);
        batchOf = new Batch(queries, this.#clock, await this.#lease.require(queries), this.#known, this.#open);
        for (const operation of batch) await batchOf.apply(operation);
        await batchOf.save();
      });
    } catch (error) {
      if (error instanceof LeaseGone) return await this.#renew(batch);
      this.#fail(batch, batchOf, error);
      return !(error instanceof StorageError);
    }
    batchOf?.tell();
    return true;
  }

  /** Takes a number anew and lets the batch come again. */
  async #renew(batch: readonly Operation[]): Promise<boolean> {
    try {
      await this.#lease.renew();
    } catch (error) {
      this.#fail(batch, undefined, error);
      return false;
    }
    this.#waiting.unshift(...batch);
    return true;
  }

  /**
   * Whether a transaction was committed whose answer did not come, nobody knows. So what was reserved is released, and what was settled
   * is settled again: both do nothing where there is nothing to do.
   */
  #fail(batch: readonly Operation[], tried: Batch | undefined, error: unknown): void {
    this.#onTrouble(error);
    for (const id of tried?.reserved ?? [])
      this.#again(id, { promptTokens: 0, completionTokens: 0, outcome: 'refused' });
    for (const operation of batch) {
      operation.done.reject(error);
      if (operation.kind === 'settle' && error instanceof StorageError) this.#again(operation.id, operation.spent);
    }
  }

  #again(id: number, spent: Spent): void {
    this.#waiting.push({ kind: 'settle', id, spent, done: { resolve: () => undefined, reject: () => undefined } });
  }
}

/** What one transaction does; told to those who asked when it is committed. */
class Batch {
  /** Ids of reservations. */
  readonly reserved: number[] = [];
  readonly #queries: Queries;
  readonly #clock: Clock;
  readonly #process: NumberedProcess;
  readonly #known: KnownLimits;
  readonly #open: Map<number, OpenRequest>;
  readonly #counters: Counters;
  readonly #sums: UsageSums;
  readonly #told: (() => void)[] = [];

  constructor(
    queries: Queries,
    clock: Clock,
    process: NumberedProcess,
    known: KnownLimits,
    open: Map<number, OpenRequest>,
  ) {
    this.#queries = queries;
    this.#clock = clock;
    this.#process = process;
    this.#known = known;
    this.#open = open;
    this.#counters = new Counters(queries);
    this.#sums = new UsageSums(queries);
  }

  async apply(operation: Operation): Promise<void> {
    if (operation.kind === 'reserve') await this.#reserve(operation.asked, operation.done);
    else if (operation.kind === 'record') await this.#record(operation.id, operation.completionTokens, operation.done);
    else await this.#settle(operation.id, operation.spent, operation.done);
  }

  async save(): Promise<void> {
    await this.#counters.save();
    await this.#sums.save();
  }

  /** After the commit. */
  tell(): void {
    for (const tell of this.#told) tell();
  }

  async #reserve(asked: Asked, done: Done<Reservation>): Promise<void> {
    const bounds = this.#known.boundsOf(asked, asked.model);
    const counted = bounds.filter(({ metric }) => metric !== 'tokens_per_request');
    const { counters, t } = await this.#counters.open(counted, this.#clock());
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
      const { metric } = counter.bound;
      this.#counters.charge(counter, metric.startsWith('tokens') ? wanted.tokens : wanted.requests);
    }
    const id = this.#process.nextId();
    const open: OpenRequest = {
      ...{ id, reservedAt: t, counters: counters.map(({ row }) => row.id), requests: wanted.requests },
      ...{ organisationId: asked.organisationId, accountId: asked.accountId, keyId: asked.keyId, model: asked.model },
      ...{ promptTokens: asked.promptTokens, mostTokens: asked.completionTokens },
    };
    await this.#queries.run(
      `INSERT INTO requests (id, process_id, request, organisation_id, account_id, key_id, model, route, reserved_at, counters,
        prompt_tokens, most_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
      ...[
        id,
        this.#process.id,
        asked.request,
        asked.organisationId,
        asked.accountId,
        asked.keyId,
        asked.model,
        asked.route,
      ],
      ...[t, JSON.stringify([wanted.requests, ...open.counters]), asked.promptTokens, asked.completionTokens],
    );
    this.reserved.push(id);
    const allowance = allowanceOf(counters, t);
    this.#told.push(() => {
      this.#open.set(id, open);
      done.resolve({ id, allowance });
    });
  }

  async #record(id: number, completionTokens: number, done: Done<void>): Promise<void> {
    const sql = 'UPDATE requests SET completion_tokens = ? WHERE id = ? AND ended_at IS NULL';
    const kept = (await this.#queries.run(sql, completionTokens, id)) === 1;
    this.#told.push(() => (kept ? done.resolve() : done.reject(leaseLost())));
  }

  async #settle(id: number, spent: Spent, done: Done<void>): Promise<void> {
    const closing: Closing = { counters: this.#counters, sums: this.#sums, now: this.#clock() };
    const open = this.#open.get(id);
    // A reservation whose answer did not come is known to the database alone.
    await closeRequest(this.#queries, open ?? id, spent, closing);
    this.#told.push(() => {
      this.#open.delete(id);
      done.resolve();
    });
  }
}

function leaseLost(): QuotaError {
  return new QuotaError('QUOTA_LEASE_LOST', {
    en: 'the server stood still for too long and gave this request up: send it again',
    zh: '服务器停顿过久，已放弃该请求：请重新发送',
  });
}
