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
 * follows when it has been sent. With PostgreSQL both go through the table.
 *
 * A process that has a SQLite file for itself holds its transaction open for some milliseconds, and takes into it what is asked meanwhile.
 * Nobody else can write then, so that its counters are the truth; what it reserves stands in a file before it is told (held-file.ts), and
 * is committed behind the caller's back. With other processes, and with PostgreSQL, everything is committed before it is told.
 *
 * Where the database does not answer, reservations and records are refused at once. Settlements are kept and tried again until it does.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Database, State } from '../storage/database.ts';
import { StorageError } from '../storage/errors.ts';
import { type Asked, Batch, type Done, leaseLost, type Operation, type Reservation } from './batch.ts';
import type { Clock } from './clock.ts';
import { steadyClock } from './clock.ts';
import { Counters } from './counters.ts';
import { Lease, LeaseGone } from './lease.ts';
import { KnownLimits, Limits } from './limits.ts';
import type { OwnRequest } from './open-request.ts';
import type { Progress } from './record-file.ts';
import type { Reserved } from './reserved.ts';
import type { Spent } from './settlement.ts';

export interface LedgerOptions {
  readonly clock?: Clock | undefined;
  /** Between two signs of life, ms; 2 000 when absent. */
  readonly beat?: number | undefined;
  /** How long after one records are trusted without asking the database, ms; three times as long when absent. */
  readonly sure?: number | undefined;
  /** How long a transaction is held open for more where no other process uses the file, ms; 10 when absent. */
  readonly hold?: number | undefined;
  /** Told what could not be done for now, and is tried again. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
}

interface Parts {
  readonly clock: Clock;
  readonly hold: number;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Operations of which no more are waited for within a turn: a quarter of the open requests, and so many at most. In a larger group all
 * wait for the last, and go on together ever after; in a smaller one each pays more of its transaction.
 */
const MOST_TOGETHER = 32;
const HOLD = 10;
/** How long after a transaction was held open none is, so that others who wait for the file get it, ms. */
const REST = 2;
/** How long the settlement of an answer that is complete waits for a transaction that something else needs, ms. */
const LATER = 10;
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
  readonly #counters = new Counters();
  readonly #holdTime: number;
  readonly #onTrouble: (error: unknown) => void;
  /** Of this process, by id. */
  readonly #open = new Map<number, OwnRequest>();
  /** Of these the ones that may have been settled in a transaction whose answer did not come. */
  readonly #doubtful = new Set<number>();
  #waiting: Operation[] = [];
  #running: Promise<void> | undefined;
  #enough: (() => void) | undefined;
  /** Begins a transaction for what is in no hurry. */
  #later: NodeJS.Timeout | undefined;
  /** While a transaction is held: takes what waits into it, or ends it. */
  #goOn: ((what: 'more' | 'end') => void) | undefined;
  #heldUntil = Number.NEGATIVE_INFINITY;
  /** Of the database behind the last transaction of this ledger, where that knew all. */
  #state: number | undefined;
  /** Reservations that callers know of and whose transaction failed. */
  #owed: readonly Reserved[] = [];

  private constructor(database: Database, lease: Lease, options: Parts) {
    this.limits = new Limits(database);
    this.#database = database;
    this.#lease = lease;
    this.#clock = options.clock;
    this.#holdTime = options.hold;
    this.#onTrouble = options.onTrouble;
  }

