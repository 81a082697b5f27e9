/**
 * What a request with accounts, limits and ledger does beyond one of an open server: processor time, statements of SQL and commits. Both
 * servers are in this process, without sockets, in turns, so that other programs on the machine disturb both alike.
 *
 *   node bench/accounts-work.ts [--clients 16] [--requests 400] [--rounds 6] [--delay 8] [--warm 4000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { Accounts, buildServer, Ledger } from '@tunan/api';
import { engineOf, openAccount } from './accounts/parts.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '16' },
    requests: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '6' },
    delay: { type: 'string', default: '8' },
    warm: { type: 'string', default: '4000' },
  },
});
const [clients, requests, rounds] = [Number(values.clients), Number(values.requests), Number(values.rounds)];

let [statements, commits] = [0, 0];
for (const name of ['all', 'get', 'run'] as const) {
  const method = StatementSync.prototype[name] as (...given: unknown[]) => unknown;
  StatementSync.prototype[name] = function (this: StatementSync, ...given: unknown[]) {
    statements++;
    return method.apply(this, given);
  } as never;
}
const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  if (sql === 'COMMIT') commits++;
  exec.call(this, sql);
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'tunan-work-'));
const accounts = await Accounts.open(path.join(folder, 'accounts.sqlite'), { passwordCost: 2 });
const ledger = await Ledger.open(accounts.database);
const key = await openAccount(accounts, ledger);
const models = new Map([['m', await engineOf({ delay: Number(values.delay), tokens: 16, pace: 0 })]]);
const apps = { open: buildServer({ models }).app, accounts: buildServer({ models, accounts, ledger }).app };
const payload = { model: 'm', prompt: '春眠不觉晓，处处闻啼鸟。', max_tokens: 16 };

async function load(name: keyof typeof apps, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const headers = { authorization: `Bearer ${key}` };
      const answer = await apps[name].inject({ method: 'POST', url: '/v1/completions', headers, payload });
      if (answer.statusCode !== 200) throw new Error(answer.body);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

const found = { open: [] as number[], accounts: [] as number[] };
for (const name of ['open', 'accounts'] as const) await load(name, Number(values.warm));
[statements, commits] = [0, 0];
for (let round = 0; round < rounds; round++) {
  for (const name of round % 2 === 0 ? (['open', 'accounts'] as const) : (['accounts', 'open'] as const)) {
    const before = process.cpuUsage();
    await load(name, requests);
    const { user, system } = process.cpuUsage(before);
    found[name].push((user + system) / requests);
  }
}
const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const each = (count: number) => (count / (requests * rounds)).toFixed(2);
console.log(
  `${os.cpus()[0]?.model}, Node ${process.version}, ${clients} clients, an engine of ${values.delay} ms: processor time a request ` +
    `${median(found.open).toFixed(0)} µs open, ${median(found.accounts).toFixed(0)} µs with accounts; ` +
    `${each(statements)} statements and ${each(commits)} commits a request with accounts`,
);
await ledger.close();
await accounts.close();
rmSync(folder, { recursive: true });
process.exit();
