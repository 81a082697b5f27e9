/** How often a request waits for PostgreSQL: ways there and back, counted by a relay that hands answers on when the other side is quiet. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { Accounts } from '../accounts/accounts.ts';
import { postgresServer } from '../testing/databases.ts';
import { Ledger } from './ledger.ts';

/** For so long nothing must come before a side counts as quiet, ms. What is sent together takes a fraction of it, on busy machines too. */
const QUIET = 250;

async function countingRelay(to: string) {
  let ways = 0;
  const relay = net.createServer((client) => {
    const server = net.connect(to);
    const held: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (held.length === 0) return;
        ways++;
        for (const part of held.splice(0)) client.write(part);
      }, QUIET);
    };
    client.on('data', (part) => {
      server.write(part);
      wait();
    });
    server.on('data', (part) => {
      held.push(part);
      wait();
    });
    for (const [side, other] of [
      [client, server],
      [server, client],
    ] as const) {
      side.on('error', () => other.destroy());
      side.on('close', () => other.destroy());
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return { port: (relay.address() as net.AddressInfo).port, take: () => ways, close: () => relay.close() };
}

test('postgres: a request takes four ways there and back, key, reservation and settlement; one more for each part', async (t) => {
  const server = await postgresServer();
  if (server === undefined) {
    t.skip('PostgreSQL (initdb, postgres) is not installed');
    return;
  }
  const url = new URL(await server.newDatabase());
  const relay = await countingRelay(`${url.searchParams.get('host')}/.s.PGSQL.5432`);
  try {
    const place = `postgresql://tunan@127.0.0.1:${relay.port}${url.pathname}`;
    const environment = { TUNAN_ACCOUNTS_SECRET: 'a secret of tests, and of nothing else' };
    await using accounts = await Accounts.open(place, { passwordCost: 2, environment });
    await using ledger = await Ledger.open(accounts.database, { beat: 3_600_000 });
    const { account } = await accounts.members.add({ organisation: 'o', email: 'a@b', name: 'x' });
    const { text } = await accounts.keys.make(account.id, { name: 'x' });
    for (const metric of ['tokens_per_day', 'requests_per_minute', 'concurrent_requests'] as const)
      await ledger.limits.set({ scope: 'key', subject: '*', model: '*', metric, amount: 1e9 });
    const waysOf = async (parts: number) => {
      const before = relay.take();
      const caller = await accounts.keys.authenticate(text);
      const asked = { request: 'r', model: 'm', route: '/v1', promptTokens: 3, completionTokens: 9 };
      const { id } = await ledger.reserve({ ...caller, ...asked });
      for (let part = 1; part <= parts; part++) await ledger.record(id, part);
      await ledger.finish(id, { promptTokens: 3, completionTokens: 9 });
      return relay.take() - before;
    };
    // The first makes the counters.
    await waysOf(0);
    assert.deepEqual([await waysOf(0), await waysOf(2)], [4, 6]);
  } finally {
    relay.close();
    await server.close();
  }
});