  /** Settles what processes have left that are gone. @throws StorageError */
  static async open(database: Database, options: LedgerOptions = {}): Promise<Ledger> {
    const { clock = steadyClock(), beat, sure, hold = HOLD, onTrouble = () => undefined } = options;
    await new Limits(database).seed();
    const lease = await Lease.begin(database, { clock, beat, sure, onTrouble });
    return new Ledger(database, lease, { clock, hold, onTrouble });
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
    const open = this.#open.get(id);
    if (open === undefined) throw leaseLost();
    const { promptTokens } = open;
    if (await this.#write(open, { completionTokens, promptTokens, complete: false })) return;
    await this.#ask<void>((done) => ({ kind: 'record', id, completionTokens, done }));
  }

  /**
   * The end of an answer that is complete and will be seen now: when it resolves, it is written down and will be billed. What the request
   * did not use may come back a moment later, unless a limit is more than half used. Once for each reservation.
   * @throws QuotaError QUOTA_LEASE_LOST; StorageError, and then it is not to be seen
   */
  async finish(id: number, spent: Omit<Spent, 'outcome'>): Promise<void> {
    const open = this.#open.get(id);
    if (open === undefined) throw leaseLost();
    const written = await this.#write(open, { ...spent, complete: true });
    const all: Spent = { ...spent, outcome: 'completed' };
    if (!written) return await this.#ask<void>((done) => ({ kind: 'settle', id, spent: all, strict: true, done }));
    const settle = (done: Done<void>): Operation => ({ kind: 'settle', id, spent: all, written: true, done });
    if (open.tight) return await this.#ask(settle);
    // When the answer has been sent; what goes wrong is tried again by itself.
    this.#ask(settle, false).catch(() => undefined);
  }

  /** Once for each reservation, by the ledger that made it; again does nothing. @throws StorageError, and then it is tried again by itself */
  async settle(id: number, spent: Spent): Promise<void> {
    await this.#ask<void>((done) => ({ kind: 'settle', id, spent, done }));
  }

  /** When all that was asked has been done; open requests stay, and are others' to settle. */
  async close(): Promise<void> {
    const end = performance.now() + LAST_WAIT;
    this.#goOn?.('end');
    this.#begin();
    while (this.#running !== undefined && performance.now() < end) await Promise.race([this.#running, sleep(50)]);
    await this.#lease.end(this.#open.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Into the file of the process. @returns false where it has none @throws QuotaError QUOTA_LEASE_LOST; StorageError */
  async #write({ id, place, processId }: OwnRequest, progress: Progress): Promise<boolean> {
    const { current } = this.#lease;
    if (place === undefined) return false;
    if (current?.id !== processId) throw leaseLost();
    current.records?.write(place, id, progress);
    // Looked at behind the write: what is in the file before others settle this process is billed.
    if (this.#lease.isSure(processId)) return true;
    try {
      await this.#lease.confirm(processId);
    } catch (error) {
      throw error instanceof LeaseGone ? leaseLost() : error;
    }
    return true;
  }

  /** @param soon whether somebody waits for it */
  #ask<T>(operation: (done: Done<T>) => Operation, soon = true): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(operation({ resolve, reject }));
      this.#goOn?.('more');
      if (this.#isEnough) this.#enough?.();
      if (soon) this.#begin();
      else this.#later ??= setTimeout(() => this.#begin(), LATER);
    });
  }

  #begin(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    if (this.#waiting.length > 0) this.#running ??= this.#run();
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
    if (this.#isEnough || (this.#holds && !this.#rests)) return;
    const enough = new Promise<void>((resolve) => {
      this.#enough = resolve;
    });
    await Promise.race([enough, setImmediate()]);
    this.#enough = undefined;
  }

  /** @returns whether the database took it */
  async #commit(operations: Operation[]): Promise<boolean> {
    let tried: Batch | undefined;
    let state: State | undefined;
    const owed = this.#owed;
    try {
      await this.#database.write(async (queries) => {
        state = queries.state;
        const trusted = state !== undefined && state.before === this.#state;
        const [clock, lease, known, counters] = [this.#clock, this.#lease, this.#known, this.#counters];
        const own = { open: this.#open, doubtful: this.#doubtful, owed };
        tried = new Batch({ queries, clock, lease, known, counters, trusted, ...own });
        await tried.run(operations);
        if (state !== undefined && tried.mayHold) await this.#hold(tried, operations, state);
        tried.save();
      });
    } catch (error) {
      this.#state = undefined;
      this.#counters.forget();
      if (error instanceof LeaseGone) return await this.#renew(operations);
      this.#fail(operations, tried, error);
      return !(error instanceof StorageError);
    }
    this.#state = tried?.trusted === true ? state?.after : undefined;
    this.#owed = [];
    if (tried !== undefined && tried.held.length > 0) this.#lease.known.held?.clear();
    tried?.tell();
    return true;
  }

  /** Whether transactions are held open, so that what comes later goes along. */
  get #holds(): boolean {
    return this.#database.kind === 'sqlite' && this.#lease.isAlone;
  }

  get #rests(): boolean {
    return performance.now() - this.#heldUntil < REST;
  }

  /** Takes what is asked into the running transaction, until it was open for long enough or somebody else waits for it. */
  async #hold(batch: Batch, operations: Operation[], { wanted }: State): Promise<void> {
    if (this.#rests) return;
    const end = performance.now() + this.#holdTime;
    let isOver = false;
    let more = Promise.withResolvers<void>();
    this.#goOn = (what) => {
      isOver ||= what === 'end';
      more.resolve();
    };
    const timer = setTimeout(() => this.#goOn?.('end'), this.#holdTime);
    wanted.then(() => this.#goOn?.('end'));
    try {
      while (batch.mayHold) {
        batch.tellSoon();
        if (this.#waiting.length === 0) await more.promise;
        if (isOver || performance.now() > end) return;
        more = Promise.withResolvers();
        const asked = this.#waiting;
        this.#waiting = [];
        operations.push(...asked);
        await batch.run(asked);
      }
    } finally {
      clearTimeout(timer);
      this.#goOn = undefined;
      this.#heldUntil = performance.now();
    }
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
    for (const { id } of tried?.untold ?? [])
      this.#again(id, { promptTokens: 0, completionTokens: 0, outcome: 'refused' });
    if (tried !== undefined && tried.held.length > 0) {
      this.#owed = [...this.#owed, ...tried.held];
      // Another process may enter these before this one does, and close what is complete.
      for (const id of this.#open.keys()) this.#doubtful.add(id);
    }
    for (const operation of batch) {
      operation.done.reject(error);
      if (operation.kind !== 'settle') continue;
      if (this.#open.has(operation.id)) this.#doubtful.add(operation.id);
      if (error instanceof StorageError) this.#again(operation.id, operation.spent);
    }
  }

  #again(id: number, spent: Spent): void {
    this.#waiting.push({ kind: 'settle', id, spent, done: { resolve: () => undefined, reject: () => undefined } });
  }
}
