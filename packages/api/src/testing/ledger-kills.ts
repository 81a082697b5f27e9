/** Processes that use one ledger are killed (-9) and started again, at random, while it is watched; at the end the books are compared. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMigrated } from '../accounts/accounts.ts';
import { Ledger } from '../quotas/ledger.ts';
import type { Limit } from '../quotas/limits.ts';
import type { Database } from '../storage/database.ts';
import { checkLedger } from './ledger-check.ts';
import { addPeople } from './people.ts';

export interface KillsOptions {
  /** File or URL, empty. */
  readonly place: string;
  readonly folder: string;
  readonly processes: number;
  /** Of all processes together. */
  readonly clients: number;
  readonly kills: number;
  /** Whether each is stopped until others have taken it for dead, and goes on then, in place of being killed. */
  readonly stops?: boolean;
}

/** Of model m the quarter is used up on the way; of n there is always more. */
const LIMITS: readonly Omit<Limit, 'scope' | 'subject'>[] = [
  { model: '*', metric: 'concurrent_requests', amount: 24 },
  { model: 'm', metric: 'tokens_per_minute', amount: 9_000 },
  { model: 'm', metric: 'tokens_per_quarter', amount: 100_000 },
];

export interface KillsResult {
  readonly requests: number;
  readonly lost: number;
  /** Requests of which a part had reached the client when the process died. */
  readonly cut: number;
  readonly refusedAtEnd: boolean;
}

export async function killAndCompare({
  place,
  folder,
  processes,
  clients,
  kills,
  stops = false,
}: KillsOptions): Promise<KillsResult> {
  const database = await openMigrated(place, {}, undefined);
  await addPeople(database);
  const watcher = await Ledger.open(database, { beat: 200 });
  for (const limit of LIMITS) await watcher.limits.set({ scope: 'organisation', subject: 'org', ...limit });
  await watcher.limits.set({
    scope: 'organisation',
    subject: 'org',
    model: '*',
    metric: 'requests_per_quarter',
    amount: undefined,
  });
  const limitOf = (counter: { readonly metric: string; readonly model: string }) =>
    LIMITS.find(({ metric, model }) => metric === counter.metric && model === counter.model)?.amount;
  const logs: string[] = [];
  const start = (): ChildProcess => {
    const log = path.join(folder, `log-${logs.length}`);
    logs.push(log);
    const program = path.join(import.meta.dirname, 'ledger-program.ts');
    const args = [program, place, log, String(Math.ceil(clients / processes))];
    return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  };
  const running = Array.from({ length: processes }, start);
  for (let kill = 0; kill < kills; kill++) {
    const place = kill % processes;
    const victim = running[place]!;
    // One that has begun, at a moment that nobody chooses. Model n is never used up, so that it does begin.
    const own = logs.length;
    await until(() => victim.exitCode !== null || sizeOf(logs, victim, running) > 0);
    await sleep(Math.random() * 60);
    assert.equal(victim.exitCode, null, 'it ended by itself');
    if (stops) {
      await stopForLong(database, victim);
      await checkLedger(database, limitOf);
      continue;
    }
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    running[place] = start();
    assert.equal(logs.length, own + 1);
    if (kill % 5 === 0) await checkLedger(database, limitOf);
  }
  for (const one of running) one.kill('SIGTERM');
  await Promise.all(running.map((one) => one.exitCode === null && one.signalCode === null && once(one, 'exit')));
  // Killed ones are settled by the living, at the latest by this.
  await until(async () => (await checkLedger(database, limitOf)).open === 0);
  const result = await compare(database, logs, stops);
  const refusedAtEnd = await watcher
    .reserve({
      organisationId: 'org',
      accountId: 'acc',
      keyId: 'k1',
      request: '',
      route: '',
      model: 'm',
      promptTokens: 0,
      completionTokens: 100_001,
    })
    .then(
      () => false,
      () => true,
    );
  await watcher.close();
  await database.close();
  return { ...result, refusedAtEnd };
}

/** As a process out of sight that stands still: nobody can tell it from a dead one. */
async function stopForLong(database: Database, { pid }: ChildProcess): Promise<void> {
  const hidden = JSON.stringify({ host: 'out of sight', process: pid });
  const changed = await database.write(async (queries) => {
    // Not in a transaction of its own: with SQLite nobody could write then until it goes on.
    process.kill(pid!, 'SIGSTOP');
    return await queries.run('UPDATE processes SET identity = ? WHERE identity LIKE ?', hidden, `%"process":${pid},%`);
  });
  assert.equal(changed, 1);
  const isThere = async () => (await database.rows('SELECT id FROM processes WHERE identity = ?', hidden)).length > 0;
  await until(async () => !(await isThere()));
  process.kill(pid!, 'SIGCONT');
  const isBack = async () =>
    (await database.rows('SELECT id FROM processes WHERE identity LIKE ?', `%"process":${pid},%`)).length > 0;
  await until(isBack);
}

/** Lines that the process of a place has written: the newest log of those that run. */
function sizeOf(logs: readonly string[], victim: ChildProcess, running: readonly ChildProcess[]): number {
  const at = victim.spawnargs.find((argument) => logs.includes(argument));
  assert.ok(at !== undefined && running.includes(victim));
  try {
    return readFileSync(at).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(10);
}

/** For every request: billed = recorded, at least what its client received, at most what was produced. */
async function compare(database: Parameters<typeof checkLedger>[0], logs: readonly string[], stops: boolean) {
  const { requests } = await checkLedger(database, () => undefined);
  const rows = new Map(requests.map((row) => [row.id, row]));
  const told = {
    p: new Map<number, number>(),
    r: new Map<number, number>(),
    e: new Map<number, number>(),
    w: new Map<number, number>(),
  };
  for (const log of logs) {
    let text = '';
    try {
      text = readFileSync(log, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    for (const line of text.split('\n')) {
      const [, what, id, tokens] = /^([prew]) (\d+) (\d+)$/.exec(line) ?? [];
      if (what !== undefined) told[what as keyof typeof told].set(Number(id), Number(tokens));
    }
  }
  assert.ok(told.r.size > 0 && told.w.size > 0);
  for (const [id, received] of told.w) {
    const row = rows.get(id)!;
    assert.deepEqual([row.completion_tokens, row.outcome], [received, 'completed'], `request ${id} was seen whole`);
  }
  let cut = 0;
  for (const [id, received] of told.r) {
    const row = rows.get(id)!;
    assert.ok(
      row.completion_tokens >= received,
      `request ${id}: ${row.completion_tokens} billed, ${received} received`,
    );
    if (row.outcome === 'lost' && received > 0) cut++;
  }
  for (const { id, completion_tokens: billed, outcome } of requests) {
    const produced = told.p.get(id) ?? 0;
    assert.ok(billed <= produced, `request ${id}: ${billed} billed, ${produced} produced`);
    const settled = told.e.get(id);
    // What a process settles that others have settled changes nothing.
    if (settled !== undefined && !(stops && outcome === 'lost'))
      assert.deepEqual([billed, outcome === 'lost'], [settled, false], `request ${id}`);
  }
  return { requests: requests.length, lost: requests.filter(({ outcome }) => outcome === 'lost').length, cut };
}
