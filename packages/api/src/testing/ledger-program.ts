/**
 * A process that uses a ledger as a server does, until it is killed or asked to stop, and writes down what happened as it happens: a
 * line stays though the process dies. `p ID N`: N tokens are produced; `r ID N`: the client has them; `e ID N`: settled; `w ID N`: the
 * client has the whole answer, of N tokens.
 *
 *   node ledger-program.ts DATABASE LOG CLIENTS
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMigrated } from '../accounts/accounts.ts';
import { Ledger } from '../quotas/ledger.ts';
import type { Outcome } from '../quotas/settlement.ts';

const [place = '', log = '', clients = '1'] = process.argv.slice(2);
const descriptor = openSync(log, 'a');
const note = (what: 'p' | 'r' | 'e' | 'w', id: number, tokens: number) =>
  writeSync(descriptor, `${what} ${id} ${tokens}\n`);
const below = (most: number) => Math.floor(Math.random() * most);

let stopped = false;
process.once('SIGTERM', () => {
  stopped = true;
});
process.on('disconnect', () => process.exit());

const database = await openMigrated(place, {}, undefined);
const ledger = await Ledger.open(database, { beat: 200 });
await Promise.all(Array.from({ length: Number(clients) }, (_, n) => client(n)));
await ledger.close();
await database.close();
process.exit();

async function client(n: number): Promise<void> {
  while (!stopped) {
    const [promptTokens, most] = [below(20), 1 + below(60)];
    const of = { organisationId: 'org', accountId: 'acc', keyId: `k${1 + (n % 2)}`, model: n % 3 === 0 ? 'm' : 'n' };
    const asked = {
      ...of,
      request: `req_${process.pid}`,
      route: '/v1/completions',
      promptTokens,
      completionTokens: most,
    };
    try {
      const { id } = await ledger.reserve(asked);
      await answer(id, promptTokens, most);
    } catch (error) {
      if (!/^QUOTA_/.test(String((error as { code?: unknown }).code))) throw error;
      await sleep(2 + below(8));
    }
  }
}

/** An answer that ends, is left, or breaks. */
async function answer(id: number, promptTokens: number, most: number): Promise<void> {
  const end = below(4) === 0 ? below(most) : most;
  let produced = 0;
  const streams = below(3) > 0; // of a whole answer nothing is seen before its end
  while (produced < end) {
    produced = Math.min(end, produced + 1 + below(8));
    note('p', id, produced);
    if (streams) {
      await ledger.record(id, produced);
      note('r', id, produced);
    }
    if (below(3) === 0) await sleep(below(3));
  }
  if (end === most && below(2) === 0) {
    await ledger.finish(id, { promptTokens, completionTokens: produced });
    note('w', id, produced);
    return;
  }
  const outcome: Outcome = end === most ? 'completed' : below(2) === 0 ? 'left' : 'failed';
  await ledger.settle(id, { promptTokens, completionTokens: produced, outcome });
  note('e', id, produced);
}
