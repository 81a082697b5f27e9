/**
 * What processes were killed with: reservations of which their callers knew and that had not been committed. Each process enters them in
 * the transaction in which it takes its number, before it reserves anything itself, and whether the others live or not: whoever holds a
 * transaction open is alone, and nobody holds one while another begins.
 */
import type { Database, Transaction } from '../storage/database.ts';
import { Counters } from './counters.ts';
import { readHeld } from './held-file.ts';
import { readRecords } from './record-file.ts';
import { enterReserved } from './reserved.ts';
import { close, openOf } from './settlement.ts';
import { UsageSums } from './usage-sums.ts';

/** @param processes all other ones */
export async function adopt(
  queries: Transaction,
  database: Database,
  processes: readonly number[],
  now: number,
): Promise<void> {
  for (const process of processes) {
    let entered = 0;
    for (const reserved of readHeld(database, process)) if (await enterReserved(queries, reserved)) entered++;
    if (entered > 0) await closeComplete(queries, database, process, now);
  }
}

/** Answers that ended in the same transaction, and gave back what the later reservations of it were given. */
async function closeComplete(queries: Transaction, database: Database, process: number, now: number): Promise<void> {
  const records = readRecords(database, process);
  const closing = { counters: new Counters(), sums: new UsageSums(queries), now };
  closing.counters.begin(queries, false);
  for (const { open } of await openOf(queries, process)) {
    const written = records.get(open.id);
    if (written?.complete === true) await close(queries, open, { ...written, outcome: 'completed' }, closing);
  }
  closing.counters.save();
  closing.sums.save();
}
