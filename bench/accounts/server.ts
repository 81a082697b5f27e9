/**
 * A server whose engine answers after a while with so many tokens, with accounts, limits and ledger or without: what they cost is all that
 * differs. Prompts are counted by a real tokenizer, trained here. Prints its address, a key, and on SIGUSR2 what the ledger has billed.
 *
 *   node server.ts [--accounts PLACE] [--delay MS] [--tokens N] [--pace MS]
 */
import { parseArgs } from 'node:util';
import { Accounts, Ledger, serve, usageReport } from '@tunan/api';
import { engineOf, openAccount } from './parts.ts';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string' },
    delay: { type: 'string', default: '0' },
    tokens: { type: 'string', default: '16' },
    pace: { type: 'string', default: '0' },
  },
});
const engine = await engineOf({
  delay: Number(values.delay),
  tokens: Number(values.tokens),
  pace: Number(values.pace),
});
const accounts = values.accounts === undefined ? undefined : await Accounts.open(values.accounts);
const ledger = accounts && (await Ledger.open(accounts.database, { onTrouble: (error) => console.error(error) }));
const key = accounts && ledger ? await openAccount(accounts, ledger) : 'none';
const serving = await serve({ models: new Map([['m', engine]]), port: 0, accounts, ledger });

process.on('SIGUSR2', async () => {
  const rows = accounts === undefined ? [] : await usageReport(accounts.database);
  const billed = rows.reduce((sum, row) => sum + row.completionTokens, 0);
  const { user, system } = process.cpuUsage();
  globalThis.gc?.(); // of memory that is held what is needed counts
  const { heapUsed: heap, external } = process.memoryUsage();
  const rss = process.memoryUsage.rss();
  console.log(JSON.stringify({ billed, open: ledger?.open ?? 0, held: heap + external, rss, cpu: user + system }));
});
process.once('SIGTERM', async () => {
  await serving.close();
  await ledger?.close();
  await accounts?.close();
  process.exit();
});
// Behind the handlers: without one the signal would end the process.
console.log(JSON.stringify({ url: serving.url, key }));
