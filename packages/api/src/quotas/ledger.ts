/**
 * Who has used what: reserved before a request runs, settled at what it really took.
 *
 * reserve → record, before each part that is sent → finish or settle. What is asked within one turn of the event loop goes into few
 * transactions (batch.ts), which is what makes thousands of requests a second possible on one file; what is asked while one runs goes into
 * the next. A promise is kept when it resolves: what it says is written down.
 *
 * A request is open from its reservation to its settlement, and belongs to this process, which shows that it lives (lease.ts). Of a
 * process that has died others settle what was recorded and release the rest. Where that happened to this one, though it lives, as after
 * a long stop, its requests end with QUOTA_LEASE_LOST, and nothing is sent that was not recorded.
 *
 * On SQLite records go into a file of the process (record-file.ts), and an answer that is complete waits for nothing else: its settlement
 * follows some milliseconds after it, beside what the next request waits for anyway. With PostgreSQL both go through the table.
 *
 * Where the database does not answer, reservations and records are refused at once. Settlements are kept and tried again until it does.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../storage/database.ts';
import { StorageError } from '../storage/errors.ts';
import { type Asked, Batch, type Done, leaseLost, type Operation, type Reservation } from './batch.ts';
import type { Clock } from './clock.ts';
import { steadyClock } from './clock.ts';
import { QuotaError } from './errors.ts';
import { Lease, LeaseGone } from './lease.ts';
import { KnownLimits, Limits } from './limits.ts';
import type { OwnRequest } from './open-request.ts';
import type { Progress } from './record-file.ts';
import type { Spent } from './settlement.ts';

export interface LedgerOptions {
  readonly clock?: Clock | undefined;
  /** Between two signs of life, ms; 2 000 when absent. */
  readonly beat?: number | undefined;
  /** How long after one records are trusted without asking the database, ms; three times as long when absent. */
  readonly sure?: number | undefined;
  /** Told what could not be done for now, and is tried again. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
}

/**
 * Operations of which no more are waited for within a turn: a quarter of the open requests, and so many at most. In a larger group all
 * wait for the last, and go on together ever after; in a smaller one each pays more of its transaction.
 */
