/**
 * That a process lives: a number in the database that it raises every two seconds. Others look at each other's: whose number stays the same
 * for several such times is gone, and so is one that this machine does not run any more, at once. Clocks of machines are not compared.
 *
 * Who finds one gone settles its requests: what was recorded is billed, the rest is given back. A process that was only stopped finds its
 * number gone, takes a new one, and has lost the requests of the old.
 */
import { isAlive, ownIdentity, type ProcessIdentity } from '@tunan/files';
import { type Database, firstRow, type Queries } from '../storage/database.ts';
import type { Clock } from './clock.ts';
import { Counters } from './counters.ts';
import { close, openOf } from './settlement.ts';
import { UsageSums } from './usage-sums.ts';

const BEAT = 2_000;
/** Beats missed after which a process out of sight is gone. */
const MISSED = 5;
/** The same of one that this machine runs: it may compute, or stand still. */
const MISSED_ALIVE = 50;
/** Rows of requests that one beat removes because they are too old; many at a time would hold up others. */
const PRUNED = 4_000;
/** Days for which the row of every request is kept; its sums are for good. */
const KEPT_DAYS = 90;
/** Ids of one process; all of them together stay below 2^53. */
const IDS = 2 ** 32;

/** A process as the ledger knows it. */
export interface NumberedProcess {
  readonly id: number;
  /** Of its next request. */
  nextId(): number;
}

/** Others have taken this process for dead. */
export class LeaseGone extends Error {
  override readonly name = 'LeaseGone';
}

interface Parts {
  readonly clock: Clock;
  readonly beat: number | undefined;
  readonly onTrouble: (error: unknown) => void;
}

interface Row {
  readonly id: number;
  readonly identity: string;
  readonly beats: number;
}

/** When another's number was first seen as it is, by this process's own clock. */
interface Seen {
  readonly beats: number;
  readonly at: number;
}

export class Lease {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #beat: number;
  readonly #onTrouble: (error: unknown) => void;
  readonly #seen = new Map<number, Seen>();
  readonly #timer: NodeJS.Timeout;
  #process: NumberedProcess | undefined;
  #beating: Promise<void> | undefined;

  private constructor(database: Database, { clock, beat = BEAT, onTrouble }: Parts) {
    this.#database = database;
    this.#clock = clock;
    this.#beat = beat;
    this.#onTrouble = onTrouble;
    this.#timer = setInterval(() => {
      // A database that does not answer may take longer than a beat.
      this.#beating ??= this.#show().finally(() => {
        this.#beating = undefined;
      });
    }, beat);
    this.#timer.unref();
  }

  /** Takes a number, and settles what dead processes of this machine have left. */
  static async begin(database: Database, parts: Parts): Promise<Lease> {
    const lease = new Lease(database, parts);
    try {
      await lease.renew();
      await lease.#settleDead();
      return lease;
    } catch (error) {
      clearInterval(lease.#timer);
      throw error;
    }
  }

  /** This process, as long as nobody has taken it for dead. @throws LeaseGone */
  async require(queries: Queries): Promise<NumberedProcess> {
    const known = this.#process;
    const row = known && (await firstRow(queries, 'SELECT id FROM processes WHERE id = ?', known.id));
    if (known === undefined || row === undefined) throw new LeaseGone('this process was taken for dead');
    return known;
  }

  /** Takes a number that no process ever had. In a transaction of its own: a number that was given back would be given again. */
  async renew(): Promise<void> {
    const id = await this.#database.write(async (queries) => {
      const next = await nextProcess(queries);
      await queries.run(
        'INSERT INTO processes (id, identity, beats) VALUES (?, ?, 0)',
        next,
        JSON.stringify(ownIdentity()),
      );
      return next;
    });
    let count = 0;
    this.#process = { id, nextId: () => id * IDS + count++ };
  }

  /** @param clean whether it leaves no open request; else others find it gone */
  async end(clean: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    const known = this.#process;
    if (!clean || known === undefined) return;
    await this.#database
      .write((queries) => queries.run('DELETE FROM processes WHERE id = ?', known.id))
      .catch(this.#onTrouble);
  }

  /** Never rejects. */
  async #show(): Promise<void> {
    try {
      await this.#database.write(async (queries) => {
        // Who was taken for dead takes a new number when the ledger needs one.
        const id = this.#process?.id ?? 0;
        await queries.run('UPDATE processes SET beats = beats + 1 WHERE id = ?', id);
        await prune(queries, this.#clock());
      });
      await this.#settleDead();
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  async #settleDead(): Promise<void> {
    const rows = await this.#database.rows<Row>('SELECT id, identity, beats FROM processes');
    const now = performance.now();
    for (const row of rows) {
      if (row.id === this.#process?.id) continue;
      const seen = this.#seen.get(row.id);
      if (seen === undefined || seen.beats !== row.beats) this.#seen.set(row.id, { beats: row.beats, at: now });
      const alive = isAlive(JSON.parse(row.identity) as ProcessIdentity);
      const patience = (alive === true ? MISSED_ALIVE : MISSED) * this.#beat;
      const still = seen !== undefined && seen.beats === row.beats && now - seen.at > patience;
      if (still || alive === false) await this.#settle(row);
    }
    for (const id of this.#seen.keys()) if (!rows.some((row) => row.id === id)) this.#seen.delete(id);
  }

  async #settle({ id, beats }: Row): Promise<void> {
    await this.#database.write(async (queries) => {
      // Another one may have done it, or it may have come back.
      const removed = await queries.run('DELETE FROM processes WHERE id = ? AND beats = ?', id, beats);
      if (removed === 0) return;
      const closing = { counters: new Counters(queries), sums: new UsageSums(queries), now: this.#clock() };
      for (const { open, recorded } of await openOf(queries, id)) {
        const spent = { promptTokens: open.promptTokens, completionTokens: recorded, outcome: 'lost' } as const;
        await close(queries, open, spent, closing);
      }
      await closing.counters.save();
      await closing.sums.save();
    });
    this.#seen.delete(id);
  }
}

async function nextProcess(queries: Queries): Promise<number> {
  const row = await firstRow<{ value: string }>(queries, "SELECT value FROM settings WHERE name = 'last_process'");
  const id = Number(row?.value ?? 0) + 1;
  await queries.run(
    `INSERT INTO settings (name, value) VALUES ('last_process', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    String(id),
  );
  return id;
}

async function prune(queries: Queries, now: number): Promise<void> {
  const old = 'SELECT id FROM requests WHERE ended_at < ? ORDER BY ended_at LIMIT ?';
  await queries.run(`DELETE FROM requests WHERE id IN (${old})`, now - KEPT_DAYS * 24 * 3_600_000, PRUNED);
}
