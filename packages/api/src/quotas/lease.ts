/**
 * That a process lives: a number in the database that it raises every two seconds. Others look at each other's: whose number stays the same
 * for several such times is gone, and so is one that this machine does not run any more, at once. Clocks of machines are not compared.
 *
 * Who finds one gone settles its requests: what was recorded is billed, the rest is given back. A process that was only stopped finds its
 * number gone, takes a new one, and has lost the requests of the old.
 *
 * What a process writes into its record file counts where nobody can have taken it for dead before it was written: that is so for three
 * beats after a sign of life, because others wait for five (`isSure`). Later it asks the database, and shows that it lives thereby.
 */
import { isAlive, ownIdentity, type ProcessIdentity } from '@tunan/files';
import { type Database, firstRow, type Queries } from '../storage/database.ts';
import type { Clock } from './clock.ts';
import { Counters } from './counters.ts';
import type { OpenRequest } from './open-request.ts';
import { type Progress, RecordFile, readRecords, removeRecords, removeStrayRecords } from './record-file.ts';
import { close, openOf, type Spent } from './settlement.ts';
import { UsageSums } from './usage-sums.ts';

const BEAT = 2_000;
/** Beats missed after which a process out of sight is gone. */
const MISSED = 5;
/** Beats after a sign of life in which a process is sure that nobody has taken it for dead. */
const SURE = 3;
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
  /** Undefined where the database keeps what is recorded. */
  readonly records: RecordFile | undefined;
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
  /** How long after a sign of life records are trusted, ms. */
  readonly sure: number | undefined;
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
  readonly #sure: number;
  #process: NumberedProcess | undefined;
  /** Before the last sign of life, by this process's own clock, ms. */
  #shown = 0;
  #beating: Promise<void> | undefined;

  private constructor(database: Database, { clock, beat = BEAT, sure = SURE * beat, onTrouble }: Parts) {
    this.#database = database;
    this.#clock = clock;
    this.#beat = beat;
    this.#sure = sure;
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
      await removeStrayRecords(database, async () => {
        const rows = await database.rows<{ id: number }>('SELECT id FROM processes');
        return new Set(rows.map(({ id }) => id));
      });
      return lease;
    } catch (error) {
      clearInterval(lease.#timer);
      throw error;
    }
  }

  /** This process, as long as nobody has taken it for dead. @param found its row's id, as the database has it now @throws LeaseGone */
  require(found: number | null): NumberedProcess {
    const known = this.#process;
    if (known === undefined || found !== known.id) throw new LeaseGone('this process was taken for dead');
    return known;
  }

  /** The number that new requests belong to; undefined before the first. */
  get current(): NumberedProcess | undefined {
    return this.#process;
  }

  /** Whether nobody can have taken this process for dead until now. */
  isSure(processId: number): boolean {
    return this.#process?.id === processId && performance.now() - this.#shown < this.#sure;
  }

  /** The same, with the database's word for it, and a sign of life. @throws LeaseGone; StorageError */
  async confirm(processId: number): Promise<void> {
    if (this.#process?.id !== processId || !(await this.#raise(processId))) {
      throw new LeaseGone('this process was taken for dead');
    }
  }

  /** Takes a number that no process ever had. In a transaction of its own: a number that was given back would be given again. */
  async renew(): Promise<void> {
    const before = performance.now();
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
    this.#process?.records?.close();
    this.#process = { id, records: RecordFile.begin(this.#database, id), nextId: () => id * IDS + count++ };
    this.#shown = before;
  }

  /** @param clean whether it leaves no open request; else others find it gone */
  async end(clean: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    const known = this.#process;
    known?.records?.close();
    if (!clean || known === undefined) return;
    try {
      await this.#database.write((queries) => queries.later('DELETE FROM processes WHERE id = ?', known.id));
      removeRecords(this.#database, known.id);
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** Never rejects. */
  async #show(): Promise<void> {
    try {
      // Who was taken for dead takes a new number when the ledger needs one.
      await this.#raise(this.#process?.id ?? 0);
      await this.#database.write((queries) => prune(queries, this.#clock()));
      await this.#settleDead();
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** @returns whether the number is still there */
  async #raise(id: number): Promise<boolean> {
    const before = performance.now();
    const sql = 'UPDATE processes SET beats = beats + 1 WHERE id = ?';
    const kept = (await this.#database.write((queries) => queries.run(sql, id))) === 1;
    if (kept) this.#shown = before;
    return kept;
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
    const settled = await this.#database.write(async (queries) => {
      // Another one may have done it, or it may have come back.
      const removed = await queries.run('DELETE FROM processes WHERE id = ? AND beats = ?', id, beats);
      if (removed === 0) return false;
      const records = readRecords(this.#database, id);
      const closing = { counters: new Counters(queries), sums: new UsageSums(queries), now: this.#clock() };
      for (const { open, recorded } of await openOf(queries, id)) {
        await close(queries, open, spentOf(open, recorded, records.get(open.id)), closing);
      }
      closing.counters.save();
      closing.sums.save();
      return true;
    });
    if (settled) removeRecords(this.#database, id);
    this.#seen.delete(id);
  }
}

/** What a dead process's request took, as it was written down. */
function spentOf({ promptTokens }: OpenRequest, inTable: number, written: Progress | undefined): Spent {
  if (written?.complete === true) return { ...written, outcome: 'completed' };
  return { promptTokens, completionTokens: Math.max(inTable, written?.completionTokens ?? 0), outcome: 'lost' };
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