const MOST_TOGETHER = 32;
/** Of what is tried again by itself until it is done. */
const NOBODY: Done<void> = { resolve: () => undefined, reject: () => undefined };
/** After an answer was sent, ms: who asks for one thing after another has asked again by then. */
const QUIET = 5;
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
  readonly #open = new Map<number, OwnRequest>();
  /** Of these the ones that may have been settled in a transaction whose answer did not come. */
  readonly #doubtful = new Set<number>();
  #waiting: Operation[] = [];
  /** Ends of answers that have been sent, for a quiet moment. */
  #unhurried: Operation[] = [];
  #quiet: NodeJS.Timeout | undefined;
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
    const { clock = steadyClock(), beat, sure, onTrouble = () => undefined } = options;
    await new Limits(database).seed();
    const lease = await Lease.begin(database, { clock, beat, sure, onTrouble });
    return new Ledger(database, clock, lease, onTrouble);
  }

  /** Requests of this process that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** @throws QuotaError; StorageError */
  async reserve(asked: Asked): Promise<Reservation> {
    const reserve = () => this.#ask<Reservation>((done) => ({ kind: 'reserve', asked, done }));
    try {
      return await reserve();
    } catch (error) {
      // What has ended and waits for a quiet moment may give back what is missing.
      if (!(error instanceof QuotaError) || !this.#hurry()) throw error;
      return await reserve();
    }
  }

  /** To be awaited before what it counts is sent. @throws QuotaError QUOTA_LEASE_LOST; StorageError */
  async record(id: number, completionTokens: number): Promise<void> {
    const open = this.#open.get(id);
    if (open === undefined) throw leaseLost();
    const { place, promptTokens } = open;
    // Asked at once: an end that is asked for behind it must not come before it.
    if (place === undefined) return await this.#ask<void>((done) => ({ kind: 'record', id, completionTokens, done }));
    await this.#write(open, place, { completionTokens, promptTokens, complete: false });
  }

  /**
   * The end of an answer that is complete and will be seen now: when it resolves, it is written down and will be billed. What the request
   * did not use may come back a moment later, unless a limit is more than half used. Once for each reservation.
   * @throws QuotaError QUOTA_LEASE_LOST; StorageError, and then it is not to be seen
   */
  async finish(id: number, spent: Omit<Spent, 'outcome'>): Promise<void> {
    const open = this.#open.get(id);
    if (open === undefined) throw leaseLost();
    const all: Spent = { ...spent, outcome: 'completed' };
    if (open.place === undefined) {
      return await this.#ask<void>((done) => ({ kind: 'settle', id, spent: all, strict: true, done }));
    }
    await this.#write(open, open.place, { ...spent, complete: true });
    if (open.tight) return await this.settle(id, all);
    // What goes wrong is tried again by itself.
    this.#unhurried.push({ kind: 'settle', id, spent: all, done: NOBODY });
    this.#quiet ??= setTimeout(() => this.#hurry(), QUIET);
  }

  /** Once for each reservation, by the ledger that made it; again does nothing. @throws StorageError, and then it is tried again by itself */
  async settle(id: number, spent: Spent): Promise<void> {
    await this.#ask<void>((done) => ({ kind: 'settle', id, spent, done }));
  }

  /** When all that was asked has been done; open requests stay, and are others' to settle. */
  async close(): Promise<void> {
    this.#hurry();
    const end = performance.now() + LAST_WAIT;
    while (this.#running !== undefined && performance.now() < end) await Promise.race([this.#running, sleep(50)]);
    await this.#lease.end(this.#open.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Into the file of the process. @throws QuotaError QUOTA_LEASE_LOST; StorageError */
  async #write({ id, processId }: OwnRequest, place: number, progress: Progress): Promise<void> {
    const { current } = this.#lease;
    if (current?.id !== processId) throw leaseLost();
    current.records?.write(place, id, progress);
    // Looked at behind the write: what is in the file before others settle this process is billed.
    if (this.#lease.isSure(processId)) return;
    try {
      await this.#lease.confirm(processId);
    } catch (error) {
      throw error instanceof LeaseGone ? leaseLost() : error;
    }
  }

  #ask<T>(operation: (done: Done<T>) => Operation): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(operation({ resolve, reject }));
      if (this.#isEnough) this.#enough?.();
      this.#running ??= this.#run();
    });
  }

  /** @returns whether anything waited for a quiet moment */
  #hurry(): boolean {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    if (this.#unhurried.length === 0) return false;
    this.#waiting.push(...this.#unhurried.splice(0));
    this.#running ??= this.#run();
    return true;
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
    return this.#waiting.length >= Math.min(MOST_TOGETHER, this.#open.size / 4);
  }

  /** What else this turn of the event loop asks comes along, until there is enough for one transaction. */
  async #gather(): Promise<void> {
    if (this.#isEnough) return;
    const enough = new Promise<void>((resolve) => {
      this.#enough = resolve;
    });
    await Promise.race([enough, setImmediate()]);
    this.#enough = undefined;
  }

  /** @returns whether the database took it */
  async #commit(operations: readonly Operation[]): Promise<boolean> {
    let tried: Batch | undefined;
    try {
      await this.#database.write(async (queries) => {
        const [clock, lease, known] = [this.#clock, this.#lease, this.#known];
        tried = new Batch({ queries, clock, lease, known, open: this.#open, doubtful: this.#doubtful });
        await tried.run(operations);
      });
    } catch (error) {
      if (error instanceof LeaseGone) return await this.#renew(operations);
      this.#fail(operations, tried, error);
      return !(error instanceof StorageError);
    }
    tried?.tell();
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
      if (operation.kind !== 'settle') continue;
      if (this.#open.has(operation.id)) this.#doubtful.add(operation.id);
      if (error instanceof StorageError) this.#again(operation.id, operation.spent);
    }
  }

  #again(id: number, spent: Spent): void {
    this.#waiting.push({ kind: 'settle', id, spent, done: NOBODY });
  }
}
